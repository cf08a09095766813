"""SQS, EC2 and Auto Scaling in memory: the acts of people and of AWS itself, and their visible results.

Clients talk to it through `connect`, which gives the three ports as the adapter does. It must be made
inside the loop it is to live in (`clock.run`).
"""

import asyncio
from collections.abc import Callable, Mapping

from nth.core.notices.aws_facts import Instance, LifecycleAction
from nth.errors import NoSuchQueue
from nth.ports import Clock
from nth.simulation.aws_clients import InstanceStore, SimulatedHooks, SimulatedInstances
from nth.simulation.aws_link import SERVICES, AwsLink, Outages, Request, Wire
from nth.simulation.lifecycle import PROCEED_SECONDS, Ended, HookSpec, Lifecycles
from nth.simulation.queue_store import RETENTION_SECONDS, QueueStore
from nth.simulation.sqs import QueueServer, SimulatedQueue

GROUP_TAG = "aws:autoscaling:groupName"


class AwsConnection:
    """AWS as one client sees it; the same verbs as `adapters.aws.AwsClient`."""

    def __init__(self, aws: "SimulatedAws", wire: Wire) -> None:
        self._aws = aws
        self._wire = wire
        self.instances = SimulatedInstances(aws.ec2, wire)
        self.hooks = SimulatedHooks(aws.lifecycles, aws.stir, wire)

    @property
    def requests(self) -> list[Request]:
        """Every request of this client, in order, also those that failed."""
        return self._wire.requests

    def asked(self, action: str) -> list[Request]:
        """Returns the requests of one action: `ReceiveMessage`, `DescribeInstances` ..."""
        return self._wire.asked(action)

    def queue(self, url: str) -> SimulatedQueue:
        """Returns the queue of that URL; a missing one shows when it is used (NoSuchQueue)."""
        return SimulatedQueue(url, self._aws.queue_server, self._wire)


class SimulatedAws:
    """One account in one region. `power_off` is called for each instance that is terminated."""

    def __init__(
        self,
        clock: Clock,
        *,
        power_off: Callable[[str], None] = lambda _instance_id: None,
        proceed_seconds: float = PROCEED_SECONDS,
    ) -> None:
        self._clock = clock
        self._power_off = power_off
        self._queues: dict[str, QueueServer] = {}
        self._outages = Outages()
        self._timer: asyncio.TimerHandle | None = None
        self.ec2 = InstanceStore()
        self.lifecycles = Lifecycles(proceed_seconds=proceed_seconds)

    def connect(self, link: AwsLink | None = None) -> AwsConnection:
        """Returns a client's view of the account."""
        return AwsConnection(self, Wire(self._clock, self._outages, link or AwsLink()))

    # SQS

    def create_queue(
        self,
        name: str = "queue",
        *,
        retention_seconds: float = RETENTION_SECONDS,
        dead_letters: str = "",
        max_receive_count: int = 0,
    ) -> str:
        """Create a queue and return its URL. `dead_letters` is another queue's URL."""
        url = f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}"
        store = QueueStore(
            url,
            retention_seconds=retention_seconds,
            dead_letters=self._queues[dead_letters].store if dead_letters else None,
            max_receive_count=max_receive_count,
        )
        self._queues[url] = QueueServer(store)
        return url

    def delete_queue(self, url: str) -> None:
        """Delete the queue."""
        self._queues.pop(url).stir()

    def send(self, url: str, body: str) -> str:
        """Send a message and return its id."""
        server = self._queues[url]
        message_id = server.store.put(body, self._clock.now())
        server.stir()
        return message_id

    def duplicate(self, url: str, message_id: str) -> None:
        """Deliver a message once more although a receiver has it."""
        server = self._queues[url]
        server.store.duplicate(message_id, self._clock.now())
        server.stir()

    def queue_store(self, url: str) -> QueueStore:
        """Returns the contents of a queue."""
        return self._queues[url].store

    def queue_server(self, url: str) -> QueueServer:
        """Returns the server's side of a queue, for `SimulatedQueue`; NoSuchQueue."""
        if url not in self._queues:
            raise NoSuchQueue(
                "The specified queue does not exist.", code="AWS.SimpleQueueService.NonExistentQueue"
            )
        return self._queues[url]

    def go_down(self, seconds: float, *services: str) -> None:
        """Let these services (all if none is named) refuse connections for that long, from now."""
        for service in services or SERVICES:
            self._outages.until_at[service] = self._clock.now() + seconds
        for server in self._queues.values():
            server.stir()

    # EC2 and Auto Scaling

    def add_instance(
        self,
        instance_id: str,
        *,
        group: str = "",
        private_dns_name: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add a running instance, in service if it is of an Auto Scaling group."""
        self._put_instance(instance_id, "running", group, private_dns_name, tags)
        if group:
            self.lifecycles.add(instance_id, group)

    def put_hook(self, hook: HookSpec) -> None:
        """Create or replace a lifecycle hook."""
        self.lifecycles.put_hook(hook)

    def begin_launch(
        self,
        instance_id: str,
        *,
        group: str,
        private_dns_name: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> tuple[LifecycleAction, ...]:
        """Launch an instance of a group; returns the actions in which it waits, one for each launch hook.

        It is a new one, or one that comes back under its own id, as from a warm pool.
        """
        if self.ec2.get(instance_id) is not None:
            self.start_instance(instance_id)
        else:
            self._put_instance(instance_id, "running", group, private_dns_name, tags)
        actions = self.lifecycles.launch(instance_id, group, self._clock.now())
        self.stir()
        return actions

    def begin_termination(self, instance_id: str) -> tuple[LifecycleAction, ...]:
        """Let the group take an instance out; returns the actions in which it waits, one for each hook."""
        actions = self.lifecycles.terminate(instance_id, self._clock.now())
        self.stir()
        return actions

    def start_instance(self, instance_id: str) -> None:
        """Start a stopped instance again."""
        self.ec2.start(instance_id, self._clock.now())

    def terminate_instance(self, instance_id: str, state: str = "terminated") -> None:
        """Terminate it past Auto Scaling, as EC2 does with Spot instances; `state` as in `Instance.state`."""
        self.ec2.set_state(instance_id, state)
        if state == "terminated":
            self._power_off(instance_id)

    def state_of(self, instance_id: str) -> str:
        """Returns Auto Scaling's state of an instance: `InService`, `Terminating:Wait`, `Terminated` ..."""
        return self.lifecycles.state_of(instance_id)

    @property
    def ended(self) -> tuple[Ended, ...]:
        """The ends of all lifecycle actions that are over, in order."""
        return tuple(self.lifecycles.ended)

    def stir(self) -> None:
        """Carry out what is due in Auto Scaling, and set the timer for what comes next."""
        self.lifecycles.advance(self._clock.now())
        for instance_id in self.lifecycles.pop_terminated():
            self.terminate_instance(instance_id)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if (wake_at := self.lifecycles.wake_at) is not None:
            wait_seconds = max(0.0, wake_at - self._clock.now())
            self._timer = asyncio.get_running_loop().call_later(wait_seconds, self.stir)

    def _put_instance(
        self,
        instance_id: str,
        state: str,
        group: str,
        private_dns_name: str,
        tags: Mapping[str, str] | None,
    ) -> None:
        group_tags = {GROUP_TAG: group} if group else {}
        self.ec2.put(
            Instance(
                instance_id=instance_id,
                state=state,
                private_dns_name=private_dns_name,
                tags={**(tags or {}), **group_tags},
                launched_at=float(int(self._clock.now())),
            )
        )
