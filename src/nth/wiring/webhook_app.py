"""Puts the webhooks together: settings and files in, a listener out. Imported only if one is wanted."""

import logging
import random
from collections.abc import Callable
from pathlib import Path

from nth.adapters.http_post import HttpPost
from nth.errors import SettingError
from nth.ports import Clock
from nth.report.webhook.data import About
from nth.report.webhook.samples import check_target
from nth.report.webhook.target import BodyTemplate, Target, usual_target
from nth.report.webhook.targets import read_targets
from nth.reporters.webhook import DryWebhooks, Webhooks
from nth.reporters.webhook_queue import TargetQueue
from nth.settings import Settings
from nth.settings.table import BY_NAME

logger = logging.getLogger("nth.webhook")


def new_webhooks(
    settings: Settings, clock: Clock, *, about: Callable[[str], About]
) -> Webhooks | DryWebhooks:
    """Returns the listener. SettingError with the position: a template or a target cannot be used."""
    targets = _targets(settings)
    for target in targets:
        for advice in check_target(target, clock.now()):
            logger.warning("%s", advice)
    if settings.dry_run:
        return DryWebhooks([target.name for target in targets])
    queues = [TargetQueue(target, _poster(target), clock, random.random) for target in targets]
    reports = any(target.template.wants_report for target in targets)
    return Webhooks(queues, clock, about=about, reports=reports)


def _targets(settings: Settings) -> tuple[Target, ...]:
    usual = usual_target(
        _template(settings),
        url=settings.webhook_url,
        headers=settings.webhook_headers,
        proxy=settings.webhook_proxy,
        phases=settings.webhook_phases,
        tries=settings.webhook_tries,
    )
    more = read_targets(settings.webhook_targets_file, usual, _read) if settings.webhook_targets_file else ()
    return (*((usual,) if settings.webhook_url else ()), *more)


def _template(settings: Settings) -> BodyTemplate:
    path = settings.webhook_template_file
    if not path:
        return BodyTemplate(settings.webhook_template, str(BY_NAME["webhook_template"]))
    source = f"{BY_NAME['webhook_template_file']} {path}"
    try:
        return BodyTemplate(_read(path), source)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingError(f"{source} cannot be read ({reason}); allowed: a readable text file") from error


def _read(path: str) -> str:
    return Path(path).read_text("utf-8")


def _poster(target: Target) -> HttpPost:
    try:
        return HttpPost(target.url, target.proxy)
    except ValueError as error:
        raise SettingError(f"the URL of the webhook target {target.name} cannot be used: {error}") from error
