"""moto with what it lacks or does in another way than AWS documents.

- SQS: what is sent goes into `Queues`, which answers the actions on messages.
- EC2: a terminated instance has no private name any more; instances may have ids of our choice.
- Auto Scaling: a hook's global timeout depends on its heartbeat timeout.

Import it only in a process of its own: `patch` is for good.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.autoscaling.models import AutoScalingBackend, autoscaling_backends
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance
from moto.sqs.models import Message, Queue, sqs_backends

from nth.simulation.lifecycle import HookSpec
from tests.servers.aws_queues import Queues

ACCOUNT = "123456789012"
REGION = "eu-west-1"
IMAGE = "ami-12c6146b"


def patch(queues: Queues | None) -> None:
    """From now on moto does it as documented, in this process; without `queues` it keeps its own SQS."""
    create_queue, create_hook = Queue.__init__, AutoScalingBackend.create_lifecycle_hook

    def init_queue(queue: Queue, *args: Any, **named: Any) -> None:
        assert queues is not None
        create_queue(queue, *args, **named)
        behind = queue.dead_letter_queue
        policy = queue.redrive_policy or {} if behind is not None else {}
        queues.add(
            queue.name,
            retention_seconds=float(vars(queue)["message_retention_period"]),
            dead_letters="" if behind is None else behind.name,
            max_receive_count=int(policy.get("maxReceiveCount", 0)),
        )

    def add_message(queue: Queue, message: Message) -> None:
        assert queues is not None
        queues.shelf(queue.name).put(message.body, message.id)

    def create_lifecycle_hook(backend: AutoScalingBackend, *args: Any, **named: Any) -> object:
        hook = create_hook(backend, *args, **named)
        hook.global_timeout = int(spec_of(hook).global_seconds)
        return hook

    changes: Mapping[type, Mapping[str, object]] = {
        Queue: {} if queues is None else {"__init__": init_queue, "add_message": add_message},
        Instance: {"private_dns_name": property(_private_dns_name)},
        AutoScalingBackend: {"create_lifecycle_hook": create_lifecycle_hook},
    }
    for kind, methods in changes.items():
        for name, method in methods.items():
            setattr(kind, name, method)


def _private_dns_name(instance: Instance) -> str:
    if instance.state == "terminated":
        return ""
    chosen = vars(instance).get("chosen_name", "")
    return str(chosen) or f"ip-{str(instance.private_ip).replace('.', '-')}.{REGION}.compute.internal"


# What tests do, past the wire


def reset() -> None:
    """As at the beginning: no queue, instance or hook."""
    sqs_backends[ACCOUNT][REGION].queues.clear()
    autoscaling_backends[ACCOUNT][REGION].lifecycle_hooks.clear()
    ec2 = ec2_backends[ACCOUNT][REGION]
    for reservation in ec2.reservations.values():
        for instance in reservation.instances:
            ec2.tags.pop(instance.id, None)
    ec2.reservations.clear()


def spec_of(hook: Any) -> HookSpec:
    """One of moto's lifecycle hooks."""
    return HookSpec(
        group=hook.auto_scaling_group_name,
        name=hook.name,
        transition=hook.lifecycle_transition,
        heartbeat_seconds=float(hook.heartbeat_timeout),
        default_result=hook.default_result,
    )


def hooks() -> list[HookSpec]:
    """All of them."""
    return [spec_of(hook) for hook in autoscaling_backends[ACCOUNT][REGION].lifecycle_hooks.values()]


def put_hook(spec: HookSpec) -> None:
    """Create or replace."""
    autoscaling_backends[ACCOUNT][REGION].create_lifecycle_hook(
        name=spec.name,
        as_name=spec.group,
        transition=spec.transition,
        timeout=int(spec.heartbeat_seconds),
        result=spec.default_result,
    )


def create_queue(name: str, attributes: Mapping[str, Any]) -> None:
    """With the attributes of SQS's CreateQueue."""
    sqs_backends[ACCOUNT][REGION].create_queue(name, **attributes)


def send(url: str, body: str) -> str:
    """The new message's id."""
    return sqs_backends[ACCOUNT][REGION].send_message(url.rpartition("/")[2], body).id


def queue_counts(url: str) -> dict[str, int]:
    """Of a queue that moto keeps itself: messages, those in flight, and how many were deleted."""
    queue = sqs_backends[ACCOUNT][REGION].get_queue(url.rpartition("/")[2])
    in_flight = queue.approximate_number_of_messages_not_visible
    return {
        "messages": queue.approximate_number_of_messages + in_flight,
        "in_flight": in_flight,
        "deleted": len(queue.deleted_messages - {None}),
    }


def run_instance(instance_id: str, private_dns_name: str, tags: Mapping[str, str]) -> tuple[str, str]:
    """A running instance, new or started again; its id and private name, also where they are not given."""
    backend = ec2_backends[ACCOUNT][REGION]
    if (known := _instance(instance_id)) is not None:
        start_instance(instance_id)
        return instance_id, _private_dns_name(known)
    reservation = backend.run_instances(
        IMAGE, 1, None, [], instance_type="m5.large", is_instance_type_default=True
    )
    (instance,) = reservation.instances
    instance.id = instance_id or instance.id
    vars(instance)["chosen_name"] = private_dns_name
    if tags:
        backend.create_tags([instance.id], dict(tags))
    return instance.id, _private_dns_name(instance)


def set_instance_state(instance_id: str, state: str) -> None:
    """As EC2 names it: `terminated`, `stopping` ..."""
    instance = _instance(instance_id)
    if instance is None:
        raise KeyError(instance_id)
    instance._state.name = state


def start_instance(instance_id: str) -> None:
    """A stopped one is started again: EC2 sets its launch time anew, which moto does not."""
    set_instance_state(instance_id, "running")
    vars(_instance(instance_id))["launch_time"] = datetime.now(UTC).replace(microsecond=0)


def _instance(instance_id: str) -> Instance | None:
    for reservation in ec2_backends[ACCOUNT][REGION].reservations.values():
        for instance in reservation.instances:
            if instance.id == instance_id:
                return instance
    return None
