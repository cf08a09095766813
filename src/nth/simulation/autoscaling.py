"""Auto Scaling in memory: `ports.LifecycleHooks` in virtual time. The rules are in `lifecycle`."""

from collections.abc import Callable, Collection, Mapping

from nth.core.notices.aws_facts import HookTimeouts, LifecycleAction
from nth.simulation.aws_link import Wire
from nth.simulation.lifecycle import Lifecycles

MEMBERS_PER_REQUEST = 50
"""https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingInstances.html"""


class SimulatedHooks:
    """One client's Auto Scaling; `stir` is called after each change."""

    def __init__(self, lifecycles: Lifecycles, stir: Callable[[], None], wire: Wire) -> None:
        self._lifecycles = lifecycles
        self._stir = stir
        self._wire = wire

    async def complete(self, action: LifecycleAction, result: str) -> None:
        async with self._wire.exchange("autoscaling", "CompleteLifecycleAction", *_words(action)):
            self._stir()
            self._lifecycles.complete(action, result, self._wire.clock.now())
            self._stir()

    async def heartbeat(self, action: LifecycleAction) -> None:
        async with self._wire.exchange("autoscaling", "RecordLifecycleActionHeartbeat", *_words(action)):
            self._stir()
            self._lifecycles.heartbeat(action, self._wire.clock.now())
            self._stir()

    async def timeouts(self, group: str, hook: str) -> HookTimeouts:
        async with self._wire.exchange("autoscaling", "DescribeLifecycleHooks", group, hook):
            return self._lifecycles.timeouts(group, hook)

    async def states(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        wanted = sorted(set(instance_ids))
        for begin in range(0, len(wanted), MEMBERS_PER_REQUEST):
            part = wanted[begin : begin + MEMBERS_PER_REQUEST]
            async with self._wire.exchange("autoscaling", "DescribeAutoScalingInstances", *part):
                self._stir()
                found |= self._lifecycles.states(part)
        return found


def _words(action: LifecycleAction) -> tuple[str, ...]:
    return action.group, action.hook, action.token, action.instance_id
