"""What a test of the contract may do in AWS: the same verbs for the simulation and for a real endpoint."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Protocol

from nth.core.notices.aws_facts import LifecycleAction
from nth.ports import Instances, LifecycleHooks, Queue
from nth.simulation.lifecycle import HookSpec

MAX_RECEIVE_COUNT = 3
"""Of `Stage.queue`: then a message goes to `Stage.dead_letters`."""


class Stage(Protocol):
    """An account with a queue of this test's own, and a client of it."""

    @property
    def queue(self) -> Queue:
        """Empty at the beginning."""
        ...

    @property
    def dead_letters(self) -> Queue:
        """Empty at the beginning."""
        ...

    @property
    def missing_queue(self) -> Queue:
        """There is none at that URL."""
        ...

    @property
    def instances(self) -> Instances: ...

    @property
    def hooks(self) -> LifecycleHooks: ...

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    async def send(self, body: str) -> str:
        """Into `queue`; the new message's id."""
        ...

    async def add_instance(
        self,
        instance_id: str,
        *,
        group: str = "",
        private_dns_name: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """A running instance, in service if it is of a group."""
        ...

    async def set_instance_state(self, instance_id: str, state: str) -> None:
        """EC2's: `stopping`, `terminated` ..."""
        ...

    async def start_instance(self, instance_id: str) -> None:
        """One that was stopped is started again."""
        ...

    async def put_hook(self, hook: HookSpec) -> None:
        """Create it."""
        ...

    async def begin_termination(self, instance_id: str) -> tuple[LifecycleAction, ...]:
        """The instance waits in each termination hook of its group."""
        ...

    async def begin_launch(self, group: str, instance_id: str) -> tuple[LifecycleAction, ...]:
        """The new instance waits in each launch hook of its group."""
        ...

    async def state_of(self, instance_id: str) -> str:
        """Auto Scaling's: `InService`, `Terminating:Wait`, `Terminated` ..."""
        ...

    async def let_hooks_wait(self, seconds: float) -> None:
        """Lifecycle hooks are so much older then."""
        ...


Scenario = Callable[[Stage], Coroutine[object, object, None]]
Play = Callable[[Scenario], None]
"""Runs a scenario to its end in one kind of AWS, in the loop that this kind needs."""
