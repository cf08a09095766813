"""Lists page by page: few requests for usual objects, little memory for big ones, one snapshot always."""

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.kubernetes_requests import (
    FIRST_PAGE,
    LIST_TRIES,
    MAX_ANSWER_BYTES,
    MAX_PAGE,
    PAGE_BYTES,
    PageSize,
)
from nth.core.facts import PodScope
from nth.errors import Expired, Unreachable
from tests.adapters.scripted import Handler, play

SCOPE = PodScope(namespace="big")


class Namespace:
    """Pods of one size, served as the API server does: `limit`, `continue`, one version for all pages."""

    def __init__(self, count: int, pod_bytes: int) -> None:
        self.count = count
        self.padding = "x" * pod_bytes
        self.expires = 0
        """How many more times the snapshot is forgotten between the first page and the second."""
        self.limits: list[int] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        query = request.url.params
        # From its cache an API server gives all at once, whatever the limit.
        limit = self.count if query.get("resourceVersion") == "0" else int(query["limit"])
        self.limits.append(limit)
        begin = int(query.get("continue") or 0)
        if begin and self.expires:
            self.expires -= 1
            said = {"kind": "Status", "code": 410, "message": "The provided continue parameter is too old"}
            return httpx2.Response(410, json=said)
        end = min(self.count, begin + limit)
        meta = {"resourceVersion": "77", **({"continue": str(end)} if end < self.count else {})}
        return httpx2.Response(200, json={"metadata": meta, "items": list(map(self._pod, range(begin, end)))})

    def _pod(self, number: int) -> object:
        meta = {"name": f"pod-{number}", "namespace": "big", "uid": f"uid-{number}"}
        return {"metadata": {**meta, "annotations": {"others/data": self.padding}}, "spec": {}, "status": {}}


def listed(handler: Handler, *, cached: bool = False, count: int) -> list[httpx2.Request]:
    async def test(cluster: KubernetesCluster) -> None:
        found = await cluster.list_pods(SCOPE, cached=cached)
        assert [pod.ref.uid for pod in found.pods] == [f"uid-{number}" for number in range(count)]
        assert found.resource_version == "77"
        assert not any(pod.annotations for pod in found.pods)

    return play(handler, test)


def test_safe_19_the_usual_list_is_one_request() -> None:
    assert len(listed(Namespace(FIRST_PAGE, 3000), count=FIRST_PAGE)) == 1
    assert len(listed(Namespace(400, 3000), count=400)) == 2


def test_safe_19_big_pods_come_in_pages_of_few_megabytes() -> None:
    namespace = Namespace(300, 68 * 1024)
    listed(namespace, count=300)
    assert namespace.limits[0] == FIRST_PAGE
    assert all(limit * 68 * 1024 <= PAGE_BYTES for limit in namespace.limits[1:])


def test_safe_19_a_page_that_is_too_long_is_asked_for_in_smaller_ones() -> None:
    namespace = Namespace(60, 700 * 1024)
    listed(namespace, count=60)
    assert namespace.limits[:2] == [50, 10]
    assert max(namespace.limits[2:]) <= 4


def test_safe_19_what_the_cache_gives_in_one_piece_is_asked_for_in_pages_if_it_is_too_long() -> None:
    namespace = Namespace(200, 68 * 1024)
    requests = listed(namespace, cached=True, count=200)
    assert [request.url.params.get("resourceVersion") for request in requests[:2]] == ["0", None]
    small = Namespace(200, 100)
    assert len(listed(small, cached=True, count=200)) == 1


def test_safe_19_one_object_that_is_too_long_is_an_error_and_no_endless_loop() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Unreachable, match="longer than 8 MiB"):
            await cluster.list_pods(SCOPE)

    requests = play(Namespace(1, MAX_ANSWER_BYTES), test)
    assert len(requests) == 4


@pytest.mark.parametrize(("times", "error"), [(1, False), (LIST_TRIES - 1, False), (LIST_TRIES, True)])
def test_safe_19_a_snapshot_that_is_forgotten_between_pages_is_begun_anew_a_few_times(
    times: int, error: bool
) -> None:
    namespace = Namespace(120, 100)
    namespace.expires = times

    async def refused(cluster: KubernetesCluster) -> None:
        with pytest.raises(Expired):
            await cluster.list_pods(SCOPE)

    if error:
        assert len(play(namespace, refused)) == 2 * LIST_TRIES
    else:
        assert len(listed(namespace, count=120)) == 2 * (times + 1)


def test_safe_19_any_answer_that_is_too_long_is_given_up() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Unreachable, match="longer than 8 MiB"):
            await cluster.read_node("one")

    play(lambda request: httpx2.Response(200, content=b"x" * (MAX_ANSWER_BYTES + 1)), test)


def test_safe_19_a_watch_s_event_that_does_not_end_is_given_up() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Unreachable, match="a line of over 8 MiB"):
            await anext(cluster.watch_pods(SCOPE, "1"))

    play(lambda request: httpx2.Response(200, content=b"x" * (MAX_ANSWER_BYTES + 1)), test)


@given(st.integers(0, 1000), st.integers(0, 10**10))
def test_safe_19_the_next_page_is_within_its_bounds(objects: int, size_bytes: int) -> None:
    size = PageSize()
    size.seen(objects, size_bytes)
    assert 1 <= size.limit <= MAX_PAGE
    if objects and size.limit > 1:
        assert size.limit * size_bytes // objects <= PAGE_BYTES


def test_safe_19_a_page_shrinks_to_one_and_no_further() -> None:
    size = PageSize()
    limits = [size.limit]
    while size.shrink():
        limits.append(size.limit)
    assert limits == [50, 10, 2, 1]
