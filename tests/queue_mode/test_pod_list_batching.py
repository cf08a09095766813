"""Lists by a label that are asked for at the same time are one request, and nobody gets an old answer."""

import asyncio
from collections.abc import Callable, Coroutine

from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.facts import Pod, PodList, PodRef, PodScope
from nth.errors import ClusterError, Throttled
from nth.queue_mode.pod_list_batching import JointLists
from nth.queue_mode.pod_scopes import ScopeRule, rule_of, selector_of
from nth.simulation.clock import VirtualClock, run

LABEL = "pod-template-hash"
LIST_SECONDS = 0.2


class Server:
    """One pod for each value, named after it; the version counts the lists."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str, str, bool]] = []
        self.errors: list[ClusterError] = []

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        at = asyncio.get_running_loop().time()
        self.asked.append((round(at, 3), scope.namespace, scope.label_selector, cached))
        version = str(len(self.asked))
        await asyncio.sleep(LIST_SECONDS)
        if self.errors:
            raise self.errors.pop()
        rule = rule_of(scope)
        assert rule is not None
        pods = (Pod(ref=PodRef(rule.namespace, v, v), labels={LABEL: v}) for v in sorted(rule.values))
        return PodList(tuple(pods), version)


def rule(*values: str, namespace: str = "shop") -> ScopeRule:
    return ScopeRule("", namespace, LABEL, frozenset(values))


def names(found: PodList) -> str:
    return "".join(pod.ref.name for pod in found.pods)


def play(
    scenario: Callable[[JointLists, Server], Coroutine[object, object, None]], *, max_values: int = 200
) -> None:
    async def main(_: VirtualClock) -> None:
        server = Server()
        await scenario(JointLists(server, max_values=max_values), server)

    run(main)


def asked(server: Server) -> list[str]:
    return [selector for _, _, selector, _ in server.asked]


def test_who_comes_during_a_list_shares_the_next_one_and_gets_only_his_own_pods() -> None:
    async def scenario(lists: JointLists, server: Server) -> None:
        rules = (rule("a"), rule("a", "b"), rule("c"), rule("a", "b"))
        found = await asyncio.gather(*(lists.list_pods(each, cached=False) for each in rules))
        assert [names(each) for each in found] == ["a", "ab", "c", "ab"]
        assert [each.resource_version for each in found] == ["1", "2", "2", "2"]
        assert asked(server) == [selector_of(LABEL, "a"), selector_of(LABEL, "abc")]

    play(scenario)


def test_namespaces_and_caches_are_apart() -> None:
    async def scenario(lists: JointLists, server: Server) -> None:
        await asyncio.gather(
            lists.list_pods(rule("a"), cached=False),
            lists.list_pods(rule("a"), cached=True),
            lists.list_pods(rule("a", namespace="other"), cached=False),
        )
        assert len({(at, namespace, cached) for at, namespace, _, cached in server.asked}) == 3
        assert len({at for at, *_ in server.asked}) == 1

    play(scenario)


def test_an_error_is_told_to_all_who_shared_the_request_each_his_own() -> None:
    async def scenario(lists: JointLists, server: Server) -> None:
        server.errors = [Throttled("busy", retry_after_seconds=3)]
        asking = [lists.list_pods(rule(value), cached=False) for value in "abc"]
        first, *others = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(first, Throttled)
        assert (str(first), first.retry_after_seconds) == ("busy", 3)
        assert [names(each) for each in others if isinstance(each, PodList)] == ["b", "c"]

        server.errors = [Throttled("still busy"), Throttled("busy")]
        asking = [lists.list_pods(rule(value), cached=False) for value in "abc"]
        failed = await asyncio.gather(*asking, return_exceptions=True)
        assert [str(error) for error in failed] == ["busy", "still busy", "still busy"]
        assert len({id(error) for error in failed}) == 3

    play(scenario)


def test_who_gives_up_while_he_asks_for_all_leaves_the_others_to_ask_anew() -> None:
    async def scenario(lists: JointLists, server: Server) -> None:
        tasks = [asyncio.create_task(lists.list_pods(rule(value), cached=False)) for value in "abc"]
        await asyncio.sleep(1.5 * LIST_SECONDS)
        assert asked(server)[-1] == selector_of(LABEL, "bc")
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert names(tasks[2].result()) == "c"
        assert asked(server)[-1] == selector_of(LABEL, "c")

    play(scenario)


def test_no_request_names_more_values_than_a_url_can_bear() -> None:
    async def scenario(lists: JointLists, server: Server) -> None:
        rules = (rule("x"), rule("a", "b"), rule("c", "d"), rule("c", "d", "e", "f"), rule("b", "c"))
        found = await asyncio.gather(*(lists.list_pods(each, cached=False) for each in rules))
        assert [names(each) for each in found] == ["x", "ab", "cd", "cdef", "bc"]
        assert asked(server) == [selector_of(LABEL, values) for values in ("x", "abc", "cd", "cdef")]

    play(scenario, max_values=3)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from((0.0, 0.05, 0.3)), st.frozensets(st.sampled_from("abcde"), min_size=1)),
        max_size=12,
    )
)
def test_nobody_gets_an_answer_that_was_asked_for_before_he_came(
    comers: list[tuple[float, frozenset[str]]],
) -> None:
    async def scenario(lists: JointLists, server: Server) -> None:
        async def come(values: frozenset[str]) -> None:
            came_at = asyncio.get_running_loop().time()
            found = await lists.list_pods(rule(*values), cached=False)
            assert names(found) == "".join(sorted(values))
            asked_at = server.asked[int(found.resource_version) - 1][0]
            assert asked_at >= round(came_at, 3)
            # At most the one that was under way, and his own.
            assert asyncio.get_running_loop().time() <= came_at + 2 * LIST_SECONDS + 0.001

        async with asyncio.TaskGroup() as tasks:
            for pause_seconds, values in comers:
                await asyncio.sleep(pause_seconds)
                tasks.create_task(come(values))

    play(scenario)


def test_safe_19_those_who_ask_for_a_whole_namespace_share_a_list_too() -> None:
    async def scenario(lists: JointLists, server: Server) -> None:
        whole = ScopeRule("", "shop")
        found = await asyncio.gather(*(lists.list_pods(whole, cached=False) for _ in range(40)))
        assert {each.resource_version for each in found} == {"1", "2"}
        assert [(namespace, selector) for _, namespace, selector, _ in server.asked] == [("shop", "")] * 2

    play(scenario)
