"""When a post is worth another try, and after which pause."""

import pytest

from nth.report.webhook.post_retries import PostAnswer, pause_seconds, retry_after_seconds

NOW = 1_795_336_200.0
"""Sun, 22 Nov 2026 08:30:00 GMT."""


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599, 0])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert PostAnswer(status=status).may_pass


@pytest.mark.parametrize("status", [200, 204, 301, 307, 400, 401, 403, 404, 410, 413])
def test_what_will_not_pass_is_not(status: int) -> None:
    assert not PostAnswer(status=status).may_pass


@pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (299, True), (300, False), (0, False)])
def test_W6_only_2xx_is_success(status: int, ok: bool) -> None:
    assert PostAnswer(status=status).ok is ok


def test_pauses_double_up_to_a_limit_and_jitter_shortens_them_by_half_at_most() -> None:
    answer = PostAnswer(status=500)
    pauses = [pause_seconds(answer, tries, jitter=0.0, now=NOW) for tries in (1, 2, 3, 5, 6, 7, 10_000)]
    assert pauses == [1, 2, 4, 16, 30, 30, 30]
    assert pause_seconds(answer, 3, jitter=0.999, now=NOW) == pytest.approx(2.0, abs=0.01)


def test_retry_after_is_heeded_and_bounded() -> None:
    def pause(text: str) -> float:
        return pause_seconds(PostAnswer(status=429, retry_after=text), 1, jitter=0.0, now=NOW)

    assert pause("7") == 7
    assert pause("Sun, 22 Nov 2026 08:30:20 GMT") == 20
    assert pause("86400") == 60
    assert pause("Sun, 22 Nov 2099 08:30:20 GMT") == 60
    assert pause("0") == pause("Sun, 22 Nov 2020 08:30:20 GMT") == 1


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1e9", "٣", "22 Nov", "9" * 400, "Sun, 99 Nov 2026 08:30:20 GMT"]
)
def test_retry_after_that_says_nothing_never_fails(text: str) -> None:
    assert retry_after_seconds(text, NOW) >= 0
