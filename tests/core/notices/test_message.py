"""Which instance an item of a message is about."""

import pytest

from nth.core.notices.aws_facts import Instance
from nth.core.notices.events import AsgLaunch
from nth.core.notices.message import Ended, Item, instance_id_of
from tests.core import fleet_samples as queue
from tests.core.samples import T0, asg

LAUNCH = AsgLaunch(event_id="e", instance_id=queue.INSTANCE, action=queue.action(), noticed_at=T0)
OVER = Ended(instance_id=queue.INSTANCE, arn=queue.ARN, reason="cancelled")


@pytest.mark.parametrize(
    "item",
    [
        *(
            n.event
            for n in (queue.spot_warning(), queue.risk(), queue.hook(), queue.going_down(), queue.health())
        ),
        LAUNCH,
        OVER,
    ],
    ids=lambda item: type(item).__name__,
)
def test_every_item_of_a_message_names_its_instance(item: Item) -> None:
    assert instance_id_of(item) == queue.INSTANCE


def test_a_target_state_is_of_no_message() -> None:
    assert instance_id_of(asg().event) == ""


@pytest.mark.parametrize(
    ("tags", "group"), [({}, ""), ({"aws:autoscaling:groupName": "fleet", "Name": "x"}, "fleet")]
)
def test_Q13_a_tag_names_the_group(tags: dict[str, str], group: str) -> None:
    assert Instance(instance_id=queue.INSTANCE, state="running", tags=tags).group == group
