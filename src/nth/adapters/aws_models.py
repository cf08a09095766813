"""The actions of SQS, EC2 and Auto Scaling that we call, and only the fields that we read.

In the form in which botocore describes services, instead of its own descriptions: EC2's alone takes
15 MiB, and every field that is named there is parsed. Names are those of the API references.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/
"""

from collections.abc import Mapping

Field = str | tuple[str, str]
"""The name of a shape; with the name on the wire where that is another one."""
Document = dict[str, object]


def _structure(**fields: Field) -> Document:
    members = {name: _field(field) for name, field in fields.items()}
    return {"type": "structure", "members": members}


def _list(of: str, *, wire: str = "") -> Document:
    return {"type": "list", "member": _field((of, wire) if wire else of)}


def _map(*, key: str, of: str) -> Document:
    return {"type": "map", "key": {"shape": key}, "value": {"shape": of}}


def _field(field: Field) -> Document:
    shape, wire = (field, "") if isinstance(field, str) else field
    return {"shape": shape, "locationName": wire} if wire else {"shape": shape}


def _model(
    metadata: Mapping[str, object], operations: Mapping[str, str], shapes: Mapping[str, Document]
) -> Document:
    """Returns a description; `operations`: name -> its answer's wrapper. Shapes: `<name>In`, `<name>Out`."""
    return {
        "version": "2.0",
        "metadata": {"signatureVersion": "v4", **metadata},
        "operations": {
            name: {
                "name": name,
                "http": {"method": "POST", "requestUri": "/"},
                "input": {"shape": f"{name}In"},
                "output": {"shape": f"{name}Out"} | ({"resultWrapper": wrapper} if wrapper else {}),
            }
            for name, wrapper in operations.items()
        },
        "shapes": {
            "String": {"type": "string"},
            "Strings": _list("String"),
            "Integer": {"type": "integer"},
            "Boolean": {"type": "boolean"},
            "Time": {"type": "timestamp"},
            **shapes,
        },
    }


SQS = _model(
    {
        "apiVersion": "2012-11-05",
        "awsQueryCompatible": {},
        "endpointPrefix": "sqs",
        "jsonVersion": "1.0",
        "protocol": "json",
        "protocols": ["json"],
        "serviceFullName": "Amazon Simple Queue Service",
        "serviceId": "SQS",
        "targetPrefix": "AmazonSQS",
        "uid": "sqs-2012-11-05",
    },
    {"ReceiveMessage": "", "DeleteMessageBatch": "", "ChangeMessageVisibilityBatch": ""},
    {
        "ReceiveMessageIn": _structure(
            QueueUrl="String",
            MaxNumberOfMessages="Integer",
            MessageSystemAttributeNames="Strings",
            VisibilityTimeout="Integer",
            WaitTimeSeconds="Integer",
        ),
        "ReceiveMessageOut": _structure(Messages="Messages"),
        "Messages": _list("Message"),
        "Message": _structure(
            MessageId="String", ReceiptHandle="String", Body="String", Attributes="Attributes"
        ),
        "Attributes": _map(key="String", of="String"),
        "DeleteMessageBatchIn": _structure(QueueUrl="String", Entries="Entries"),
        "DeleteMessageBatchOut": _structure(Failed="Failures"),
        "ChangeMessageVisibilityBatchIn": _structure(QueueUrl="String", Entries="Entries"),
        "ChangeMessageVisibilityBatchOut": _structure(Failed="Failures"),
        "Entries": _list("Entry"),
        "Entry": _structure(Id="String", ReceiptHandle="String", VisibilityTimeout="Integer"),
        "Failures": _list("Failure"),
        "Failure": _structure(Id="String", SenderFault="Boolean", Code="String", Message="String"),
    },
)

EC2 = _model(
    {
        "apiVersion": "2016-11-15",
        "endpointPrefix": "ec2",
        "protocol": "ec2",
        "protocols": ["ec2"],
        "serviceFullName": "Amazon Elastic Compute Cloud",
        "serviceId": "EC2",
        "uid": "ec2-2016-11-15",
        "xmlNamespace": "http://ec2.amazonaws.com/doc/2016-11-15",
    },
    {"DescribeInstances": ""},
    {
        "DescribeInstancesIn": _structure(
            Filters=("Filters", "Filter"), MaxResults="Integer", NextToken="String"
        ),
        "Filters": _list("Filter", wire="Filter"),
        "Filter": _structure(Name="String", Values=("Values", "Value")),
        "Values": _list("String", wire="item"),
        "DescribeInstancesOut": _structure(
            Reservations=("Reservations", "reservationSet"), NextToken=("String", "nextToken")
        ),
        "Reservations": _list("Reservation", wire="item"),
        "Reservation": _structure(Instances=("Instances", "instancesSet")),
        "Instances": _list("Instance", wire="item"),
        "Instance": _structure(
            InstanceId=("String", "instanceId"),
            LaunchTime=("Time", "launchTime"),
            PrivateDnsName=("String", "privateDnsName"),
            State=("State", "instanceState"),
            Tags=("Tags", "tagSet"),
        ),
        "State": _structure(Name=("String", "name")),
        "Tags": _list("Tag", wire="item"),
        "Tag": _structure(Key=("String", "key"), Value=("String", "value")),
    },
)

_ACTION: Mapping[str, Field] = {
    "AutoScalingGroupName": "String",
    "InstanceId": "String",
    "LifecycleActionToken": "String",
    "LifecycleHookName": "String",
}

AUTO_SCALING = _model(
    {
        "apiVersion": "2011-01-01",
        "endpointPrefix": "autoscaling",
        "protocol": "query",
        "protocols": ["query"],
        "serviceFullName": "Auto Scaling",
        "serviceId": "Auto Scaling",
        "uid": "autoscaling-2011-01-01",
        "xmlNamespace": "http://autoscaling.amazonaws.com/doc/2011-01-01/",
    },
    {
        name: f"{name}Result"
        for name in (
            "CompleteLifecycleAction",
            "RecordLifecycleActionHeartbeat",
            "DescribeLifecycleHooks",
            "DescribeAutoScalingInstances",
        )
    },
    {
        "CompleteLifecycleActionIn": _structure(**_ACTION, LifecycleActionResult="String"),
        "CompleteLifecycleActionOut": _structure(),
        "RecordLifecycleActionHeartbeatIn": _structure(**_ACTION),
        "RecordLifecycleActionHeartbeatOut": _structure(),
        "DescribeLifecycleHooksIn": _structure(AutoScalingGroupName="String", LifecycleHookNames="Strings"),
        "DescribeLifecycleHooksOut": _structure(LifecycleHooks="Hooks"),
        "Hooks": _list("Hook"),
        "Hook": _structure(HeartbeatTimeout="Integer", GlobalTimeout="Integer"),
        "DescribeAutoScalingInstancesIn": _structure(InstanceIds="Strings", NextToken="String"),
        "DescribeAutoScalingInstancesOut": _structure(AutoScalingInstances="Members", NextToken="String"),
        "Members": _list("Member"),
        "Member": _structure(InstanceId="String", LifecycleState="String"),
    },
)

MODELS: Mapping[str, Document] = {"sqs": SQS, "ec2": EC2, "autoscaling": AUTO_SCALING}
"""Service descriptions by the name that botocore gives the service."""
