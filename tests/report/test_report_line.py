"""The report as plain data: nothing that a view shows is lost, and it stays short."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from nth.core.facts import Controller, Pod, PodRef
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
)
from nth.core.visible import json_text
from nth.report.interruption import Became, HowLeft, InterruptionReport, PodOutcome, Stage, Successor
from nth.report.markdown import markdown
from nth.report.pod_fates import counts
from nth.report.report_line import LEAST_REASON_CHARS, MAX_BYTES, OLDER, decode, encode
from nth.ui.html import page
from nth.ui.report import as_text, report_lines
from tests.report.random_stories import SECRET_TOKEN, TERMINATION, stories
from tests.report.stories import (
    BEGUN,
    DAEMON,
    FULL_STORY,
    LOSING_STORY,
    MARKED,
    NOTICE,
    REBALANCE,
    REFUSAL,
    RESTORED,
    T0,
    WEB,
    WITHDRAWN,
    Step,
    a_pod,
    owner,
    report_of,
)


def written_and_read(report: InterruptionReport) -> InterruptionReport:
    return decode(json.loads(json.dumps(encode(report))))


def assert_looks_the_same(read: InterruptionReport, report: InterruptionReport) -> None:
    assert as_text(report_lines(read)) == as_text(report_lines(report))
    assert page(read) == page(report)
    assert markdown(read) == markdown(report)


@pytest.mark.parametrize(
    "story",
    [
        FULL_STORY,
        LOSING_STORY,
        BEGUN,
        ((-15.0, REBALANCE), *FULL_STORY),
        (*BEGUN, (10.0, WITHDRAWN), (10.1, RESTORED)),
    ],
    ids=["good", "lost", "begun", "two notices", "called off"],
)
@pytest.mark.parametrize("after_seconds", [3.3333333, 118, 125])
def test_a_report_that_was_written_and_read_looks_the_same(
    story: tuple[Step, ...], after_seconds: float
) -> None:
    report = report_of(*story, after_seconds=after_seconds)
    assert_looks_the_same(written_and_read(report), report)


@settings(max_examples=60)
@given(stories())
def test_any_report_looks_the_same_after_it_was_written_and_read(story: tuple[list[Step], float]) -> None:
    steps, after_seconds = story
    report = report_of(*steps, after_seconds=after_seconds)
    assert_looks_the_same(written_and_read(report), report)


def test_successors_are_kept() -> None:
    new = a_pod("web-5d8f7c9b4-zzzzz", owner("web"), node_name="other")
    report = report_of(*FULL_STORY, after_seconds=125, successors={WEB.ref.uid: Successor(new, T0 + 6.6666)})
    read = written_and_read(report)
    assert_looks_the_same(read, report)
    (web, *_) = read.pods
    assert web.successor is not None
    assert (web.successor.pod.node_name, web.successor.ready_at) == ("other", round(T0 + 6.6666, 3))


def many(pods: int, how: str) -> InterruptionReport:
    """A node full of pods of a third as many Deployments, each refused first."""
    steps: list[Step] = [(0.0, NOTICE), (0.1, MARKED)]
    names = [f"checkout-service-{number // 3}-5d8f7c9b4" for number in range(pods)]
    owners = [Controller("ReplicaSet", name, f"5b1f1f5e-0000-4000-8000-{name:0>12.12}") for name in names]
    going = [
        Pod(
            ref=PodRef("team-production", f"{owner.name}-x{number:04d}", f"7c0e-{number:032d}"),
            ready=True,
            controller=owner,
        )
        for number, owner in enumerate(owners)
    ]
    steps.append(
        (0.2, PodsOnNode(going=tuple(going), staying=((DAEMON, "a DaemonSet would put it back"),) * 6))
    )
    for number, pod in enumerate(going):
        at = 0.3 + number / 1000
        reason = REFUSAL.replace("billing", f"checkout-service-{number // 3}")
        steps.append((at, EvictionRefused(pod=pod, reason=reason, forced_at=T0 + 85)))
        if how == "forced":
            steps.append((at + 85, PodForced(pod=pod, grace_seconds=30, reason=reason)))
        else:
            steps.append((at + 1, EvictionAccepted(pod=pod, grace_seconds=30, cut=False)))
        steps.append((at + 90, PodLeft(pod=pod, how=how, seconds=89.0)))
    for number in range(0, pods, 3):
        replaced = Replaced(namespace="team-production", controller=owners[number], ready=3, seconds=2)
        steps.append((95.0 + number / 100, replaced))
    steps.append((100.0, DrainEnded(left=(), evicted=pods, forced=0, seconds=100, margin_seconds=20)))
    steps.append((100.1, ReplacementEnded(missing=(), controllers=pods // 3, seconds=100.1)))
    return report_of(*steps, after_seconds=101)


@pytest.mark.parametrize("how", ["evicted", "forced"])
def test_a_node_with_110_pods_fits_into_64_kib_with_all_its_pods(how: str) -> None:
    report = many(110, how)
    data = encode(report)
    assert len(json.dumps(data, separators=(",", ":"))) <= MAX_BYTES < 64 * 1024
    read = decode(data)
    assert len(read.pods) == 110
    assert read.pods_left_out == 0
    assert [pod.gone_at for pod in read.pods] == [pod.gone_at for pod in report.pods]
    assert 0 < read.entries_left_out < len(report.entries)
    assert len(read.entries) + read.entries_left_out == len(report.entries)
    assert (read.entries[0], read.entries[-1]) == (report.entries[0], report.entries[-1])
    assert f"{read.entries_left_out} lines of the timeline left out" in as_text(report_lines(read))


def long_reasons(pods: tuple[PodOutcome, ...]) -> list[str]:
    return [f"checkout-{number}: {REFUSAL} {'ä' * 500}" for number in range(len(pods))]


def all_lost(pods: int) -> InterruptionReport:
    """A node that goes with all its pods, of which each was refused for a long reason of its own."""
    whole = many(pods, "forced")
    outcomes = tuple(
        PodOutcome(
            pod=each.pod,
            stage=Stage.LOST,
            known_at=each.known_at,
            refused_at=each.refused_at,
            force_due_at=T0 + 85,
            reason=reason,
            was_ready=True,
            became=Became.LOST,
        )
        for each, reason in zip(whole.pods, long_reasons(whole.pods), strict=True)
    )
    return replace(whole, pods=outcomes, controllers=(), drained_at=None, replaced_at=None)


def all_forced(pods: int) -> InterruptionReport:
    whole = many(pods, "forced")
    reasons = zip(whole.pods, long_reasons(whole.pods), strict=True)
    return replace(whole, pods=tuple(replace(pod, reason=reason) for pod, reason in reasons))


def all_kept(pods: int) -> InterruptionReport:
    lost = all_lost(pods)
    staying = tuple((each.pod, each.reason) for each in lost.pods)
    in_the_way = tuple((pod.ref, reason) for pod, reason in staying[:60])
    return replace(lost, pods=(), staying=staying, in_the_way=in_the_way)


@pytest.mark.parametrize(
    "report", [all_lost(200), all_forced(160), all_kept(200)], ids=["200 lost", "160 forced", "200 kept"]
)
def test_a_node_with_so_many_pods_fits_into_64_kib_although_each_has_a_long_reason_of_its_own(
    report: InterruptionReport,
) -> None:
    data = encode(report)
    assert len(json_text(data).encode()) <= MAX_BYTES
    read = decode(data)
    assert len(read.lost) == len(report.lost)
    assert counts(read) == counts(report)
    for short, whole in zip(reasons_of(read), reasons_of(report), strict=True):
        assert short.endswith(" ...")
        assert whole.startswith(short.removesuffix(" ..."))
        assert len(short) >= LEAST_REASON_CHARS


def reasons_of(report: InterruptionReport) -> list[str]:
    kept = (*report.staying, *report.in_the_way) if not report.pods else ()
    return [*(pod.reason for pod in report.pods), *(reason for _, reason in kept)]


def test_reasons_of_few_pods_are_not_shortened_further_than_to_400_characters() -> None:
    report = many(20, "forced")
    long = replace(report, pods=tuple(replace(pod, reason="x" * 900) for pod in report.pods))
    assert {len(pod.reason) for pod in decode(encode(long)).pods} == {400}


def test_a_report_of_a_late_drain_has_room_for_its_timeline_because_it_may_be_the_last() -> None:
    on_time = replace(many(60, "evicted"), final=False)
    late = decode(encode(replace(on_time, late=True)))
    assert late.entries_left_out < decode(encode(on_time)).entries_left_out
    assert late.entries_left_out == decode(encode(replace(on_time, final=True))).entries_left_out


def test_of_more_pods_than_fit_politely_moved_ones_are_left_out_and_counted() -> None:
    report = many(400, "evicted")
    lost = replace(
        report, deadline_at=T0 + 50, pods=(*report.pods, *report_of(*BEGUN, after_seconds=125).lost)
    )
    assert len(lost.lost) == 3
    data = encode(lost)
    assert len(json.dumps(data, separators=(",", ":"))) <= MAX_BYTES
    read = decode(data)
    assert len(read.lost) == 3
    assert read.pods_left_out > 0
    assert counts(read) == counts(lost)
    assert counts(read).left[HowLeft.POLITELY] == 400
    assert "How 403 pods left: 400 politely, 3 not." in as_text(report_lines(read))
    # What was left out once stays counted.
    assert counts(decode(encode(read))) == counts(lost)


def test_a_line_of_the_version_before_is_read_and_the_report_says_what_it_lacks() -> None:
    data = encode(report_of(*FULL_STORY, after_seconds=125))
    pods = data["pods"]
    assert isinstance(pods, list)
    new = ("ends", "ready", "done", "again", "became")
    older = {**data, "v": 1, "pods": [{k: v for k, v in pod.items() if k not in new} for pod in pods]}
    read = decode(json.loads(json.dumps(older)))
    assert read.incomplete == OLDER
    assert OLDER in as_text(report_lines(read)).replace("\n", " ")
    assert [(pod.left.value, pod.became.value) for pod in read.pods] == [
        ("politely", "moved"),
        ("forced", "moved"),
        ("cut off", "moved"),
    ]


@pytest.mark.parametrize("version", [True, 1.5, "2", [], {}, 10**30], ids=str)
def test_a_version_that_is_none_is_said_in_one_line(version: object) -> None:
    with pytest.raises(ValueError, match="this nth reads versions up to 2"):
        decode({**encode(report_of(*FULL_STORY, after_seconds=125)), "v": version})


def test_no_token_of_a_lifecycle_hook_and_no_label_is_written() -> None:
    pod = replace(WEB, labels={"key": "label-value"}, annotations={"key": "annotation-value"})
    text = json.dumps(
        encode(report_of((0.0, TERMINATION), (1.0, PodsOnNode(going=(pod,), staying=())), after_seconds=2))
    )
    assert SECRET_TOKEN not in text
    assert "-value" not in text


@pytest.mark.parametrize(
    "change",
    [
        {"v": 3},
        {"v": None},
        {"node": 1},
        {"pods": [{"ns": "a", "name": "b", "uid": "c", "stage": "flying", "known": 0}]},
        {"pods": [{"ns": "a", "name": "b", "uid": "c", "stage": "gone", "known": 0, "owner": 99}]},
        {"pods": [{"ns": "a", "name": "b", "uid": "c", "stage": "gone", "known": 0, "became": "x"}]},
        {"pods": [{"ns": "a", "name": "b", "uid": "c", "stage": "gone", "known": 0, "ends": 1e300}]},
        {"controllers": [{"ns": "a", "owner": 0, "ready": 0, "released": 3}]},
        {"entries": [[0, "x", "text"]]},
        {"notices": [{"at": 0, "kind": "Unknown", "event": {}, "level": "DRAIN"}]},
    ],
    ids=str,
)
def test_what_is_no_report_or_a_later_one_is_said_in_one_line(change: dict[str, object]) -> None:
    data = {**encode(report_of(*FULL_STORY, after_seconds=125)), **change}
    with pytest.raises(ValueError, match="report") as error:
        decode(data)
    assert "\n" not in str(error.value)
