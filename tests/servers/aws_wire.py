"""Requests to AWS and answers of AWS as bytes: three protocols. Knows nothing of what they mean.

https://smithy.io/2.0/aws/protocols/index.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

JSON_TYPE = "application/x-amz-json-1.0"
UNSIGNED = {"AssumeRoleWithWebIdentity": "sts"}
REQUEST_ID = "00000000-0000-4000-8000-000000000000"
AUTO_SCALING_NAMESPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


def service_and_action(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """From the signature's scope, and from the target or the form."""
    scope = headers.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0].split("/")
    target = headers.get("HTTP_X_AMZ_TARGET", "")
    action = target.rpartition(".")[2] if target else form(body).get("Action", "")
    return scope[3] if len(scope) == 5 else UNSIGNED.get(action, ""), action


def form(body: bytes) -> dict[str, str]:
    """The fields of a query request."""
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def error(service: str, status: int, code: str, message: str, *, json_code: str = "") -> Answer:
    """As that service says no. SQS has old codes for all and, in JSON, new ones for some.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html
    """
    if service == "sqs":
        document = {"__type": f"com.amazonaws.sqs#{json_code or code}", "message": message}
        return json_answer(document, status, f"{code};Sender")
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        text = (
            f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
        )
    else:
        text = (
            f'<ErrorResponse xmlns="{AUTO_SCALING_NAMESPACE}"><Error><Type>Sender</Type>{inner}</Error>'
            f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        )
    return _xml(status, text)


def done(action: str) -> Answer:
    """Auto Scaling's answer that says nothing else."""
    return _xml(
        200,
        f'<{action}Response xmlns="{AUTO_SCALING_NAMESPACE}"><{action}Result/>'
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>",
    )


def members(states: Mapping[str, str]) -> Answer:
    """Auto Scaling's answer to DescribeAutoScalingInstances."""
    action = "DescribeAutoScalingInstances"
    listed = "".join(
        f"<member><InstanceId>{escape(one)}</InstanceId><LifecycleState>{state}</LifecycleState></member>"
        for one, state in states.items()
    )
    return _xml(
        200,
        f'<{action}Response xmlns="{AUTO_SCALING_NAMESPACE}"><{action}Result>'
        f"<AutoScalingInstances>{listed}</AutoScalingInstances></{action}Result>"
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>",
    )


def json_answer(document: object, status: int = 200, query_error: str = "") -> Answer:
    """SQS's."""
    headers = [("Content-Type", JSON_TYPE)]
    headers += [("x-amzn-query-error", query_error)] if query_error else []
    return Answer(f"{status} Whatever", headers, json.dumps(document).encode())


def garbage() -> Answer:
    """What a proxy in between might say."""
    return Answer("200 OK", [("Content-Type", "text/html")], b"<html>welcome</html")


def without_entries(body: bytes, count: int) -> tuple[bytes, list[str]]:
    """A batch without its first entries, and their ids."""
    document = json.loads(body)
    entries = document["Entries"]
    document["Entries"] = entries[count:]
    return json.dumps(document).encode(), [str(entry["Id"]) for entry in entries[:count]]


def with_failures(body: bytes, ids: list[str], code: str, message: str, *, final: bool) -> bytes:
    """A batch's answer in which these entries have failed, too."""
    document = json.loads(body) if body else {}
    failed = [{"Id": one, "Code": code, "Message": message, "SenderFault": final} for one in ids]
    document["Failed"] = [*document.get("Failed", []), *failed]
    return json.dumps(document).encode()


def _xml(status: int, text: str) -> Answer:
    return Answer(f"{status} Whatever", [("Content-Type", "text/xml")], text.encode())
