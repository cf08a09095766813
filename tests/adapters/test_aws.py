"""The adapter with an AWS that says no, says nothing, or says nonsense."""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable

import pytest

from nth.adapters import aws
from nth.adapters.aws import AwsClient, connect
from nth.adapters.aws_errors import ABOUT_ACTIONS, check_kind
from nth.core.notices.aws_facts import LifecycleAction
from nth.errors import ActionGone, AwsError, AwsRefused, AwsThrottled, AwsUnreachable, NoSuchQueue
from tests.adapters.aws_client import Session
from tests.servers.aws import ENVIRONMENT, REGION, AwsServer
from tests.servers.aws_faults import Fault

ACTION = LifecycleAction(group="fleet", hook="drain", token="token", instance_id="i-0123456789abcdef0")
Ask = Callable[[AwsClient, str], Awaitable[object]]

ASKS: dict[str, Ask] = {
    "ReceiveMessage": lambda client, url: client.queue(url).receive(wait_seconds=0, visibility_seconds=30),
    "DeleteMessageBatch": lambda client, url: client.queue(url).delete(["handle"]),
    "ChangeMessageVisibilityBatch": lambda client, url: client.queue(url).change_visibility(["handle"], 0),
    "DescribeInstances": lambda client, url: client.instances.describe([ACTION.instance_id]),
    "CompleteLifecycleAction": lambda client, url: client.hooks.complete(ACTION, "CONTINUE"),
    "RecordLifecycleActionHeartbeat": lambda client, url: client.hooks.heartbeat(ACTION),
    "DescribeLifecycleHooks": lambda client, url: client.hooks.timeouts("fleet", "drain"),
}


def service_of(action: str) -> str:
    if action == "DescribeInstances":
        return "ec2"
    return "autoscaling" if "Lifecycle" in action else "sqs"


def error_of(server: AwsServer, session: Session, action: str, fault: Fault) -> AwsError:
    """What that call raises when it is hit by that fault."""
    url = server.create_queue("queue")
    server.fault(fault)
    caught: list[AwsError] = []

    async def main() -> None:
        try:
            await ASKS[action](session.client, url)
        except AwsError as error:
            caught.append(error)

    session.run(main())
    (error,) = caught
    return error


@pytest.mark.parametrize("action", ASKS)
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "Throttling", AwsThrottled),
        (503, "RequestLimitExceeded", AwsThrottled),
        (429, "Whatever", AwsThrottled),
        (500, "InternalFailure", AwsUnreachable),
        (503, "ServiceUnavailable", AwsUnreachable),
        (403, "AccessDenied", AwsRefused),
        (400, "ValidationError", AwsRefused),
    ],
)
def test_each_answer_of_each_action_has_its_error(
    aws_server: AwsServer, aws_session: Session, action: str, status: int, code: str, kind: type[AwsError]
) -> None:
    fault = Fault(service=service_of(action), status=status, code=code, message="no\nway")
    error = error_of(aws_server, aws_session, action, fault)
    over = code == "ValidationError" and action in ABOUT_ACTIONS
    assert type(error) is (ActionGone if over else kind)
    assert str(error) == f"{action}: {code}: no way"
    if isinstance(error, AwsRefused):
        assert error.code == code
    assert len(aws_server.calls(action)) == 1, "only who decides asks again"


@pytest.mark.parametrize("action", ASKS)
def test_a_connection_that_is_cut_says_nothing(
    aws_server: AwsServer, aws_session: Session, action: str
) -> None:
    error = error_of(aws_server, aws_session, action, Fault(service=service_of(action), kind="drop"))
    assert type(error) is AwsUnreachable
    assert len(aws_server.calls(action)) == 1


@pytest.mark.parametrize("action", ["ReceiveMessage", "DescribeInstances", "CompleteLifecycleAction"])
def test_an_answer_that_is_not_from_aws_says_nothing(
    aws_server: AwsServer, aws_session: Session, action: str
) -> None:
    error = error_of(aws_server, aws_session, action, Fault(service=service_of(action), kind="garbage"))
    assert type(error) is AwsUnreachable


