"""Posts the course of interruptions to webhooks. It never waits, and gets no answer.

A report becomes an announcement, and for each target that wants it a post: rendered at once, sent by
the target's own queue.
"""

import logging
from collections.abc import Callable, Sequence

from gotemplate import TemplateError
from nth.core.reports import Planned, Told
from nth.ports import Clock
from nth.report.builder import Interruption
from nth.report.webhook.announcement import Announcement
from nth.report.webhook.announcements import Announcer
from nth.report.webhook.data import About, template_data
from nth.reporters.webhook_queue import Post, TargetQueue

logger = logging.getLogger("nth.webhook")


class Webhooks:
    """A listener. `about` returns the facts about a node's machine, from memory."""

    def __init__(
        self,
        queues: Sequence[TargetQueue],
        clock: Clock,
        *,
        about: Callable[[str], About],
        reports: bool = False,
    ) -> None:
        """`reports`: a template names `.Report`."""
        self.queues = tuple(queues)
        self._clock = clock
        self._about = about
        self._announcer = Announcer(reports=reports)

    def __call__(self, told: Told, interruption: Interruption | None) -> None:
        """Take a session's report."""
        announcement = self._announcer.take(told, interruption)
        if announcement is not None:
            about = self._about(told.node_name)
            for queue in self.queues:
                if queue.target.wants(announcement, about.labels):
                    self._post(queue, announcement, about)

    def _post(self, queue: TargetQueue, announcement: Announcement, about: About) -> None:
        target = queue.target
        try:
            text = target.template.render(template_data(announcement, about), self._clock.now())
        except TemplateError as error:
            queue.failed(announcement.phase, error)
            return
        queue.post(
            Post(
                session_id=announcement.session_id,
                node_name=announcement.node_name,
                phase=announcement.phase,
                key=announcement.key(target.name),
                body=text.encode(),
            )
        )


class DryWebhooks:
    """Posts nothing in a dry run, and logs that."""

    queues: tuple[TargetQueue, ...] = ()

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)

    def __call__(self, told: Told, _: Interruption | None) -> None:
        """Take a report of the dry run."""
        if isinstance(told.report, Planned):
            text = "Webhook would have been posted, but dry-run flag was set"
            logger.info(text, extra={"fields": {"targets": self._names, "node": told.node_name}})
