"""Auto Scaling's lifecycle hooks as AWS documents them: pure, `now` (epoch seconds) is an argument.

It keeps which instance waits in which hook, until when, and how that ends. Latency, faults and timers
are in `aws_clients` and `aws`. The tests' server plays moto's missing actions with these rules, too.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from nth.core.notices.aws_facts import HookTimeouts, LifecycleAction
from nth.errors import ActionGone, AwsRefused

TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
RESULTS = ("CONTINUE", "ABANDON")
MAX_GLOBAL_SECONDS = 48 * 3600.0
MAX_HEARTBEATS = 100
PROCEED_SECONDS = 1.0
"""The time that an instance is `...:Proceed`, unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSpec:
    """A lifecycle hook of a group.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html
    """

    group: str
    name: str
    transition: str = TERMINATING
    heartbeat_seconds: float = 3600.0
    default_result: str = "ABANDON"
    """The result of a hook that is not completed in time."""

    @property
    def global_seconds(self) -> float:
        """The shorter of 48 hours and a hundred times the heartbeat timeout."""
        return min(MAX_GLOBAL_SECONDS, MAX_HEARTBEATS * self.heartbeat_seconds)


@dataclass(frozen=True, slots=True)
class Ended:
    """How one lifecycle action ended."""

    action: LifecycleAction
    how: str
    """`CONTINUE`, `ABANDON`, `timed out`, or `dropped`: another hook's ABANDON ended it."""
    at: float


@dataclass(slots=True)
class _Waiting:
    action: LifecycleAction
    hook: HookSpec
    heartbeat_until_at: float
    global_until_at: float

    @property
    def until_at(self) -> float:
        return min(self.heartbeat_until_at, self.global_until_at)


@dataclass(slots=True)
class _Member:
    """An instance of a group."""

    group: str
    state: str
    proceed_until_at: float | None = None
    goes_to: str = ""
    """The state that it proceeds to."""
    waits: list[_Waiting] = field(default_factory=list)


