"""Launch hooks end the moment the node is Ready (Q18)."""

from dataclasses import replace

from nth.core.facts import Node
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch
from nth.core.queue.dispatch_words import (
    AskHookTimeout,
    CompleteHook,
    GiveBackNode,
    HookTimeoutKnown,
    NodeGivenBack,
)
from tests.core.queue.dispatch_world import REF, DispatchWorld, a_node


def a_launch(number: int, name: str = "launch") -> AsgLaunch:
    action = LifecycleAction(group="g", hook="h", token=name, instance_id=f"i-{number}")
    return AsgLaunch(event_id=name, instance_id=f"i-{number}", action=action, noticed_at=1)


def node(number: int, *, ready: bool = True) -> Node:
    return a_node(f"node-{number}", f"i-{number}", ready=ready)


class Scene:
    """Nodes are given back at once, as long as `is_clean`."""

    def __init__(self, *nodes: Node) -> None:
        self.world = DispatchWorld()
        self.world.now = 10.0
        self.is_clean = True
        self.looks = 0
        for each in nodes:
            self.see(each)

    def see(self, node: Node) -> None:
        self.world.see(node)
        self._give_back()

    def add(self, launch: AsgLaunch, until_at: float) -> None:
        asked = AskHookTimeout(REF, launch, node(0))
        self.world.feed(HookTimeoutKnown(asked, until_at))
        self._give_back()

    def sleep_until(self, at: float) -> None:
        while self.world.now < at:
            self.world.sleep(min(1.0, at - self.world.now))
            self._give_back()

    def _give_back(self) -> None:
        asked = self.world.all(GiveBackNode)
        for each in asked[self.looks :] if self.is_clean else ():
            self.world.feed(NodeGivenBack(each))
        self.looks = len(asked)

    @property
    def ready(self) -> list[object]:
        return [each.event for each in self.world.all(CompleteHook)]

    @property
    def waiting(self) -> int:
        return len(self.world.machine.launches)


def test_Q18_a_node_that_is_ready_already_waits_for_nothing() -> None:
    scene = Scene(node(1))
    scene.add(a_launch(1), 600)
    assert scene.ready == [a_launch(1)]
    assert scene.waiting == 0


def test_Q18_a_node_that_is_not_ready_or_not_there_is_waited_for() -> None:
    scene = Scene(node(1, ready=False))
    scene.add(a_launch(1), 600)
    scene.add(a_launch(2), 600)
    for each in (node(1, ready=False), node(3), node(2, ready=False)):
        scene.see(each)
    assert scene.ready == []
    scene.see(node(2))
    assert scene.ready == [a_launch(2)]
    scene.see(node(1))
    scene.see(node(1))
    assert scene.ready == [a_launch(2), a_launch(1)]


def test_two_launch_hooks_of_one_instance_are_both_completed() -> None:
    scene = Scene()
    for name in ("one", "two", "two"):
        scene.add(a_launch(1, name), 600)
    scene.see(node(1))
    assert scene.ready == [a_launch(1, "one"), a_launch(1, "two")]


def test_a_hook_that_has_timed_out_is_told_once_and_forgotten() -> None:
    scene = Scene()
    scene.add(a_launch(1), 600)
    scene.add(a_launch(2), 700)
    over = "The launch hook's time is over, and its node is not Ready yet"
    scene.sleep_until(599)
    assert scene.world.logged.count(over) == 0
    scene.sleep_until(602)
    assert scene.world.logged.count(over) == 1
    scene.sleep_until(650)
    assert scene.world.logged.count(over) == 1
    scene.see(node(1))
    assert scene.ready == []
    assert scene.waiting == 1


def test_safe_17_a_node_that_is_not_given_back_is_waited_for_and_looked_at_again() -> None:
    scene = Scene(node(1))
    scene.is_clean = False
    scene.add(a_launch(1), 600)
    scene.see(node(1))
    scene.sleep_until(20)
    assert scene.ready == []
    scene.is_clean = True
    # Nothing changes on the node any more: it is looked at again all the same.
    scene.sleep_until(22)
    assert scene.ready == [a_launch(1)]


def test_safe_17_when_an_instance_was_last_launched_is_remembered() -> None:
    scene = Scene()
    for at in (5.0, 3.0):
        scene.add(replace(a_launch(1), noticed_at=at), 600)
    assert scene.world.machine.launches.launched_at("i-1") == 5.0
    assert scene.world.machine.launches.launched_at("i-2") is None
