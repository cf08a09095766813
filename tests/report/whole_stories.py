"""Whole stories as hypothesis makes them up: each way in which a pod leaves and a controller ends."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from nth.core.facts import Controller, Pod, PodRef
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    LeftBehind,
    NotReplaced,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    SessionEnded,
)
from tests.report.stories import MARKED, NODE, NOTICE, REFUSAL, Step

GRACE_SECONDS = 30
WAYS = ("politely", "cut off", "cut, but quick", "forced", "by itself", "stuck")
ENDS = ("back", "short", "wants fewer", "unexplained", "released", "deleted", "failed", "never reported")


@dataclass
class Owner:
    """A controller, its pods here with the way in which each leaves, and how it ends."""

    controller: Controller | None
    pods: list[tuple[Pod, str]]
    end: str
    replaced: int = 0
    """How many of them have a Ready pod elsewhere at the end."""

    @property
    def followed(self) -> bool:
        """A session follows the controllers of Ready pods that leave, and no others."""
        leave = any(pod.ready and way != "stuck" for pod, way in self.pods)
        return leave and self.controller is not None and self.end != "never reported"


@st.composite
def owners(draw: st.DrawFn) -> list[Owner]:
    """Up to four controllers, and bare pods."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        bare = draw(st.booleans()) and number == 0
        controller = None if bare else Controller("ReplicaSet", f"app-{number}-5d8f7c9b4", f"uid-{number}")
        pods = [
            (a_pod(number, index, controller, ready=draw(st.integers(0, 9)) > 0), draw(st.sampled_from(WAYS)))
            for index in range(draw(st.integers(1, 3)))
        ]
        gone = sum(way != "stuck" for _, way in pods)
        found.append(Owner(controller, pods, draw(st.sampled_from(ENDS)), draw(st.integers(0, gone))))
    return found


def a_pod(number: int, index: int, controller: Controller | None, *, ready: bool) -> Pod:
    name = f"app-{number}-5d8f7c9b4-{index}"
    return Pod(
        ref=PodRef("shop", name, f"uid-{name}"),
        node_name=NODE,
        ready=ready,
        grace_seconds=GRACE_SECONDS,
        controller=controller,
        local_storage=index == 2,
    )


@st.composite
def whole_stories(draw: st.DrawFn) -> tuple[list[Step], bool]:
    """(steps in order, whether nothing more is expected)."""
    found = draw(owners())
    pods = [pod for owner in found for pod, _ in owner.pods]
    steps: list[Step] = [(0.0, NOTICE), (0.1, MARKED), (0.2, PodsOnNode(going=tuple(pods), staying=()))]
    for owner in found:
        for pod, way in owner.pods:
            steps += leaving(pod, way, draw(st.floats(0.3, 9.0)))
    # A kubelet sets a final phase and Ready=False before the object goes: the last state says nothing.
    left = [LeftBehind(ref=pod.ref, reason=REFUSAL) for o in found for pod, way in o.pods if way == "stuck"]
    if draw(st.booleans()):
        kept = a_pod(9, 9, None, ready=True)
        steps[2] = (0.2, PodsOnNode(going=tuple(pods), staying=((kept, "it has an emptyDir volume"),)))
        left.append(LeftBehind(ref=kept.ref, reason="it has an emptyDir volume"))
    steps.append((100.0, ended(tuple(left))))
    if draw(st.booleans()):
        steps.append((110.0, replacements(found, final=False)))
    steps += [(111.0, back(owner)) for owner in found if owner.end == "back" and owner.followed]
    over = draw(st.booleans())
    if over:
        steps.append((112.0, replacements(found, final=True)))
        steps.append((130.0, SessionEnded(reason="the node is gone")))
    if draw(st.booleans()):
        steps += returned(found, draw(st.sampled_from([50.0, 90.0])))
    return sorted(steps, key=lambda step: step[0]), over


def leaving(pod: Pod, way: str, at: float) -> list[Step]:
    dying = replace(pod, ready=False, phase="Succeeded", deleting_until_at=1.0)
    accepted = EvictionAccepted(pod=pod, grace_seconds=GRACE_SECONDS, cut=False)
    cut = replace(accepted, grace_seconds=20, cut=True)
    refused = EvictionRefused(pod=pod, reason=REFUSAL, forced_at=None)
    forced = PodForced(pod=pod, grace_seconds=10, reason=REFUSAL)
    match way:
        case "politely":
            return [(at, accepted), (at + 5, PodLeft(pod=dying, how="evicted", seconds=5))]
        case "cut off":
            return [(at, cut), (at + 20.2, PodLeft(pod=dying, how="evicted", seconds=20.2))]
        case "cut, but quick":
            return [(at, cut), (at + 3, PodLeft(pod=dying, how="evicted", seconds=3))]
        case "forced":
            return [
                (at, refused),
                (at + 50, forced),
                (at + 60, PodLeft(pod=dying, how="forced", seconds=10)),
            ]
        case "by itself":
            return [(at, refused), (at + 7, PodLeft(pod=dying, how="by itself", seconds=7))]
        case _:
            return [(at, refused)]


def ended(left: tuple[LeftBehind, ...]) -> DrainEnded:
    return DrainEnded(left=left, evicted=0, forced=0, seconds=100.0, margin_seconds=20.0)


def back(owner: Owner) -> Replaced:
    assert owner.controller is not None
    return Replaced(namespace="shop", controller=owner.controller, ready=len(owner.pods), seconds=100)


def replacements(found: list[Owner], *, final: bool) -> ReplacementEnded:
    missing: list[NotReplaced] = []
    released: list[NotReplaced] = []
    for owner in found:
        if owner.controller is None or not owner.followed or (final and owner.end == "back"):
            continue
        one = NotReplaced(
            namespace="shop",
            controller=owner.controller,
            ready=owner.replaced,
            before=sum(pod.ready for pod, _ in owner.pods),
            wanted={"short": 9, "wants fewer": owner.replaced}.get(owner.end),
            deleted=owner.end == "deleted",
            failed=owner.end == "failed",
            reason="" if owner.end == "unexplained" else "Pending: 1 Insufficient cpu",
        )
        (released if final and owner.end in ("released", "deleted", "failed") else missing).append(one)
    return ReplacementEnded(
        missing=tuple(missing), released=tuple(released), controllers=len(found), seconds=110.0, final=final
    )


def returned(found: list[Owner], at: float) -> list[Step]:
    """A pod of the first controller comes back to the node, is asked once more, and goes."""
    controller = found[0].controller
    if controller is None:
        return []
    pod = a_pod(0, 7, controller, ready=True)
    return [(at, PodCameBack(pod=pod, goes=True)), *leaving(pod, "politely", at + 1)]
