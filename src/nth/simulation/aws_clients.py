"""EC2 and Auto Scaling as one client sees them: `ports.Instances` and `ports.LifecycleHooks` in virtual time.

The rules of lifecycle hooks are in `lifecycle`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from nth.core.notices.aws_facts import HookTimeouts, Instance, LifecycleAction
from nth.simulation.aws_link import Wire
from nth.simulation.lifecycle import Lifecycles

IDS_PER_REQUEST = 200
"""A filter takes no more values.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""
MEMBERS_PER_REQUEST = 50
"""https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingInstances.html"""


class InstanceStore:
    """All instances of the account and region."""

    def __init__(self) -> None:
        self._instances: dict[str, Instance] = {}

    def put(self, instance: Instance) -> None:
        """Create or replace an instance."""
        self._instances[instance.instance_id] = instance

    def get(self, instance_id: str) -> Instance | None:
        """Returns the instance; None: no such instance."""
        return self._instances.get(instance_id)

    def set_state(self, instance_id: str, state: str) -> None:
        """Set the state; a terminated instance has lost its name, and is described for another hour or so."""
        found = self._instances[instance_id]
        name = "" if state == "terminated" else found.private_dns_name
        self.put(replace(found, state=state, private_dns_name=name))

    def start(self, instance_id: str, now: float) -> None:
        """Start a stopped instance again: it keeps its id and name, and has a new launch time."""
        # EC2 tells whole seconds.
        self.put(replace(self._instances[instance_id], state="running", launched_at=float(int(now))))

    def forget(self, instance_id: str) -> None:
        """Forget an instance, as AWS does about an hour after the termination."""
        del self._instances[instance_id]


class SimulatedInstances:
    """One client's EC2."""

    def __init__(self, store: InstanceStore, wire: Wire) -> None:
        self._store = store
        self._wire = wire

    async def describe(self, instance_ids: Collection[str]) -> Mapping[str, Instance]:
        found: dict[str, Instance] = {}
        for part in _parts(instance_ids, IDS_PER_REQUEST):
            async with self._wire.exchange("ec2", "DescribeInstances", *part):
                here = (self._store.get(one) for one in part)
                found |= {one.instance_id: one for one in here if one is not None}
        return found


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
        for part in _parts(instance_ids, MEMBERS_PER_REQUEST):
            async with self._wire.exchange("autoscaling", "DescribeAutoScalingInstances", *part):
                self._stir()
                found |= self._lifecycles.states(part)
        return found


def _words(action: LifecycleAction) -> tuple[str, ...]:
    return action.group, action.hook, action.token, action.instance_id


def _parts(names: Collection[str], most: int) -> Iterator[list[str]]:
    """Returns the names in order, none twice, at most so many in one part."""
    wanted = sorted(set(names))
    return (wanted[begin : begin + most] for begin in range(0, len(wanted), most))
