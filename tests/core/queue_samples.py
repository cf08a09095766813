"""Bodies of queue messages as AWS writes them, made to order.

Shapes from https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html,
https://docs.aws.amazon.com/autoscaling/ec2/userguide/prepare-for-lifecycle-notifications.html and
https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

INSTANCE_ID = "i-0b662ef9931388ba0"
ACCOUNT = "123456789012"
REGION = "eu-west-1"
AT = 1_787_836_740.0
"""2026-08-27T13:19:00Z"""
ENVELOPE_ID = "7bf73129-1428-4cd3-a780-95db273d1602"
GROUP = "fleet"
HOOK = "drain-first"
TOKEN = "87654321-4321-4321-4321-210987654321"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
EVENT_ARN = (
    f"arn:aws:health:{REGION}::event/EC2/AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED/"
    "AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED_5a1b"
)


def eventbridge_message(
    source: str,
    detail_type: str,
    detail: Mapping[str, object],
    *,
    at: float = AT,
    event_id: str = ENVELOPE_ID,
    account: str = ACCOUNT,
    resources: Sequence[str] = (),
) -> str:
    """What EventBridge puts into a queue; `at` is epoch seconds."""
    return json.dumps(
        {
            "version": "0",
            "id": event_id,
            "detail-type": detail_type,
            "source": source,
            "account": account,
            "time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": list(resources),
            "detail": detail,
        }
    )


def spot_message(
    instance_id: str = INSTANCE_ID,
    at: float = AT,
    *,
    action: str = "terminate",
    event_id: str = ENVELOPE_ID,
    account: str = ACCOUNT,
) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html"""
    return eventbridge_message(
        "aws.ec2",
        "EC2 Spot Instance Interruption Warning",
        {"instance-id": instance_id, "instance-action": action},
        at=at,
        event_id=event_id,
        account=account,
        resources=[f"arn:aws:ec2:{REGION}a:instance/{instance_id}"],
    )


def rebalance_message(
    instance_id: str = INSTANCE_ID, at: float = AT, *, event_id: str = ENVELOPE_ID, account: str = ACCOUNT
) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html"""
    return eventbridge_message(
        "aws.ec2",
        "EC2 Instance Rebalance Recommendation",
        {"instance-id": instance_id},
        at=at,
        event_id=event_id,
        account=account,
        resources=[f"arn:aws:ec2:{REGION}a:instance/{instance_id}"],
    )


def state_message(
    instance_id: str = INSTANCE_ID,
    at: float = AT,
    *,
    state: str = "stopping",
    event_id: str = ENVELOPE_ID,
    account: str = ACCOUNT,
) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html"""
    return eventbridge_message(
        "aws.ec2",
        "EC2 Instance State-change Notification",
        {"instance-id": instance_id, "state": state},
        at=at,
        event_id=event_id,
        account=account,
        resources=[f"arn:aws:ec2:{REGION}:{account}:instance/{instance_id}"],
    )


def health_message(
    instance_ids: Sequence[str] = (INSTANCE_ID,),
    at: float = AT,
    *,
    status: str = "upcoming",
    entity_status: str = "PENDING",
    type_code: str = "AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED",
    starts_at: float | None = None,
    ends_at: float | None = None,
    event_id: str = ENVELOPE_ID,
    arn: str = EVENT_ARN,
    account: str = ACCOUNT,
    **detail: object,
) -> str:
    """It starts a day after the message and takes two hours, unless told; `detail` replaces fields.

    https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
    """
    start = at + 86_400 if starts_at is None else starts_at
    end = start + 7_200 if ends_at is None else ends_at
    fields: dict[str, object] = {
        "eventArn": arn,
        "service": "EC2",
        "eventTypeCode": type_code,
        "eventTypeCategory": "scheduledChange",
        "eventScopeCode": "ACCOUNT_SPECIFIC",
        "communicationId": "1234abc01232a4012345678-1",
        "startTime": health_time(start),
        "endTime": health_time(end),
        "lastUpdatedTime": health_time(at),
        "statusCode": status,
        "eventRegion": REGION,
        "eventDescription": [{"language": "en_US", "latestDescription": "Your instance will be rebooted."}],
        "affectedEntities": [
            {"entityValue": each, "status": entity_status, "lastUpdatedTime": health_time(at)}
            for each in instance_ids
        ],
        "affectedAccount": account,
        "page": "1",
        "totalPages": "1",
    }
    return eventbridge_message(
        "aws.health",
        "AWS Health Event",
        {**fields, **detail},
        at=at,
        event_id=event_id,
        account=account,
        resources=instance_ids,
    )


