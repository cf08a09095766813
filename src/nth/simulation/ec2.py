"""EC2 in memory, as far as it is used: `ports.Instances` in virtual time."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from nth.core.notices.aws_facts import Instance
from nth.simulation.aws_link import Wire

IDS_PER_REQUEST = 200
"""A filter takes no more values.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""


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
        wanted = sorted(set(instance_ids))
        for begin in range(0, len(wanted), IDS_PER_REQUEST):
            part = wanted[begin : begin + IDS_PER_REQUEST]
            async with self._wire.exchange("ec2", "DescribeInstances", *part):
                here = (self._store.get(one) for one in part)
                found |= {one.instance_id: one for one in here if one is not None}
        return found
