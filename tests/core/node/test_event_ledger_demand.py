"""What a ledger remembers of its sum is the sum: whatever happened, a ledger made anew says the same."""

from hypothesis import example, given
from hypothesis import strategies as st

from nth.core.node.event_ledger import EventLedger, MarkRules
from nth.core.notices.events import RebalanceRecommendation
from nth.core.policy import Level, Policy
from tests.core import fleet_samples as queue
from tests.core.samples import T0, asg, rebalance, scheduled, spot

POLICY = Policy(levels={RebalanceRecommendation: Level.DRAIN}, rebalance_expires_after_seconds=50)
HOOK = queue.hook().event
EVENTS = (spot().event, rebalance().event, asg().event, HOOK, scheduled(600).event, scheduled(-10).event)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.sampled_from(range(len(EVENTS)))),
        st.tuples(st.just("close"), st.sampled_from(range(len(EVENTS)))),
        st.tuples(st.just("prolong"), st.integers(1, 500)),
        st.tuples(st.just("expire"), st.integers(0, 200)),
        st.tuples(st.just("reach"), st.sampled_from(tuple(Level))),
        st.tuples(st.just("finish"), st.none()),
    ),
    max_size=20,
)


def take(ledger: EventLedger, step: tuple[str, object], now: float) -> None:
    match step:
        case "open", int(index):
            ledger.open(EVENTS[index], now)
        case "close", int(index):
            ledger.close(EVENTS[index].event_id)
        case "prolong", int(seconds):
            ledger.prolong(HOOK.event_id, T0 + seconds)
        case "expire", int(seconds):
            ledger.expire(T0 + seconds)
        case "reach", Level() as level:
            ledger.reach(level)
        case "finish", _:
            ledger.finish_all()


@example([("open", EVENTS.index(rebalance().event)), ("expire", 200)])
@example([("open", EVENTS.index(HOOK)), ("prolong", 100)])
@given(STEPS)
def test_the_sum_is_that_of_the_open_events_whatever_happened(steps: list[tuple[str, object]]) -> None:
    ledger = EventLedger(POLICY, MarkRules())
    for number, step in enumerate(steps):
        take(ledger, step, T0 + number)
        anew = EventLedger(POLICY, MarkRules(), ledger.record("session-1", T0, drained=False))
        assert ledger.demand() == anew.demand()