def asg_message(
    instance_id: str = INSTANCE_ID,
    at: float = AT,
    *,
    transition: str = TERMINATING,
    token: str = TOKEN,
    group: str = GROUP,
    hook: str = HOOK,
    event_id: str = ENVELOPE_ID,
    account: str = ACCOUNT,
) -> str:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html"""
    which = "launch" if transition == LAUNCHING else "terminate"
    return eventbridge_message(
        "aws.autoscaling",
        f"EC2 Instance-{which} Lifecycle Action",
        {
            "LifecycleActionToken": token,
            "AutoScalingGroupName": group,
            "LifecycleHookName": hook,
            "EC2InstanceId": instance_id,
            "LifecycleTransition": transition,
            "NotificationMetadata": "additional-info",
            "Origin": "AutoScalingGroup",
            "Destination": "EC2",
        },
        at=at,
        event_id=event_id,
        account=account,
        resources=[f"arn:aws:autoscaling:{REGION}:{account}:autoScalingGroup:1:autoScalingGroupName/{group}"],
    )


def direct_asg_message(
    instance_id: str = INSTANCE_ID,
    at: float = AT,
    *,
    transition: str = TERMINATING,
    token: str = TOKEN,
    group: str = GROUP,
    hook: str = HOOK,
    request_id: str = "64065e49-1bd0-4e9e-9f6c-1d3c1f1c2c5b",
    account: str = ACCOUNT,
) -> str:
    """What a lifecycle hook puts into a queue that is its own notification target.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/prepare-for-lifecycle-notifications.html
    """
    return json.dumps(
        {
            "Origin": "AutoScalingGroup",
            "LifecycleHookName": hook,
            "Destination": "EC2",
            "AccountId": account,
            "RequestId": request_id,
            "LifecycleTransition": transition,
            "AutoScalingGroupName": group,
            "Service": "AWS Auto Scaling",
            "Time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "EC2InstanceId": instance_id,
            "LifecycleActionToken": token,
        }
    )


def test_notification(**fields: object) -> str:
    """What Auto Scaling sends when a hook gets its notification target; `fields` are added or replaced."""
    notification: dict[str, object] = {
        "AccountId": ACCOUNT,
        "RequestId": "9cc9fd7b-27a7-4b8d-8a2f-4c5d3c2c8c1e",
        "AutoScalingGroupARN": (
            f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:1:autoScalingGroupName/{GROUP}"
        ),
        "AutoScalingGroupName": GROUP,
        "Service": "AWS Auto Scaling",
        "Event": "autoscaling:TEST_NOTIFICATION",
        "Time": "2026-08-27T13:19:00.000Z",
    }
    return json.dumps({**notification, **fields})


# pytest takes an imported name that begins with test_ for a test.
test_notification.__test__ = False  # type: ignore[attr-defined]


def sns_wrapped(body: str, *, at: float = AT) -> str:
    """The body as SNS delivers it to a queue without raw message delivery.

    https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
    """
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "63a3f6b6-d533-4a47-aef9-fcf5cf758c76",
            "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:fleet",
            "Subject": "Auto Scaling: Lifecycle action",
            "Message": body,
            "Timestamp": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "SignatureVersion": "1",
            "Signature": "EXAMPLEnTrFPa3s=",
            "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-f3ecfb7.pem",
            "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe",
        }
    )


def health_time(at: float) -> str:
    """As AWS Health writes instants: `Thu, 27 Aug 2026 13:19:00 GMT`."""
    return datetime.fromtimestamp(at, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
