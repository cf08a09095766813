"""Replicas that follow each other by their leases, in virtual time against the simulated API server."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import pytest

from nth.core.backoff import LONGEST_SECONDS
from nth.core.facts import Lease
from nth.core.replicas.membership import LEASE_SECONDS, RENEW_SECONDS, STALE_SECONDS, lease_name
from nth.errors import ClusterError, Conflict, Forbidden, Rejected, Throttled, Unreachable
from nth.queue_mode.replicas import ALONE, RELEASE_SECONDS, ReplicaWatch
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Link, Request, Verb
from nth.simulation.leases import SimulatedLeases

WITHIN_SECONDS = LEASE_SECONDS + RENEW_SECONDS + 0.1
LOGGER = "nth.queue_mode.replicas"


@dataclass
class Replica:
    """One process: its connection, its watch, and what it heard."""

    clock: VirtualClock
    cluster: SimulatedCluster
    identity: str
    errors: dict[Verb, ClusterError] = field(default_factory=dict)
    """What the server says instead, by verb."""
    after: dict[Verb, ClusterError] = field(default_factory=dict)
    """What the client hears though it was done, once."""
    latency: dict[Verb, float] = field(default_factory=dict)
    deaths: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        link = Link(
            latency_seconds=lambda request: self.latency.get(request.verb, 0.005),
            before=lambda request: self.errors.get(request.verb),
            after=lambda request: self.after.pop(request.verb, None),
            timeout_seconds=60.0,
        )
        self.connection = self.cluster.connect(link)
        self.leases: SimulatedLeases = self.cluster.leases_through(self.connection)
        self.watch = ReplicaWatch(self.leases, self.clock, self.identity, on_death=self.died)
        self.task = asyncio.create_task(self.watch.run())

    def died(self, identity: str) -> None:
        self.deaths.append((self.clock.now(), identity))

    def asked(self, verb: Verb) -> list[Request]:
        return [request for request in self.connection.requests if request.verb == verb]

    async def kill(self) -> None:
        """As kill -9: nothing is said."""
        self.task.cancel()
        await asyncio.wait([self.task])


class Scene:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.cluster = SimulatedCluster(clock)
        self.replicas: list[Replica] = []

    def start(self, identity: str, *, errors: dict[Verb, ClusterError] | None = None) -> Replica:
        replica = Replica(self.clock, self.cluster, identity, errors or {})
        self.replicas.append(replica)
        return replica

    async def start_two(self) -> tuple[Replica, Replica]:
        two = self.start("a"), self.start("b")
        await asyncio.sleep(5)
        return two

    async def leases(self) -> dict[str, Lease]:
        observer = self.cluster.leases_through(self.cluster.connect())
        return {lease.name: lease for lease in await observer.list_leases()}


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        await story(scene)
        for replica in scene.replicas:
            assert replica.task.done() is replica.task.cancelled(), "the watch never ends by itself"
            await replica.kill()

    run(main)


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == LOGGER and r.levelno >= logging.WARNING]


def infos_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == LOGGER and r.levelno == logging.INFO]


def test_replicas_see_each_other_and_say_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        assert a.watch.known.is_set()
        assert a.watch.others_alive() == ("b",)
        assert b.watch.others_alive() == ("a",)
        await asyncio.sleep(600)
        assert a.watch.others_alive() == ("b",)
        assert a.deaths == b.deaths == []
        assert a.watch.is_alive("a")

    with caplog.at_level(logging.DEBUG):
        play(story)
    assert warnings_of(caplog) == infos_of(caplog) == []


def test_a_replica_has_its_lease_before_it_knows_the_others() -> None:
    async def story(scene: Scene) -> None:
        a = scene.start("a")
        await a.watch.known.wait()
        lease = (await scene.leases())[lease_name("a")]
        assert (lease.holder, lease.duration_seconds) == ("a", LEASE_SECONDS)

    play(story)


def test_its_lease_costs_one_request_each_renewal_and_one_each_list() -> None:
    async def story(scene: Scene) -> None:
        a = scene.start("a")
        await asyncio.sleep(100)
        assert len(a.asked("write_lease")) == pytest.approx(50, abs=2)
        assert len(a.asked("list_leases")) == pytest.approx(50, abs=2)
        assert len(a.connection.requests) <= 102

    play(story)


def test_a_killed_replica_is_dead_within_its_lease_and_one_round() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        for offset_seconds in (0.0, 0.3, 0.9, 1.9):
            await asyncio.sleep(offset_seconds)
            await b.kill()
            killed_at = scene.clock.now()
            await asyncio.sleep(WITHIN_SECONDS)
            (died_at, identity) = a.deaths.pop()
            assert identity == "b"
            assert LEASE_SECONDS - RENEW_SECONDS < died_at - killed_at < WITHIN_SECONDS
            assert not a.watch.is_alive("b")
            await asyncio.sleep(60)
            assert a.deaths == [], "once"
            b = scene.start("b")
            await asyncio.sleep(RENEW_SECONDS + 0.1)
            assert a.watch.is_alive("b"), "it came back under the same name"

    play(story)


def test_a_replica_that_releases_its_lease_is_dead_at_the_next_list_and_leaves_nothing_behind() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        await b.watch.release()
        released_at = scene.clock.now()
        await asyncio.sleep(60)
        assert [identity for _, identity in a.deaths] == ["b"]
        assert a.deaths[0][0] - released_at <= RENEW_SECONDS + 0.1
        assert set(await scene.leases()) == {lease_name("a")}, "no renewal brings it back"

    play(story)


def test_a_release_while_a_renewal_is_under_way_comes_after_it() -> None:
    async def story(scene: Scene) -> None:
        b = scene.start("b")
        await asyncio.sleep(5)
        b.latency["write_lease"] = 1.0
        before = len(b.asked("write_lease"))
        await scene.cluster.wait_until(lambda: len(b.asked("write_lease")) > before)
        await b.watch.release()
        await asyncio.sleep(5)
        assert await scene.leases() == {}

    play(story)


def test_where_deleting_is_forbidden_the_lease_is_released_without_a_holder() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        b.errors["delete_lease"] = Forbidden("no")
        await b.watch.release()
        assert (await scene.leases())[lease_name("b")].holder == ""
        await asyncio.sleep(RENEW_SECONDS + 0.1)
        assert [identity for _, identity in a.deaths] == ["b"]

    play(story)


def test_a_lease_is_released_though_the_last_renewal_was_not_answered() -> None:
    async def story(scene: Scene) -> None:
        b = scene.start("b")
        await asyncio.sleep(5)
        b.errors["delete_lease"] = Forbidden("no")
        b.after["write_lease"] = Unreachable("reset")
        await scene.cluster.wait_until(lambda: not b.after)
        await b.watch.release()
        assert (await scene.leases())[lease_name("b")].holder == ""

    play(story)


def test_a_release_is_tried_again_but_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        b.errors["delete_lease"] = Throttled("busy")
        asyncio.get_running_loop().call_later(1.0, b.errors.clear)
        await b.watch.release()
        assert lease_name("b") not in await scene.leases()
        a.errors["delete_lease"] = Unreachable("refused")
        before_at = scene.clock.now()
        await a.watch.release()
        assert scene.clock.now() - before_at == pytest.approx(RELEASE_SECONDS)

    play(story)
    assert warnings_of(caplog) == ["lease is not released, others wait until it ends"]


def test_a_lease_that_never_was_is_released_in_peace(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        await scene.start("a").watch.release()
        assert await scene.leases() == {}

    play(story)
    assert warnings_of(caplog) == []


def test_a_restarted_container_takes_its_own_lease_over() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        await b.kill()
        again = scene.start("b")
        await asyncio.sleep(60)
        assert a.deaths == []
        assert again.watch.others_alive() == ("a",)

    play(story)


def test_a_renewal_that_was_done_but_not_answered_is_no_trouble_for_long() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        for _ in range(5):
            b.after["write_lease"] = Unreachable("reset")
            await asyncio.sleep(10)
        assert a.deaths == []

    play(story)


def test_a_lease_that_somebody_deleted_is_made_anew() -> None:
    async def story(scene: Scene) -> None:
        a, _ = await scene.start_two()
        await a.leases.delete_lease(lease_name("a"))
        await asyncio.sleep(RENEW_SECONDS + 0.1)
        assert lease_name("a") in await scene.leases()

    play(story)


@pytest.mark.parametrize("outage_seconds", [0.5, 2, 3, 5, 6, 8, 30, 300])
def test_nobody_dies_of_an_outage_of_the_api_server(
    outage_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        now = scene.clock.now()
        scene.cluster.set_outage(now, now + outage_seconds)
        await asyncio.sleep(outage_seconds + 60)
        assert a.deaths == b.deaths == []
        assert a.watch.others_alive() == ("b",)

    with caplog.at_level(logging.INFO):
        play(story)
    trouble = [text for text in warnings_of(caplog) if "cannot follow" in text]
    assert len(trouble) == len([text for text in infos_of(caplog) if "again" in text]) <= 2


def test_who_dies_in_an_outage_is_dead_soon_after_it() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        now = scene.clock.now()
        scene.cluster.set_outage(now, now + 60)
        await asyncio.sleep(30)
        await b.kill()
        await asyncio.sleep(60)
        (died_at, identity) = a.deaths.pop()
        assert identity == "b"
        assert died_at <= now + 60 + 1 + WITHIN_SECONDS

    play(story)


def test_a_replica_that_cannot_write_takes_nobody_for_dead() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        a.errors["write_lease"] = b.errors["write_lease"] = Unreachable("etcd has no leader")
        await asyncio.sleep(120)
        assert a.deaths == b.deaths == []

    play(story)


def test_renewing_goes_on_while_listing_hangs_and_the_other_way_round() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        a.latency["list_leases"] = 50.0
        await asyncio.sleep(60)
        assert b.deaths == []
        assert len(a.asked("list_leases")) > 15, "a request without an answer is given up"
        a.latency = {"write_lease": 50.0}
        await asyncio.sleep(60)
        assert [identity for _, identity in b.deaths] == ["a"]
        assert len(a.asked("list_leases")) > 35

    play(story)


def test_a_list_that_failed_lately_takes_nobody_for_dead() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        for _ in range(8):
            a.errors["list_leases"] = Rejected("nonsense")
            b.errors["write_lease"] = Unreachable("refused")
            await asyncio.sleep(1.9)
            a.errors.clear()
            await asyncio.sleep(4.1)
            b.errors.clear()
            await asyncio.sleep(20.3)
        assert a.deaths == []

    play(story)


def test_a_replica_that_cannot_be_asked_for_at_the_start_lives() -> None:
    async def story(scene: Scene) -> None:
        now = scene.clock.now()
        scene.cluster.set_outage(now, now + 30)
        a = scene.start("a")
        await asyncio.sleep(29)
        assert a.watch.is_alive("b")
        assert not a.watch.known.is_set()
        await asyncio.sleep(5)
        assert [identity for _, identity in a.deaths] == ["b"], "somebody asked for it, and it has no lease"
        assert not a.watch.is_alive("b")

    play(story)


def test_a_predecessor_that_left_no_lease_is_dead_at_the_next_list() -> None:
    async def story(scene: Scene) -> None:
        a = scene.start("a")
        await asyncio.sleep(60)
        assert a.watch.is_alive("gone")
        await asyncio.sleep(RENEW_SECONDS + 0.1)
        assert not a.watch.is_alive("gone")
        assert [identity for _, identity in a.deaths] == ["gone"]

    play(story)


def test_without_rights_on_leases_it_is_alone_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    refused = Forbidden("leases.coordination.k8s.io is forbidden")
    errors: dict[Verb, ClusterError] = {
        "list_leases": refused,
        "write_lease": refused,
        "delete_lease": refused,
    }

    async def story(scene: Scene) -> None:
        a = scene.start("a", errors=errors)
        assert a.watch.is_alive("b")
        await asyncio.sleep(LEASE_SECONDS - 1)
        assert a.watch.is_alive("b")
        assert not a.watch.known.is_set()
        await asyncio.sleep(600)
        assert a.watch.known.is_set()
        assert not a.watch.is_alive("b")
        assert [identity for _, identity in a.deaths] == ["b"]
        errors.clear()
        scene.start("b")
        await asyncio.sleep(LONGEST_SECONDS + 5)
        assert a.watch.others_alive() == ("b",)

    with caplog.at_level(logging.INFO):
        play(story)
    assert warnings_of(caplog) == [ALONE]
    assert "leases can be listed now: other replicas are seen" in infos_of(caplog)


def test_who_has_no_rights_on_leases_does_not_warn_of_its_own_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = Forbidden("leases.coordination.k8s.io is forbidden")
    errors: dict[Verb, ClusterError] = {
        "list_leases": refused,
        "write_lease": refused,
        "delete_lease": refused,
    }

    async def story(scene: Scene) -> None:
        a = scene.start("a", errors=errors)
        await asyncio.sleep(LEASE_SECONDS + 2)
        await a.watch.release()

    with caplog.at_level(logging.INFO):
        play(story)
    assert warnings_of(caplog) == [ALONE]


def test_an_api_server_that_forbids_all_for_a_moment_is_not_worth_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors: dict[Verb, ClusterError] = {"list_leases": Forbidden("no"), "write_lease": Forbidden("no")}

    async def story(scene: Scene) -> None:
        a = scene.start("a", errors=errors)
        await asyncio.sleep(3)
        errors.clear()
        await asyncio.sleep(60)
        assert not a.watch.alone
        assert a.watch.known.is_set()

    play(story)
    assert warnings_of(caplog) == []


def test_the_leases_of_pods_that_are_long_gone_are_removed() -> None:
    async def story(scene: Scene) -> None:
        for n in range(5):
            old = scene.start(f"old-{n}")
            await asyncio.sleep(1)
            await old.kill()
        a, _ = await scene.start_two()
        await asyncio.sleep(STALE_SECONDS - 20)
        assert len(await scene.leases()) == 7
        await asyncio.sleep(60)
        assert set(await scene.leases()) == {lease_name("a"), lease_name("b")}
        assert len(a.deaths) == 5

    play(story)


def test_where_removing_is_forbidden_that_is_told_once_and_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(scene: Scene) -> None:
        old = scene.start("old")
        await asyncio.sleep(1)
        await old.kill()
        a = scene.start("a")
        a.errors["delete_lease"] = Forbidden("no")
        await asyncio.sleep(STALE_SECONDS + 600)
        assert len(a.deaths) == 1
        a.errors.clear()
        await asyncio.sleep(10)
        assert set(await scene.leases()) == {lease_name("a")}

    with caplog.at_level(logging.INFO):
        play(story)
    assert warnings_of(caplog) == ["leases of dead replicas cannot be removed"]
    assert infos_of(caplog) == ["another replica is gone", "leases can be removed again"]


def test_a_listener_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        c = scene.start("c")
        await asyncio.sleep(5)
        a.deaths = None  # type: ignore[assignment]
        await b.watch.release()
        await c.watch.release()
        await asyncio.sleep(10)
        assert a.watch.others_alive() == ()

    play(story)
    assert warnings_of(caplog) == ["the death of a replica could not be handled"] * 2


def test_a_defect_in_an_answer_costs_one_round(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        a.errors["list_leases"] = KeyError("spec")  # type: ignore[assignment]
        await asyncio.sleep(10)
        a.errors.clear()
        await asyncio.sleep(10)
        assert a.deaths == b.deaths == []

    play(story)
    assert len(warnings_of(caplog)) == 1
    assert any(record.exc_info for record in caplog.records)


def test_a_lease_that_cannot_be_had_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        a.errors["write_lease"] = Conflict("somebody writes all the time")
        await asyncio.sleep(30)
        assert [identity for _, identity in b.deaths] == ["a"]
        await b.kill()
        await asyncio.sleep(30)
        assert [identity for _, identity in a.deaths] == ["b"], "its own trouble is none of the others'"

    play(story)
    assert warnings_of(caplog) == ["replicas cannot follow each other by their leases, trying again"]
