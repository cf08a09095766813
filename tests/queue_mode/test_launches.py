"""Launch hooks end the moment the node is Ready (Q18)."""

from dataclasses import replace

from nth.core.facts import Node
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch
from nth.queue_mode.launches import Launches
from tests.queue_mode.office import a_node, an_id


def a_launch(number: int, name: str = "launch") -> AsgLaunch:
    action = LifecycleAction(group="g", hook="h", token=name, instance_id=an_id(number))
    return AsgLaunch(event_id=name, instance_id=an_id(number), action=action, noticed_at=1)


class Scene:
    def __init__(self, *nodes: Node) -> None:
        self.nodes = {node.instance_id: node for node in nodes}
        self.ready: list[AsgLaunch] = []
        self.is_clean = True
        self.launches = Launches(
            find=self.nodes.get, ready=self.ready.append, is_given_back=lambda launch, node: self.is_clean
        )

    def see(self, node: Node) -> None:
        self.launches.look(node.instance_id, node)


def test_Q18_a_node_that_is_ready_already_waits_for_nothing() -> None:
    scene = Scene(a_node(1))
    scene.launches.add(a_launch(1), 600)
    assert scene.ready == [a_launch(1)]
    assert len(scene.launches) == 0


def test_Q18_a_node_that_is_not_ready_or_not_there_is_waited_for() -> None:
    scene = Scene(a_node(1, ready=False))
    scene.launches.add(a_launch(1), 600)
    scene.launches.add(a_launch(2), 600)
    for node in (a_node(1, ready=False), a_node(3), replace(a_node(2), ready=False)):
        scene.see(node)
    assert scene.ready == []
    scene.see(a_node(2))
    assert scene.ready == [a_launch(2)]
    scene.see(a_node(1))
    scene.see(a_node(1))
    assert scene.ready == [a_launch(2), a_launch(1)]


def test_two_launch_hooks_of_one_instance_are_both_completed() -> None:
    scene = Scene()
    for name in ("one", "two", "two"):
        scene.launches.add(a_launch(1, name), 600)
    scene.see(a_node(1))
    assert scene.ready == [a_launch(1, "one"), a_launch(1, "two")]


def test_a_hook_that_has_timed_out_is_told_once_and_forgotten() -> None:
    scene = Scene()
    scene.launches.add(a_launch(1), 600)
    scene.launches.add(a_launch(2), 700)
    assert scene.launches.overdue(599) == ()
    assert scene.launches.overdue(600) == (a_launch(1),)
    assert scene.launches.overdue(600) == ()
    scene.see(a_node(1))
    assert scene.ready == []
    assert len(scene.launches) == 1


def test_safe_17_a_node_that_is_not_given_back_is_waited_for_and_looked_at_again() -> None:
    scene = Scene(a_node(1))
    scene.is_clean = False
    scene.launches.add(a_launch(1), 600)
    scene.see(a_node(1))
    assert scene.launches.overdue(10) == ()
    assert scene.ready == []
    scene.is_clean = True
    # Nothing changes on the node any more: it is looked at again all the same.
    assert scene.launches.overdue(11) == ()
    assert scene.ready == [a_launch(1)]


def test_safe_17_when_an_instance_was_last_launched_is_remembered() -> None:
    scene = Scene()
    for at in (5.0, 3.0):
        scene.launches.add(replace(a_launch(1), noticed_at=at), 600)
    assert scene.launches.launched_at(an_id(1)) == 5.0
    assert scene.launches.launched_at(an_id(2)) is None
