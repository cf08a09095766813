"""Tries a target's template at the start, with data of every phase that it may get."""

import msgspec

from nth.report.webhook.announcement import Announcement, Phase
from nth.report.webhook.data import About, template_data
from nth.report.webhook.samples import SAMPLE_ABOUT, bare_sample, samples
from nth.report.webhook.target import Target

ATTEMPTS: tuple[Phase, ...] = ("cordoned", "drained", "failed")
"""The phases that a target without phases gets."""


def check_target(target: Target, now: float) -> tuple[str, ...]:
    """Returns advice, a line each. SettingError with the position: the template fails.

    As the original does, it is also tried with data that is empty; a template that fails then fails here.
    """
    by_phase = samples(now)
    wanted = [by_phase[phase] for phase in by_phase if phase in (target.phases or ATTEMPTS)]
    tried: list[tuple[Announcement, About]] = [(bare_sample(now), About())]
    tried += [(announcement, SAMPLE_ABOUT) for announcement in wanted]
    texts = [target.template.tried(template_data(each, about), now) for each, about in tried]
    if _says_json(target) and not all(map(_is_json, texts)):
        return (
            f"{target.template.source}: what it gives is not always JSON, as the header Content-type says, "
            "and a receiver may refuse it: texts need `toJson` (a description ends with a line break)",
        )
    return ()


def _says_json(target: Target) -> bool:
    types = [value for name, value in target.headers.items() if name.lower() == "content-type"]
    return any("json" in value.lower() for value in types)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