class Lifecycles:
    """All groups' instances and hooks."""

    def __init__(self, *, proceed_seconds: float = PROCEED_SECONDS) -> None:
        self._proceed_seconds = proceed_seconds
        self._hooks: dict[tuple[str, str], HookSpec] = {}
        self._members: dict[str, _Member] = {}
        self._tokens = 0
        self.ended: list[Ended] = []
        """Every lifecycle action that is over, in order."""
        self.heartbeats: list[LifecycleAction] = []
        """Every heartbeat that was accepted."""
        self._terminated: list[str] = []

    @property
    def wake_at(self) -> float | None:
        """When `advance` has something to do next."""
        return min((at for at, _ in self._due()), default=None)

    def put_hook(self, hook: HookSpec) -> None:
        """Create or replace a hook; instances that wait already go on as before."""
        self._hooks[hook.group, hook.name] = hook

    def add(self, instance_id: str, group: str) -> None:
        """Add an instance that is in service."""
        self._members[instance_id] = _Member(group, "InService")

    def leave(self, instance_id: str) -> None:
        """Detach an instance from its group."""
        del self._members[instance_id]

    def launch(self, instance_id: str, group: str, now: float) -> tuple[LifecycleAction, ...]:
        """Launch a new instance; returns the actions of the launch hooks in which it waits, if any."""
        self._members[instance_id] = _Member(group, "Pending")
        return self._begin(instance_id, "Pending", "InService", LAUNCHING, now)

    def terminate(self, instance_id: str, now: float) -> tuple[LifecycleAction, ...]:
        """Let the group take an instance out; returns the actions of the hooks in which it waits."""
        return self._begin(instance_id, "Terminating", "Terminated", TERMINATING, now)

    def state_of(self, instance_id: str) -> str:
        """Returns `InService`, `Pending:Wait`, `Terminating:Wait`, `Terminated` ...; "" if there is none."""
        return self._members[instance_id].state if instance_id in self._members else ""

    def states(self, instance_ids: Iterable[str]) -> dict[str, str]:
        """Returns the states of those that are in a group: one that is Terminated has left it."""
        states = {one: self.state_of(one) for one in instance_ids}
        return {one: state for one, state in states.items() if state not in ("", "Terminated")}

    def complete(self, action: LifecycleAction, result: str, now: float) -> None:
        """Complete it; ActionGone, or AwsRefused for any other result than CONTINUE and ABANDON.

        https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html
        """
        if result not in RESULTS:
            words = f"Value '{result}' at 'lifecycleActionResult' failed to satisfy constraint"
            raise AwsRefused(f"1 validation error detected: {words}", code="ValidationError")
        member, waiting = self._find(action)
        self._end(member, waiting, result, result, now)

    def heartbeat(self, action: LifecycleAction, now: float) -> None:
        """Let the hook's timeout begin anew; the global timeout does not. ActionGone."""
        _, waiting = self._find(action)
        waiting.heartbeat_until_at = now + waiting.hook.heartbeat_seconds
        self.heartbeats.append(waiting.action)

    def timeouts(self, group: str, hook: str) -> HookTimeouts:
        """Returns the hook's timeouts; AwsRefused if there is no such hook."""
        found = self._hooks.get((group, hook))
        if found is None:
            raise AwsRefused(f"group {group} has no lifecycle hook {hook}", code="ValidationError")
        return HookTimeouts(heartbeat_seconds=found.heartbeat_seconds, global_seconds=found.global_seconds)

    def advance(self, now: float) -> None:
        """Carry out what is due."""
        while (due := min(self._due(), key=lambda one: one[0], default=None)) and due[0] <= now:
            at, instance_id = due
            member = self._members[instance_id]
            if member.waits:
                late = min(member.waits, key=lambda one: one.until_at)
                self._end(member, late, late.hook.default_result, "timed out", at)
            else:
                member.state, member.proceed_until_at = member.goes_to, None
                self._terminated += [instance_id] if member.state == "Terminated" else []

    def pop_terminated(self) -> list[str]:
        """Returns the instances that have become `Terminated` since the last call."""
        gone, self._terminated = self._terminated, []
        return gone

    def _due(self) -> Iterator[tuple[float, str]]:
        for instance_id, member in self._members.items():
            if member.waits:
                yield min(waiting.until_at for waiting in member.waits), instance_id
            elif member.proceed_until_at is not None:
                yield member.proceed_until_at, instance_id

    def _begin(
        self, instance_id: str, prefix: str, goes_to: str, transition: str, now: float
    ) -> tuple[LifecycleAction, ...]:
        member = self._members[instance_id]
        hooks = [h for h in self._hooks.values() if (h.group, h.transition) == (member.group, transition)]
        member.waits = [self._wait(instance_id, hook, now) for hook in hooks]
        member.state, member.goes_to, member.proceed_until_at = f"{prefix}:Wait", goes_to, None
        if not hooks:
            self._proceed(member, now)
        return tuple(waiting.action for waiting in member.waits)

    def _wait(self, instance_id: str, hook: HookSpec, now: float) -> _Waiting:
        self._tokens += 1
        token = f"{self._tokens:08x}-0000-4000-8000-{self._tokens:012x}"
        action = LifecycleAction(group=hook.group, hook=hook.name, token=token, instance_id=instance_id)
        return _Waiting(action, hook, now + hook.heartbeat_seconds, now + hook.global_seconds)

    def _find(self, action: LifecycleAction) -> tuple[_Member, _Waiting]:
        for member in self._members.values():
            for waiting in member.waits:
                if _names(action, waiting.action):
                    return member, waiting
        # AWS's wording.
        named = f"instance ID {action.instance_id}" if action.instance_id else f"token {action.token}"
        raise ActionGone(f"No active Lifecycle Action found with {named}", code="ValidationError")

    def _end(self, member: _Member, waiting: _Waiting, result: str, how: str, at: float) -> None:
        member.waits.remove(waiting)
        self.ended.append(Ended(waiting.action, how, at))
        if result == "ABANDON":
            self.ended += [Ended(other.action, "dropped", at) for other in member.waits]
            member.waits.clear()
            if member.goes_to == "InService":
                member.state, member.goes_to = "Terminating:Wait", "Terminated"
        if not member.waits:
            self._proceed(member, at)

    def _proceed(self, member: _Member, at: float) -> None:
        member.state = member.state.replace(":Wait", ":Proceed")
        member.proceed_until_at = at + self._proceed_seconds


def _names(asked: LifecycleAction, action: LifecycleAction) -> bool:
    """Returns whether these name the same action: by token, by instance id, or by both."""
    either = asked.token or asked.instance_id
    same = replace(
        asked, token=asked.token or action.token, instance_id=asked.instance_id or action.instance_id
    )
    return bool(either) and same == action
