"""SQS, EC2 and Auto Scaling through aiobotocore: `ports.Queue`, `ports.Instances`, `ports.LifecycleHooks`.

It decides nothing and asks once: whether to ask again, and when, is decided elsewhere. Only queue mode
imports it. Credentials come from botocore's default chain (environment, files, web identity, Pod
Identity, instance profile), with regional STS endpoints.
https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore import xform_name  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from botocore.loaders import Loader  # type: ignore[import-untyped]

from nth.adapters.aws_errors import check_kind, entry_failure, one_line, translated
from nth.adapters.aws_models import MODELS
from nth.core.notices.aws_facts import EntryFailure, HookTimeouts, Instance, LifecycleAction, Message
from nth.errors import AwsError, AwsRefused, AwsThrottled, SettingError

CONNECT_SECONDS = 2.0
CALL_SECONDS = 5.0
"""The limit for a whole call, on top of the time that a long poll waits."""
DESCRIBE_SECONDS = 10.0
"""The limit for one page of 200 instances."""
CONNECTIONS = 32
"""The most connections to each service."""
KEEPALIVE_SECONDS = 12
"""An idle connection is closed before AWS does it."""
IDS_PER_REQUEST = 200
"""A filter takes no more values.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""
MEMBERS_PER_REQUEST = 50
"""One page holds as many: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingInstances.html"""
TAGGED_PER_PAGE = 100
MESSAGES_PER_REQUEST = 10
NEEDED_ATTRIBUTES = ("SentTimestamp", "ApproximateReceiveCount")
HEARTBEAT_SECONDS = 3600
GLOBAL_SECONDS = 172_800
"""Auto Scaling's defaults."""
NO_CREDENTIALS = (
    "no AWS credentials: give the pod a role (IRSA or EKS Pod Identity), the instance a profile, "
    "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)

BAD_CREDENTIALS = "AWS credentials cannot be had"


Requests = Counter[tuple[str, str, str]]
"""Counts requests by service, action and result: `ok`, `throttled`, `unreachable` or AWS's error code."""
MAX_CODES = 100
"""Beyond so many entries a refusal's code is `other`."""


class _Service:
    """One service's client; `kind` is the form of its answers, `json` or `xml`. It counts the requests."""

    def __init__(self, client: Any, kind: str, name: str, seen: Requests) -> None:
        self._client = client
        self._kind = kind
        self._name = name
        self._seen = seen

    async def ask(self, action: str, asked: Mapping[str, object], *, seconds: float) -> Mapping[str, Any]:
        """Returns the answer within so many seconds; raises any `AwsError`."""
        code = "ok"
        try:
            with translated(action):
                async with asyncio.timeout(seconds):
                    answer: Mapping[str, Any] = await getattr(self._client, xform_name(action))(**asked)
                check_kind(answer, self._kind, action)
                return answer
        except AwsError as error:
            code = self._code(error)
            raise
        finally:
            self._seen[self._name, action, code] += 1

    def _code(self, error: AwsError) -> str:
        if isinstance(error, AwsRefused):
            return (error.code if len(self._seen) < MAX_CODES else "") or "other"
        return "throttled" if isinstance(error, AwsThrottled) else "unreachable"


class SqsQueue:
    """`ports.Queue`."""

    def __init__(self, service: _Service, url: str) -> None:
        self._service = service
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    async def receive(self, *, wait_seconds: int, visibility_seconds: int) -> tuple[Message, ...]:
        asked = {
            "QueueUrl": self._url,
            "MaxNumberOfMessages": MESSAGES_PER_REQUEST,
            "MessageSystemAttributeNames": NEEDED_ATTRIBUTES,
            "VisibilityTimeout": visibility_seconds,
            "WaitTimeSeconds": wait_seconds,
        }
        answer = await self._service.ask("ReceiveMessage", asked, seconds=wait_seconds + CALL_SECONDS)
        return tuple([self._message(told) for told in answer.get("Messages") or ()])

    async def delete(self, receipt_handles: Sequence[str]) -> Mapping[str, EntryFailure]:
        return await self._batch("DeleteMessageBatch", receipt_handles)

    async def change_visibility(
        self, receipt_handles: Sequence[str], seconds: int
    ) -> Mapping[str, EntryFailure]:
        return await self._batch("ChangeMessageVisibilityBatch", receipt_handles, VisibilityTimeout=seconds)

    async def _batch(
        self, action: str, receipt_handles: Sequence[str], **of_each: object
    ) -> Mapping[str, EntryFailure]:
        entries = [{"Id": str(i), "ReceiptHandle": one, **of_each} for i, one in enumerate(receipt_handles)]
        asked = {"QueueUrl": self._url, "Entries": entries}
        answer = await self._service.ask(action, asked, seconds=CALL_SECONDS)
        return {receipt_handles[int(one["Id"])]: entry_failure(one) for one in answer.get("Failed") or ()}

    def _message(self, told: Mapping[str, Any]) -> Message:
        attributes = told.get("Attributes", {})
        return Message(
            queue_url=self._url,
            message_id=told.get("MessageId", ""),
            receipt_handle=told.get("ReceiptHandle", ""),
            body=told.get("Body", ""),
            sent_at=int(attributes.get("SentTimestamp", 0)) / 1000,
            receive_count=int(attributes.get("ApproximateReceiveCount", 1)),
        )


class Ec2Instances:
    """`ports.Instances`."""

    def __init__(self, service: _Service) -> None:
        self._service = service

    async def describe(self, instance_ids: Collection[str]) -> Mapping[str, Instance]:
        wanted = sorted(set(instance_ids))
        found: dict[str, Instance] = {}
        for begin in range(0, len(wanted), IDS_PER_REQUEST):
            found |= await self._describe(wanted[begin : begin + IDS_PER_REQUEST])
        return found

    async def _describe(self, instance_ids: Sequence[str]) -> Mapping[str, Instance]:
        # By filter: ids that do not exist or are malformed are left out, and spoil no others.
        found: dict[str, Instance] = {}
        async for answer in self._pages({"Filters": [{"Name": "instance-id", "Values": instance_ids}]}):
            found |= {one.instance_id: one for one in _instances(answer)}
        return found

    async def tagged(self, key: str, value: str | None) -> frozenset[str]:
        """Returns the ids of the instances with that tag (and value, if one is given), in whatever state."""
        wanted = {"Name": "tag-key", "Values": [key]}
        if value is not None:
            wanted = {"Name": f"tag:{key}", "Values": [value]}
        # Small pages: reading a large one would keep everything else waiting for as long.
        asked = {"Filters": [wanted], "MaxResults": TAGGED_PER_PAGE}
        return frozenset(
            [one.instance_id async for answer in self._pages(asked) for one in _instances(answer)]
        )

    async def _pages(self, asked: Mapping[str, object]) -> AsyncIterator[Mapping[str, Any]]:
        position: dict[str, object] = {}
        while True:
            answer = await self._service.ask(
                "DescribeInstances", {**asked, **position}, seconds=DESCRIBE_SECONDS
            )
            yield answer
            if not answer.get("NextToken"):
                return
            position["NextToken"] = answer["NextToken"]


class AutoScalingHooks:
    """`ports.LifecycleHooks`."""

    def __init__(self, service: _Service) -> None:
        self._service = service

    async def complete(self, action: LifecycleAction, result: str) -> None:
        asked = {**_named(action), "LifecycleActionResult": result}
        await self._service.ask("CompleteLifecycleAction", asked, seconds=CALL_SECONDS)

    async def heartbeat(self, action: LifecycleAction) -> None:
        await self._service.ask("RecordLifecycleActionHeartbeat", _named(action), seconds=CALL_SECONDS)

    async def timeouts(self, group: str, hook: str) -> HookTimeouts:
        asked = {"AutoScalingGroupName": group, "LifecycleHookNames": [hook]}
        answer = await self._service.ask("DescribeLifecycleHooks", asked, seconds=CALL_SECONDS)
        if not answer.get("LifecycleHooks"):
            raise AwsRefused(
                f"DescribeLifecycleHooks: group {group} has no lifecycle hook {hook}", code="NoSuchHook"
            )
        told = answer["LifecycleHooks"][0]
        return HookTimeouts(
            heartbeat_seconds=float(told.get("HeartbeatTimeout", HEARTBEAT_SECONDS)),
            global_seconds=float(told.get("GlobalTimeout", GLOBAL_SECONDS)),
        )

    async def states(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        wanted = sorted(set(instance_ids))
        found: dict[str, str] = {}
        for begin in range(0, len(wanted), MEMBERS_PER_REQUEST):
            asked = {"InstanceIds": wanted[begin : begin + MEMBERS_PER_REQUEST]}
            answer = await self._service.ask("DescribeAutoScalingInstances", asked, seconds=CALL_SECONDS)
            for told in answer.get("AutoScalingInstances") or ():
                found[told["InstanceId"]] = told.get("LifecycleState", "")
        return found


class AwsClient:
    """One region's services with one set of credentials."""

    def __init__(
        self, session: Any, sqs: Mapping[str, Any], ec2: Any, autoscaling: Any, *, endpoint_url: str
    ) -> None:
        self._session = session
        self._sqs = sqs
        self._endpoint_url = endpoint_url
        self.requests_seen: Requests = Counter()
        self.instances = Ec2Instances(_Service(ec2, "xml", "ec2", self.requests_seen))
        self.hooks = AutoScalingHooks(_Service(autoscaling, "xml", "autoscaling", self.requests_seen))

    def queue(self, url: str) -> SqsQueue:
        """Returns a queue at one of the hosts that `connect` was given; it may not exist (NoSuchQueue)."""
        client = self._sqs[_endpoint(url, self._endpoint_url)]
        return SqsQueue(_Service(client, "json", "sqs", self.requests_seen), url)

    async def check_credentials(self) -> None:
        """Raise SettingError if there are no credentials, or if they cannot be used."""
        with _setting_errors(BAD_CREDENTIALS):
            credentials = await self._session.get_credentials()
            if credentials is not None:
                await credentials.get_frozen_credentials()
        if credentials is None:
            raise SettingError(NO_CREDENTIALS)


class _Loader(Loader):  # type: ignore[misc]
    """Loads our own descriptions of the services that we call, and botocore's of the others (STS)."""

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        if type_name == "service-2" and service_name in MODELS:
            return MODELS[service_name]
        return super().load_service_model(service_name, type_name, api_version)


@contextmanager
def _setting_errors(words: str) -> Iterator[None]:
    """Turn an error within the block into a SettingError that begins with these words."""
    try:
        yield
    # OSError: the token's file is not there; ValueError: an address or a region that cannot be one.
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise SettingError(one_line(f"{words}: {error}")) from error


@asynccontextmanager
async def connect(
    *,
    region: str,
    queue_urls: Iterable[str],
    endpoint_url: str = "",
    connections: int = CONNECTIONS,
) -> AsyncIterator[AwsClient]:
    """Yield clients of the three services, until the block ends. None of them is asked yet.

    `endpoint_url` replaces the endpoints of all three (AWS_ENDPOINT). Without it, SQS is asked at the
    host of the queue's URL, which may be a VPC or dual-stack endpoint.
    SettingError: there are no credentials, or the region is not valid.
    """
    with _setting_errors(BAD_CREDENTIALS):
        session = _session(region)
        await session.get_credentials()
    config = _config(connections)
    async with AsyncExitStack() as stack:

        async def client(service: str, endpoint: str) -> Any:
            made = session.create_client(
                service, region_name=region, endpoint_url=endpoint or None, config=config
            )
            with _setting_errors("AWS cannot be asked"):
                return await stack.enter_async_context(made)

        sqs_endpoints = sorted({_endpoint(url, endpoint_url) for url in queue_urls})
        yield AwsClient(
            session,
            {endpoint: await client("sqs", endpoint) for endpoint in sqs_endpoints},
            await client("ec2", endpoint_url),
            await client("autoscaling", endpoint_url),
            endpoint_url=endpoint_url,
        )


def _session(region: str) -> Any:
    # These failures reach us as errors and are logged once; botocore logs each of them, with a traceback.
    logging.getLogger("botocore").setLevel(logging.CRITICAL)
    logging.getLogger("aiobotocore").setLevel(logging.CRITICAL)
    session = AioSession()
    session.register_component("data_loader", _Loader(session.get_config_variable("data_path")))
    session.set_config_variable("region", region)
    # For the clients that the credentials chain makes itself: a dead STS must not hold us for a minute.
    session.set_default_client_config(
        AioConfig(connect_timeout=CONNECT_SECONDS, read_timeout=CALL_SECONDS, retries={"mode": "standard"})
    )
    return session


def _config(connections: int) -> Any:
    return AioConfig(
        connect_timeout=CONNECT_SECONDS,
        # Each call has its own limit.
        read_timeout=60,
        max_pool_connections=connections,
        connector_args={"keepalive_timeout": KEEPALIVE_SECONDS},
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=False,
        user_agent_extra="aws-node-termination-handler",
    )


def _endpoint(queue_url: str, endpoint_url: str) -> str:
    parts = urlsplit(queue_url)
    return endpoint_url or f"{parts.scheme}://{parts.netloc}"


def _instances(answer: Mapping[str, Any]) -> Iterable[Instance]:
    for reservation in answer.get("Reservations", ()):
        for told in reservation.get("Instances", ()):
            yield Instance(
                instance_id=told["InstanceId"],
                state=told.get("State", {}).get("Name", ""),
                private_dns_name=told.get("PrivateDnsName", ""),
                tags={tag["Key"]: tag.get("Value", "") for tag in told.get("Tags", ())},
                launched_at=told["LaunchTime"].timestamp() if "LaunchTime" in told else None,
            )


def _named(action: LifecycleAction) -> dict[str, str]:
    """Names the action by its token where there is one, else by its instance id."""
    names = {
        "AutoScalingGroupName": action.group,
        "LifecycleHookName": action.hook,
        "InstanceId": action.instance_id,
        "LifecycleActionToken": action.token,
    }
    return {name: value for name, value in names.items() if value}