@pytest.mark.parametrize("action", ASKS)
def test_an_answer_that_takes_too_long_is_not_waited_for(
    aws_server: AwsServer, aws_session: Session, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(aws, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(aws, "DESCRIBE_SECONDS", 0.2)
    fault = Fault(service=service_of(action), kind="delay", delay_seconds=0.6)
    error = error_of(aws_server, aws_session, action, fault)
    assert type(error) is AwsUnreachable
    assert str(error) == f"{action}: no answer in time"


def test_an_answer_with_a_request_id_is_aws_own_whatever_its_content_type_says() -> None:
    page = {"HTTPHeaders": {"content-type": "text/html"}}
    check_kind({"ResponseMetadata": {**page, "RequestId": "one"}}, "xml", "DescribeInstances")
    with pytest.raises(AwsUnreachable, match="not AWS's, but text/html"):
        check_kind({"ResponseMetadata": page}, "xml", "DescribeInstances")


def test_a_long_poll_has_its_wait_on_top(
    aws_server: AwsServer, aws_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "CALL_SECONDS", 0.5)
    url = aws_server.create_queue("queue")

    async def main() -> None:
        assert await aws_session.client.queue(url).receive(wait_seconds=1, visibility_seconds=30) == ()

    aws_session.run(main())


@pytest.mark.parametrize("code", ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"])
def test_needs_W14_each_spelling_of_a_missing_queue(
    aws_server: AwsServer, aws_session: Session, code: str
) -> None:
    error = error_of(aws_server, aws_session, "ReceiveMessage", Fault(service="sqs", code=code))
    assert type(error) is NoSuchQueue


def test_entries_that_fail_on_the_way_are_told_with_their_handles(
    aws_server: AwsServer, aws_session: Session
) -> None:
    url = aws_server.create_queue("queue")
    aws_server.send(url, "a", "b", "c")

    async def main() -> None:
        queue = aws_session.client.queue(url)
        handles = [m.receipt_handle for m in await queue.receive(wait_seconds=0, visibility_seconds=30)]
        aws_server.fault(Fault(service="sqs", kind="entries", entries=2, code="InternalError"))
        failed = await queue.delete(handles)
        assert {handle: (f.code, f.final) for handle, f in failed.items()} == {
            handles[0]: ("InternalError", False),
            handles[1]: ("InternalError", False),
        }
        assert aws_server.queue_counts(url).messages == 2
        assert await queue.delete(handles) == {}
        assert aws_server.queue_counts(url).messages == 0

    aws_session.run(main())


def test_an_outage_ends_a_long_poll_and_then_all_is_well(aws_server: AwsServer, aws_session: Session) -> None:
    url = aws_server.create_queue("queue")

    async def main() -> None:
        queue = aws_session.client.queue(url)
        poll = asyncio.create_task(queue.receive(wait_seconds=1, visibility_seconds=30))
        await asyncio.sleep(0.2)
        aws_server.fault(Fault(service="sqs", kind="drop", seconds=1.0))
        with pytest.raises(AwsUnreachable):
            await queue.delete(["handle"])
        with pytest.raises(AwsUnreachable):
            await poll
        await asyncio.sleep(0.3)
        assert await queue.receive(wait_seconds=0, visibility_seconds=30) == ()

    aws_session.run(main())


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test that connects itself."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("credentials")
def test_nobody_listens(aws_session: Session) -> None:
    async def main() -> None:
        url = "http://127.0.0.1:9"
        async with connect(region=REGION, queue_urls=[url], endpoint_url=url) as client:
            for ask in ASKS.values():
                with pytest.raises(AwsUnreachable):
                    await ask(client, url)

    aws_session.run(main())


@pytest.mark.parametrize("action", ["CompleteLifecycleAction", "RecordLifecycleActionHeartbeat"])
@pytest.mark.parametrize("token", ["token", ""], ids=["by-token", "by-instance"])
def test_safe_1_an_action_without_a_token_is_named_by_its_instance_alone(
    aws_server: AwsServer, aws_session: Session, action: str, token: str
) -> None:
    named = dataclasses.replace(ACTION, token=token)

    async def main() -> None:
        hooks = aws_session.client.hooks
        complete = action == "CompleteLifecycleAction"
        with pytest.raises(ActionGone):
            await (hooks.complete(named, "CONTINUE") if complete else hooks.heartbeat(named))

    aws_session.run(main())
    (call,) = aws_server.calls(action)
    assert "InstanceId" in call.names
    assert ("LifecycleActionToken" in call.names) is bool(token)


@pytest.mark.usefixtures("credentials")
def test_each_queue_is_asked_at_its_own_host_unless_an_endpoint_is_given(
    aws_server: AwsServer, aws_session: Session
) -> None:
    url = aws_server.create_queue("queue")
    elsewhere = "http://127.0.0.1:9/123456789012/queue"

    async def main() -> None:
        async with connect(region=REGION, queue_urls=[url, elsewhere]) as client:
            assert await client.queue(url).receive(wait_seconds=0, visibility_seconds=30) == ()
            with pytest.raises(AwsUnreachable):
                await client.queue(elsewhere).receive(wait_seconds=0, visibility_seconds=30)

    aws_session.run(main())


def test_P9_credentials_are_checked_without_asking_aws(aws_server: AwsServer, aws_session: Session) -> None:
    aws_session.run(aws_session.client.check_credentials())
    assert aws_server.calls() == []


def test_sent_at_is_in_seconds(aws_server: AwsServer, aws_session: Session) -> None:
    url = aws_server.create_queue("queue")
    before_at = time.time()
    aws_server.send(url, "hello")

    async def main() -> None:
        (message,) = await aws_session.client.queue(url).receive(wait_seconds=0, visibility_seconds=30)
        assert before_at - 0.01 <= message.sent_at <= time.time()

    aws_session.run(main())
