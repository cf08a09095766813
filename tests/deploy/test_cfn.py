"""The CloudFormation templates: sound, and deployed to moto they bring what the handler reads."""

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from moto import mock_aws

from nth.core.notices.envelope import DIRECT
from nth.core.notices.eventbridge import DOWNWARD_STATES, LAUNCHING, READERS, TERMINATING, read_message
from nth.core.notices.events import (
    AsgLaunch,
    AsgTermination,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.notices.message import Heard
from nth.settings.table import BY_NAME
from tests.core import queue_samples as samples
from tests.deploy.sources import (
    AWS,
    HOOKS_TEMPLATE,
    QUEUE_TEMPLATE,
    patterns,
    resources,
    statements,
    template,
    without_nothing,
)

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
TOPIC = "arn:aws:sns:eu-west-1:210987654321:hooks"


class Stack:
    """The queue's template, deployed."""

    def __init__(self, name: str, **parameters: str) -> None:
        self._session = boto3.Session("testing", "testing", region_name=samples.REGION)
        self.iam = self._session.client("iam")
        self.sqs = self._session.client("sqs")
        formation = self._session.client("cloudformation")
        with warnings.catch_warnings():
            # moto knows neither queue policies nor Pod Identity associations in CloudFormation.
            warnings.filterwarnings("ignore", "Tried to parse", UserWarning)
            formation.create_stack(
                StackName=name,
                TemplateBody=json.dumps(without_nothing(template(QUEUE_TEMPLATE), parameters)),
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            )
        stack = formation.describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def happen(self, body: str) -> None:
        """AWS publishes the event that this message tells of; the queue holds nothing else then."""
        for name in ("QueueUrl", "DeadLetterQueueUrl"):
            while self.bodies(name, delete=True):
                pass
        told = json.loads(body)
        detail = json.dumps(told["detail"])
        entry = {"Source": told["source"], "DetailType": told["detail-type"], "Detail": detail}
        answer = self._session.client("events").put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0

    def bodies(self, queue: str = "QueueUrl", *, delete: bool = False) -> list[str]:
        """What is to be seen in the queue (at most ten); it stays so, unless deleted."""
        url = self.outputs[queue]
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        messages = answer.get("Messages", ())
        for each in messages:
            named = {"QueueUrl": url, "ReceiptHandle": each["ReceiptHandle"]}
            if delete:
                self.sqs.delete_message(**named)
            else:
                self.sqs.change_message_visibility(**named, VisibilityTimeout=0)
        return [each["Body"] for each in messages]

    def attributes(self, queue: str) -> dict[str, str]:
        """Of a queue."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=["All"])
        return dict(answer["Attributes"])

    def trust(self, role: str) -> dict[str, Any]:
        """The one statement that says who may have the role."""
        name = self.outputs[role].rpartition("/")[2]
        document = self.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        (statement,) = document["Statement"]
        assert isinstance(statement, dict)
        return statement

    def allowed(self) -> dict[str, dict[str, Any]]:
        """The handler's policy, by Sid."""
        arn = self.outputs["HandlerPolicyArn"]
        version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)
        return statements(answer["PolicyVersion"]["Document"])


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    """An empty AWS account."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        yield


@pytest.fixture(scope="module")
def plain(account: None) -> Stack:
    """With the defaults."""
    return Stack("plain")


@pytest.fixture(scope="module")
def full(account: None) -> Stack:
    """With everything that can be had."""
    return Stack(
        "full",
        MaxReceiveCount="10",
        KmsKeyArn=KEY,
        LaunchHooks="true",
        AutoScalingGroupNames="blue-*",
        Namespace="infra",
        ServiceAccount="nth",
        ClusterName="blue",
        OidcProviderArn=PROVIDER,
    )


@pytest.fixture(scope="module")
def keyed(account: None) -> Stack:
    """With a key that the template makes."""
    return Stack("keyed", CreateKey="true", AutoScalingGroupNames="*", SnsTopicArns=TOPIC)


def test_cfn_lint_finds_nothing() -> None:
    templates = sorted(map(str, AWS.glob("*.cfn.yaml")))
    assert len(templates) == 2

    done = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), *templates],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


KINDS = [
    (samples.spot_message(), SpotInterruption),
    (samples.rebalance_message(), RebalanceRecommendation),
    *((samples.state_message(state=state), InstanceStateChange) for state in DOWNWARD_STATES),
    (samples.health_message([samples.INSTANCE_ID, "i-0123456789abcdef0"]), ScheduledMaintenance),
    (samples.asg_message(), AsgTermination),
    (samples.asg_message(transition=LAUNCHING), AsgLaunch),
]


@pytest.mark.parametrize(("body", "kind"), KINDS)
def test_every_kind_of_event_reaches_the_queue_once_and_is_read(full: Stack, body: str, kind: type) -> None:
    full.happen(body)

    (arrived,) = full.bodies()
    reading = read_message(arrived, received_at=0)
    assert isinstance(reading, Heard)
    assert not reading.warnings
    assert {type(item) for item in reading.items} == {kind}
    assert samples.INSTANCE_ID in {getattr(item, "instance_id", "") for item in reading.items}


def test_there_is_a_rule_for_all_that_is_read_and_for_nothing_else() -> None:
    ruled = {(pattern["source"][0], pattern["detail-type"][0]) for pattern in patterns()}

    assert ruled == set(READERS) - {DIRECT}
    states = [pattern["detail"]["state"] for pattern in patterns() if "state" in pattern.get("detail", {})]
    assert [sorted(each) for each in states] == [sorted(DOWNWARD_STATES)]


@pytest.mark.parametrize(
    "body",
    [
        samples.state_message(state="running"),
        samples.state_message(state="pending"),
        samples.health_message(service="RDS"),
        samples.health_message(eventTypeCategory="issue"),
        samples.asg_message(transition=LAUNCHING),
        samples.eventbridge_message(
            "aws.ec2", "EC2 Spot Instance Request Fulfillment", {"instance-id": "i-1"}
        ),
        samples.eventbridge_message("aws.autoscaling", "EC2 Instance Launch Successful", {"a": 1}),
    ],
)
def test_what_asks_nothing_of_us_stays_out(plain: Stack, body: str) -> None:
    plain.happen(body)

    assert plain.bodies() == []


def test_what_nobody_deletes_ends_in_the_dead_letter_queue(full: Stack) -> None:
    full.happen(samples.spot_message())

    for _ in range(10):
        assert len(full.bodies()) == 1
    assert full.bodies() == []

    (dead,) = full.bodies("DeadLetterQueueUrl")
    assert isinstance(read_message(dead, received_at=0), Heard)


def test_messages_outlive_every_hook_and_dead_ones_all_others(plain: Stack) -> None:
    queue, dead = plain.attributes("QueueUrl"), plain.attributes("DeadLetterQueueUrl")

    # A lifecycle action lasts at most 48 hours:
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
    assert int(queue["MessageRetentionPeriod"]) >= 48 * 3600
    assert int(dead["MessageRetentionPeriod"]) > int(queue["MessageRetentionPeriod"])
    assert json.loads(queue["RedrivePolicy"])["deadLetterTargetArn"] == dead["QueueArn"]
    assert queue["SqsManagedSseEnabled"] == dead["SqsManagedSseEnabled"] == "true"


def test_both_queues_take_a_key_instead_of_their_own(full: Stack) -> None:
    assert full.attributes("QueueUrl")["KmsMasterKeyId"] == KEY
    assert full.attributes("DeadLetterQueueUrl")["KmsMasterKeyId"] == KEY
    key = {"Sid": "Key", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY}
    assert full.allowed()["Key"] == key


def test_safe_10_a_key_of_the_template_is_used_for_our_rules_and_topics_alone(keyed: Stack) -> None:
    key = keyed.attributes("QueueUrl")["KmsMasterKeyId"]
    (made,) = resources("AWS::KMS::Key").values()
    said = statements(made["KeyPolicy"])
    account = {"Ref": "AWS::AccountId"}
    rules = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/*"
    use = {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*"}

    assert key.startswith("arn:aws:kms:eu-west-1:123456789012:key/")
    assert keyed.attributes("DeadLetterQueueUrl")["KmsMasterKeyId"] == key
    assert keyed.allowed()["Key"]["Resource"] == key
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    assert said.pop("Account")["Principal"] == {"AWS": root}
    assert said.pop("EventBridge") == {
        **use,
        "Sid": "EventBridge",
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": {"Fn::Sub": rules}},
        },
    }
    assert said.pop("Topics") == {
        **use,
        "Sid": "Topics",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Ref": "SnsTopicArns"}}},
    }
    assert said == {}


def test_safe_10_no_key_is_made_unless_asked_and_never_beside_a_named_one(plain: Stack, full: Stack) -> None:
    assert plain.attributes("QueueUrl").get("KmsMasterKeyId") is None
    assert full.attributes("QueueUrl")["KmsMasterKeyId"] == KEY
    (rule,) = template(QUEUE_TEMPLATE)["Rules"].values()
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "CreateKey"}, "true"]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "KmsKeyArn"}, ""]}


def test_safe_10_every_service_that_is_let_in_is_held_to_our_own_resources() -> None:
    """A service may be asked by anybody's rule or topic: without a source in the condition it is fooled."""
    (queue,) = resources("AWS::SQS::QueuePolicy").values()
    (key,) = resources("AWS::KMS::Key").values()
    said = [*statements(queue["PolicyDocument"]).values(), *statements(key["KeyPolicy"]).values()]
    services = [each for each in said if "Service" in each["Principal"]]

    assert len(services) == 4
    for each in services:
        keys = {key for test in each["Condition"].values() for key in test}
        assert "aws:SourceArn" in keys, each["Sid"]
        assert ("aws:SourceAccount" in keys) is (each["Principal"]["Service"] == "events.amazonaws.com")


