"""The dry run: real notices, the real session, predicted answers, and no change anywhere.

It stands in the engine's place. It only reads, and reports as a plan what the engine would do.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from nth.core.backoff import Refusals
from nth.core.dry_run.preview import Situation, preview
from nth.core.facts import Budget, Node, PodScope
from nth.core.node.session import SessionRules
from nth.core.notices.events import Notice, Noticed, Prolonged, Withdrawn
from nth.core.reports import (
    DrainEnded,
    NoticeWithdrawn,
    Planned,
    Report,
    Told,
)
from nth.errors import ClusterError
from nth.ports import Clock, Cluster
from nth.report.plan_words import plan_of

logger = logging.getLogger("nth.dry_run")

RETRY_SECONDS = 2.0
OFTEN = 30
"""After so many refusals in a row the cluster is asked ever less often."""


class DryRun:
    """Reports for each notice the steps that the engine would take."""

    def __init__(
        self, cluster: Cluster, clock: Clock, rules: SessionRules, *, tell: Callable[[Told], None]
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._rules = rules
        self._tell = tell
        self._open: dict[str, dict[str, Noticed]] = {}
        self._wanted: asyncio.Queue[str] = asyncio.Queue()
        self._waiting: set[str] = set()
        """The nodes in that queue."""

    def adopt(
        self,
        node: Node,  # noqa: ARG002
        booted_at: float | None,  # noqa: ARG002
        *,
        over: Sequence[Withdrawn] = (),  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Returns no event ids: nothing was changed, so there is nothing to go on with or to undo."""
        return ()

    def returned(self, node: Node, at: float, reason: str) -> bool:  # noqa: ARG002
        """Returns True: no change on the node is ours to undo."""
        return True

    node_names: tuple[str, ...] = ()
    """No session is ever under way."""
    phases: Counter[str] = Counter()
    idle = True

    def node_news(self, node_name: str, node: Node | None) -> None:
        """Take news from a watch; None = the node is gone, and so are its plans."""
        if node is None:
            self._open.pop(node_name, None)

    def notice(self, node_name: str, notice: Notice, node: Node | None = None) -> None:  # noqa: ARG002
        """Take a source's notice about a node. A queue may repeat it."""
        events = self._open.setdefault(node_name, {})
        if isinstance(notice, Prolonged):
            return
        if isinstance(notice, Noticed):
            if events.get(notice.event.event_id) != notice:
                events[notice.event.event_id] = notice
                self._want(node_name)
        elif events.pop(notice.event_id, None) is not None:
            self._say(node_name, NoticeWithdrawn(event_id=notice.event_id, reason=notice.reason))

    def _want(self, node_name: str) -> None:
        """Queue the node once: one plan is enough for all notices that are known by then."""
        if node_name not in self._waiting:
            self._waiting.add(node_name)
            self._wanted.put_nowait(node_name)

    async def run(self) -> None:
        """Report plans until cancelled."""
        told, refusals = "", Refusals(OFTEN)
        while True:
            node_name = await self._wanted.get()
            self._waiting.discard(node_name)
            try:
                await self._predict(node_name)
                told = ""
                refusals.heard(None)
            except ClusterError as error:
                refusals.heard(error)
                if str(error) != told:
                    told = str(error)
                    logger.warning("cannot read the cluster for the plan, trying again: %s", error)
                await asyncio.sleep(refusals.pause_seconds(RETRY_SECONDS))
                self._want(node_name)
            except Exception:
                logger.exception("no plan for this notice, because the handler itself failed")

    async def wind_down(self, seconds: float) -> None:
        """Return at once: no session is ever under way."""

    async def hand_over(self, seconds: float) -> None:
        """Return at once: no session is ever under way."""

    async def _predict(self, node_name: str) -> None:
        notices = list(self._open.get(node_name, {}).values())
        if not notices:
            return
        node = await self._cluster.read_node(node_name)
        listed = await self._cluster.list_pods(PodScope(node_name=node_name))
        namespaces = sorted({pod.ref.namespace for pod in listed.pods})
        budgets = [budget for name in namespaces for budget in await self._budgets(name)]
        now = self._clock.now()
        situation = Situation(node=node, pods=listed.pods, budgets=tuple(budgets))
        told = preview(situation, notices, self._rules, now)
        drain = any(isinstance(each.report, DrainEnded) for each in told)
        self._say(node_name, Planned(steps=plan_of(told, now), drain=drain))

    async def _budgets(self, namespace: str) -> tuple[Budget, ...]:
        try:
            return await self._cluster.list_budgets(namespace)
        except ClusterError as error:
            logger.warning("the plan knows no budgets of namespace %s: %s", namespace, error)
            return ()

    def _say(self, node_name: str, report: Report) -> None:
        self._tell(Told(at=self._clock.now(), session_id="dry-run", node_name=node_name, report=report))
