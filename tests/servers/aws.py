"""An AWS for tests in a process of its own: moto's SQS, EC2 and Auto Scaling, with real lifecycle hooks.

`AwsServer` starts and stops it and is the hand of people and of AWS itself there. Its verbs are blocking
HTTP calls of a few milliseconds; in a coroutine use `asyncio.to_thread`. What differs from plain moto
is in `tests.servers.aws_moto`.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nth.core.notices.aws_facts import LifecycleAction
from nth.simulation.lifecycle import Ended, HookSpec
from tests.core import queue_samples
from tests.servers.aws_faults import Call, Fault

ROOT = Path(__file__).parents[2]
REGION = "eu-west-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What a client of it needs besides endpoint and region; any credentials do."""
STOP_SECONDS = 5.0
CALL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance, and the lifecycle actions that it waits in."""

    instance_id: str
    private_dns_name: str
    actions: tuple[LifecycleAction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """What is in a queue: all messages, those of them that are in flight; and how many were deleted."""

    messages: int
    in_flight: int
    deleted: int


class AwsServer:
    """A running server; `url` is the endpoint of all three services (AWS_ENDPOINT)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # SQS

    def create_queue(
        self, name: str, *, dead_letters: str = "", max_receive_count: int = 10, **attributes: object
    ) -> str:
        """The queue's URL. `dead_letters` is another queue's name; `attributes` as of CreateQueue."""
        if dead_letters:
            arn = f"arn:aws:sqs:{REGION}:{queue_samples.ACCOUNT}:{dead_letters}"
            policy = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}
            attributes["RedrivePolicy"] = json.dumps(policy)
        return str(self._ask("create_queue", name=name, attributes=attributes))

    def send(self, queue_url: str, *bodies: str) -> list[str]:
        """The new messages' ids."""
        return list(self._ask("send", url=queue_url, bodies=bodies))

    def queue_counts(self, queue_url: str) -> QueueCounts:
        return QueueCounts(**self._ask("queue_counts", url=queue_url))

    # EC2 and Auto Scaling

    def add_instance(
        self,
        instance_id: str = "",
        *,
        group: str = "",
        private_dns_name: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Machine:
        """A running instance, in service if it is of a group. What is not named is made up."""
        told = self._ask(
            "add_instance",
            instance_id=instance_id,
            group=group,
            private_dns_name=private_dns_name,
            tags=tags or {},
        )
        return _machine(told)

    def put_hook(self, hook: HookSpec) -> None:
        """Create or replace a lifecycle hook, for instances that begin to wait from now on."""
        self._ask("put_hook", **asdict(hook))

    def begin_termination(
        self, instance_id: str, *, queue_url: str = "", direct: bool = False
    ) -> tuple[LifecycleAction, ...]:
        """The group takes an instance out: it waits in each termination hook.

        With a queue, a message about each: by EventBridge, or `direct` from Auto Scaling.
        """
        actions = _actions(self._ask("begin_termination", instance_id=instance_id))
        self._tell(actions, queue_samples.TERMINATING, queue_url, direct=direct)
        return actions

    def begin_launch(
        self,
        group: str,
        instance_id: str = "",
        *,
        private_dns_name: str = "",
        tags: Mapping[str, str] | None = None,
        queue_url: str = "",
        direct: bool = False,
    ) -> Machine:
        """A new instance of the group, which waits in each launch hook; messages as above."""
        told = self._ask(
            "begin_launch",
            group=group,
            instance_id=instance_id,
            private_dns_name=private_dns_name,
            tags=tags or {},
        )
        machine = _machine(told)
        self._tell(machine.actions, queue_samples.LAUNCHING, queue_url, direct=direct)
        return machine

    def set_instance_state(self, instance_id: str, state: str) -> None:
        """EC2's: `stopping`, `terminated` ..."""
        self._ask("set_instance_state", instance_id=instance_id, state=state)

    def start_instance(self, instance_id: str) -> None:
        """A stopped one is started again, with a new launch time."""
        self._ask("start_instance", instance_id=instance_id)

    def state_of(self, instance_id: str) -> str:
        """Auto Scaling's: `InService`, `Terminating:Wait`, `Terminated` ..."""
        return str(self._ask("state_of", instance_id=instance_id))

    def ended(self) -> list[Ended]:
        """How each lifecycle action ended that is over."""
        return [
            Ended(LifecycleAction(**told["action"]), told["how"], told["at"]) for told in self._ask("ended")
        ]

    def heartbeats(self) -> list[LifecycleAction]:
        """Every heartbeat that was accepted."""
        return list(_actions(self._ask("heartbeats")))

    def skip(self, seconds: float) -> None:
        """Lifecycle hooks are so much older at once; nothing else is."""
        self._ask("skip", seconds=seconds)

    # What goes wrong, and what was asked

    def fault(self, fault: Fault) -> None:
        """From now on, behind those that are set already."""
        self._ask("fault", **asdict(fault))

    def clear_faults(self) -> None:
        """All is well again."""
        self._ask("clear_faults")

    def reset(self) -> None:
        """As at the beginning: no queue, instance, hook, fault or call."""
        self._ask("reset")

    def calls(self, action: str = "") -> list[Call]:
        """All requests so far in the order of their arrival, also those that failed."""
        calls = (Call(**told | {"names": tuple(told["names"])}) for told in self._ask("calls"))
        return [call for call in calls if action in ("", call.action)]

    def _tell(
        self, actions: Sequence[LifecycleAction], transition: str, queue_url: str, *, direct: bool
    ) -> None:
        for action in actions if queue_url else ():
            self.send(queue_url, _message(action, transition, direct=direct))

    def _ask(self, verb: str, **fields: object) -> Any:
        url = f"{self.url}/control/{verb}"
        with self._opener.open(url, json.dumps(fields).encode(), timeout=CALL_SECONDS) as answer:
            return json.load(answer)


@contextmanager
def running(port: int = 0, *, moto_sqs: bool = False) -> Iterator[AwsServer]:
    """A server on that loopback port (0: a free one), until the block ends; `moto_sqs`: with moto's SQS."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.servers.aws_process", "--port", str(port)]
    command += ["--moto-sqs"] if moto_sqs else []
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, "the tests' AWS has not started"
            yield AwsServer(f"http://127.0.0.1:{int(line)}")
        finally:
            # It ends when its standard input does.
            process.communicate(timeout=STOP_SECONDS)


def _message(action: LifecycleAction, transition: str, *, direct: bool) -> str:
    """What tells of it, with an id of its own."""
    names = {
        "transition": transition,
        "group": action.group,
        "hook": action.hook,
        "token": action.token,
    }
    at, own_id = time.time(), str(uuid.uuid4())
    if direct:
        return queue_samples.direct_asg_message(action.instance_id, at, request_id=own_id, **names)
    return queue_samples.asg_message(action.instance_id, at, event_id=own_id, **names)


def _machine(told: Mapping[str, Any]) -> Machine:
    return Machine(told["instance_id"], told["private_dns_name"], _actions(told.get("actions", ())))


def _actions(told: Sequence[Mapping[str, str]]) -> tuple[LifecycleAction, ...]:
    return tuple(LifecycleAction(**one) for one in told)