def test_only_our_rules_may_send() -> None:
    (policy,) = resources("AWS::SQS::QueuePolicy").values()
    said = statements(policy["PolicyDocument"])

    assert policy["Queues"] == [{"Ref": "Queue"}]
    assert all(each["Resource"] == {"Fn::GetAtt": ["Queue", "Arn"]} for each in said.values())
    assert said["EventBridge"]["Principal"] == {"Service": "events.amazonaws.com"}
    own_account = said["EventBridge"]["Condition"]["StringEquals"]
    assert own_account == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    arns = said["EventBridge"]["Condition"]["ArnEquals"]["aws:SourceArn"]
    rules = [each["Fn::If"][1] if "Fn::If" in each else each for each in arns]
    assert [each["Fn::GetAtt"][0] for each in rules] == list(resources("AWS::Events::Rule"))
    assert said["Topics"]["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "SnsTopicArns"}}}
    assert said["OnlyEncryptedConnections"]["Effect"] == "Deny"


def test_the_handler_may_touch_its_queue_and_the_chosen_groups_only(plain: Stack, full: Stack) -> None:
    for stack in (plain, full):
        said = stack.allowed()
        assert said.pop("LookUps")["Resource"] == "*"
        assert said.pop("Queue")["Resource"] == stack.outputs["QueueArn"]
        assert set(said) == ({"Hooks", "Key"} if stack is full else {"Hooks"})


def test_safe_1_hooks_are_completed_for_tagged_or_named_groups_and_for_all_only_if_asked(
    plain: Stack, full: Stack, keyed: Stack
) -> None:
    groups = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName"
    tagged = {"StringLike": {f"autoscaling:ResourceTag/{BY_NAME['managed_tag'].default}": "*"}}
    hooks = {name: stack.allowed()["Hooks"] for name, stack in (("", plain), ("blue-*", full), ("*", keyed))}

    assert (hooks[""]["Resource"], hooks[""].get("Condition")) == (f"{groups}/*", tagged)
    assert (hooks["blue-*"]["Resource"], hooks["blue-*"].get("Condition")) == (f"{groups}/blue-*", None)
    assert (hooks["*"]["Resource"], hooks["*"].get("Condition")) == (f"{groups}/*", None)


def test_no_role_unless_asked(plain: Stack) -> None:
    assert not [name for name in plain.outputs if "Role" in name]


def test_irsa_trusts_one_service_account(full: Stack) -> None:
    trust = full.trust("IrsaRoleArn")

    assert trust["Principal"] == {"Federated": PROVIDER}
    assert trust["Condition"]["StringEquals"] == {
        "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud": "sts.amazonaws.com",
        "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": "system:serviceaccount:infra:nth",
    }


def test_pod_identity_trusts_one_service_account(full: Stack) -> None:
    assert full.trust("PodIdentityRoleArn")["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "blue",
        "aws:RequestTag/kubernetes-namespace": "infra",
        "aws:RequestTag/kubernetes-service-account": "nth",
    }
    (association,) = resources("AWS::EKS::PodIdentityAssociation").values()
    assert association["RoleArn"] == {"Fn::GetAtt": ["PodIdentityRole", "Arn"]}


def test_every_role_has_the_one_policy() -> None:
    roles = resources("AWS::IAM::Role")

    assert [role["ManagedPolicyArns"] for role in roles.values()] == [[{"Ref": "HandlerPolicy"}]] * 2


def test_hooks_are_of_the_transitions_that_are_read() -> None:
    hooks = resources("AWS::AutoScaling::LifecycleHook", HOOKS_TEMPLATE)

    assert {name: hook["LifecycleTransition"] for name, hook in hooks.items()} == {
        "Termination": TERMINATING,
        "Launch": LAUNCHING,
    }
    assert len({hook["LifecycleHookName"] for hook in hooks.values()}) == 2
