"""What the tests' AWS answers: moto, the actions that it lacks, faults, and control by tests.

It runs in a process of its own (`tests.servers.aws_process`); `tests.servers.aws` is its client.
"""

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from nth.core.notices.aws_facts import LifecycleAction
from nth.errors import AwsRefused
from nth.simulation.lifecycle import HookSpec, Lifecycles
from tests.servers import aws_moto, aws_wire
from tests.servers.aws_faults import Call, Fault, Faults
from tests.servers.aws_queues import Queues
from tests.servers.aws_wire import Answer

CONTROL = "/control/"
SET_HERE = ("connection", "content-length", "date", "server")
"""Headers that the server sets itself."""
GROUP_TAG = "aws:autoscaling:groupName"
BATCHES = ("DeleteMessageBatch", "ChangeMessageVisibilityBatch")
LIFECYCLE_ACTIONS = (
    "CompleteLifecycleAction",
    "RecordLifecycleActionHeartbeat",
    "DescribeAutoScalingInstances",
)

Environment = dict[str, Any]


class Groups:
    """Auto Scaling groups and their instances, on a clock that tests can move on. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._skipped_seconds = 0.0
        self._lifecycles = Lifecycles()

    def reset(self) -> None:
        """None are left."""
        with self._lock:
            self._lifecycles = Lifecycles()
            self._skipped_seconds = 0.0

    def skip(self, seconds: float) -> None:
        """So much later, as far as lifecycle hooks are concerned."""
        with self._lock:
            self._skipped_seconds += seconds
            self._advanced()

    def add_instance(
        self, instance_id: str = "", group: str = "", private_dns_name: str = "", tags: Mapping[str, str] = {}
    ) -> dict[str, str]:
        """A running instance, in service if it is of a group."""
        with self._lock:
            made = self._run(instance_id, group, private_dns_name, tags)
            if group:
                self._lifecycles.add(made["instance_id"], group)
            return made

    def begin_launch(
        self, group: str, instance_id: str = "", private_dns_name: str = "", tags: Mapping[str, str] = {}
    ) -> dict[str, object]:
        """A new instance, and the lifecycle actions that it waits in."""
        with self._lock:
            now = self._advanced()
            made = self._run(instance_id, group, private_dns_name, tags)
            actions = self._lifecycles.launch(made["instance_id"], group, now)
            return {**made, "actions": [asdict(action) for action in actions]}

    def begin_termination(self, instance_id: str) -> list[dict[str, str]]:
        """The lifecycle actions that the instance waits in."""
        with self._lock:
            actions = self._lifecycles.terminate(instance_id, self._advanced())
            return [asdict(action) for action in actions]

    def state_of(self, instance_id: str) -> str:
        with self._lock:
            self._advanced()
            return self._lifecycles.state_of(instance_id)

    def ended(self) -> list[dict[str, object]]:
        with self._lock:
            self._advanced()
            return [asdict(replace(one, at=one.at - self._skipped_seconds)) for one in self._lifecycles.ended]

    def heartbeats(self) -> list[dict[str, str]]:
        with self._lock:
            return [asdict(action) for action in self._lifecycles.heartbeats]

    def answer(self, action: str, fields: Mapping[str, str]) -> Answer:
        """One of `LIFECYCLE_ACTIONS`."""
        if action == "DescribeAutoScalingInstances":
            return self._members(fields)
        named = LifecycleAction(
            group=fields.get("AutoScalingGroupName", ""),
            hook=fields.get("LifecycleHookName", ""),
            token=fields.get("LifecycleActionToken", ""),
            instance_id=fields.get("InstanceId", ""),
        )
        with self._lock:
            now = self._advanced()
            try:
                if action == "CompleteLifecycleAction":
                    self._lifecycles.complete(named, fields.get("LifecycleActionResult", ""), now)
                else:
                    self._lifecycles.heartbeat(named, now)
            except AwsRefused as error:
                return aws_wire.error("autoscaling", 400, error.code, str(error))
        return aws_wire.done(action)

    def _members(self, fields: Mapping[str, str]) -> Answer:
        ids = [value for name, value in fields.items() if name.startswith("InstanceIds.member.")]
        if len(ids) > 50:
            return aws_wire.error(
                "autoscaling", 400, "ValidationError", "The number of instance ids is too big"
            )
        with self._lock:
            self._advanced()
            return aws_wire.members(self._lifecycles.states(ids))

    def _advanced(self) -> float:
        now = time.time() + self._skipped_seconds
        for hook in aws_moto.hooks():
            self._lifecycles.put_hook(hook)
        self._lifecycles.advance(now)
        for instance_id in self._lifecycles.pop_terminated():
            aws_moto.set_instance_state(instance_id, "terminated")
        return now

    def _run(
        self, instance_id: str, group: str, private_dns_name: str, tags: Mapping[str, str]
    ) -> dict[str, str]:
        all_tags = {**tags, GROUP_TAG: group} if group else tags
        instance_id, name = aws_moto.run_instance(instance_id, private_dns_name, all_tags)
        return {"instance_id": instance_id, "private_dns_name": name}


class Gate:
    """What every request goes through. `url` is where it can be reached; `moto_sqs`: moto has the queues."""

    def __init__(self, url: str, *, moto_sqs: bool = False) -> None:
        self._queues = Queues()
        self._queue_actions = frozenset() if moto_sqs else self._queues.actions
        aws_moto.patch(None if moto_sqs else self._queues)
        self._url = url
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._groups = Groups()
        self._faults = Faults()
        self._calls: list[Call] = []
        self._verbs: Mapping[str, Callable[..., object]] = {
            "add_instance": self._groups.add_instance,
            "begin_launch": self._groups.begin_launch,
            "begin_termination": self._groups.begin_termination,
            "calls": lambda: [asdict(call) for call in self._calls],
            "clear_faults": self._faults.clear,
            "create_queue": self._create_queue,
            "ended": self._groups.ended,
            "fault": lambda **fields: self._faults.add(Fault(**fields)),
            "heartbeats": self._groups.heartbeats,
            "put_hook": lambda **fields: aws_moto.put_hook(HookSpec(**fields)),
            "queue_counts": aws_moto.queue_counts
            if moto_sqs
            else lambda url: self._queues.shelf(url).counts(),
            "reset": self._reset,
            "send": lambda url, bodies: [aws_moto.send(url, body) for body in bodies],
            "set_instance_state": aws_moto.set_instance_state,
            "skip": self._groups.skip,
            "start_instance": aws_moto.start_instance,
            "state_of": self._groups.state_of,
        }

    def answer(self, environ: Environment, body: bytes) -> Answer:
        """Any request; ConnectionError: cut it off. `environ` is WSGI's, with `peer`, the socket."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(CONTROL):
            return self._control(path.removeprefix(CONTROL), body)
        answer = self._answer(environ, body)
        return replace(answer, headers=[(k, v) for k, v in answer.headers if k.lower() not in SET_HERE])

    def _control(self, verb: str, body: bytes) -> Answer:
        told = self._verbs[verb](**json.loads(body or b"{}"))
        return Answer("200 OK", [("Content-Type", "application/json")], json.dumps(told).encode())

    def _answer(self, environ: Environment, body: bytes) -> Answer:
        service, action = aws_wire.service_and_action(environ, body)
        names = tuple(aws_wire.form(body)) if action in LIFECYCLE_ACTIONS else ()
        call = Call(service, action, time.time(), names)
        self._calls.append(call)
        fault = self._faults.take(call)
        if fault is None:
            answer = self._carry_out(environ, call, body)
        else:
            time.sleep(fault.delay_seconds)
            answer = self._with_fault(fault, environ, call, body)
        if self._faults.is_out(call):
            _cut(environ)
        return answer

    def _with_fault(self, fault: Fault, environ: Environment, call: Call, body: bytes) -> Answer:
        if fault.kind == "entries" and call.action in BATCHES:
            return self._half_done(fault, environ, call, body)
        answer = self._carry_out(environ, call, body) if fault.after or fault.kind == "delay" else None
        if fault.kind == "drop":
            _cut(environ)
        if fault.kind == "garbage":
            return aws_wire.garbage()
        if fault.kind == "error":
            return aws_wire.error(call.service, fault.status, fault.code, fault.message)
        return answer or self._carry_out(environ, call, body)

    def _half_done(self, fault: Fault, environ: Environment, call: Call, body: bytes) -> Answer:
        rest, ids = aws_wire.without_entries(body, fault.entries)
        answer = Answer("200 OK", [("Content-Type", aws_wire.JSON_TYPE)], b"{}")
        if json.loads(rest)["Entries"]:
            answer = self._carry_out(environ, call, rest)
        failures = aws_wire.with_failures(answer.body, ids, fault.code, fault.message, final=fault.final)
        return replace(answer, body=failures)

    def _carry_out(self, environ: Environment, call: Call, body: bytes) -> Answer:
        if call.action in LIFECYCLE_ACTIONS:
            return self._groups.answer(call.action, aws_wire.form(body))
        if call.service == "sqs" and call.action in self._queue_actions:
            return self._queues.answer(call.action, body, environ["peer"])
        inner = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        parts, status, headers = run_wsgi_app(self._moto, inner, buffered=True)
        return Answer(status, list(headers), b"".join(parts))

    def _reset(self) -> None:
        aws_moto.reset()
        self._queues.reset()
        self._groups.reset()
        self._faults.clear()
        self._calls.clear()

    def _create_queue(self, name: str, attributes: Mapping[str, object]) -> str:
        aws_moto.create_queue(name, attributes)
        return f"{self._url}/{aws_moto.ACCOUNT}/{name}"


def _cut(environ: Environment) -> None:
    """Close the connection without an answer."""
    peer: socket.socket = environ["peer"]
    peer.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("cut by a fault of the test")
