"""What goes on after a session whose node is gone: its replacements, and nothing else."""

from nth.core.decisions import FollowPods, NodeNews, PodsListed, Tell, Woken
from nth.core.facts import PodScope, Wanted
from nth.core.node.phases import GONE, Phase
from nth.core.reports import ReplacementEnded, Report, SessionEnded
from tests.core.node.test_session_replacements import DRAINING, elsewhere, world_of
from tests.core.samples import T0, a_pod, rebalance, spot
from tests.core.world import World, drained

SHOP = PodScope(namespace="shop", label_selector="pod-template-hash in (abc)")


def gone(world: World, seconds: float) -> World:
    world.notice(spot())
    world.run(seconds, until=drained)
    world.run(seconds)
    world.give(NodeNews(None))
    return world


def test_a_session_whose_replacements_are_short_leaves_an_aftermath() -> None:
    world = gone(world_of(a_pod(), wanted=Wanted(pods=1)), 20)
    session = world.session
    assert (session.phase, session.ended_by) == (Phase.ENDED, GONE)
    # The end of its story is not known yet.
    assert world.told(SessionEnded) == []
    aftermath = session.aftermath
    assert aftermath is not None
    assert (aftermath.node_name, aftermath.session_id) == (session.node_name, session.session_id)
    assert aftermath.handle(Woken(), T0 + 20) == [FollowPods(SHOP)]
    # Not known yet is said when the session would have said it.
    assert aftermath.wake_at is not None
    assert T0 + 115 < aftermath.wake_at < T0 + 120
    new = elsewhere(a_pod(), "web-9")
    told = aftermath.handle(PodsListed(SHOP, (new,)), T0 + 30)
    reports: list[Report] = [each.report for each in told if isinstance(each, Tell)]
    end, last = reports[-2:]
    assert isinstance(end, ReplacementEnded)
    assert (end.final, end.missing, last) == (True, (), SessionEnded(reason=GONE))
    assert aftermath.phase is Phase.ENDED
    assert aftermath.handle(Woken(), T0 + 31) == []


def test_a_session_whose_pods_are_all_back_ends_at_once() -> None:
    world = gone(World([a_pod()]), 60)
    assert world.session.aftermath is None
    assert world.told(SessionEnded) == [SessionEnded(reason=GONE)]


def test_a_session_whose_node_was_not_drained_ends_at_once() -> None:
    pods = [a_pod(), a_pod("held")]
    world = World(pods, rules=DRAINING, blocked=lambda pod, now: pod.ref.name == "held")
    world.notice(rebalance())
    world.run(20)
    world.give(NodeNews(None))
    assert world.session.aftermath is None
    assert world.told(SessionEnded) == [SessionEnded(reason=GONE)]
