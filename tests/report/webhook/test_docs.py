"""docs/webhooks.md says what the program does: its example works, and it names every field and phase."""

import re
from pathlib import Path

import msgspec

from gotemplate.values import GoStruct
from nth.report.webhook.announcement import PHASES
from nth.report.webhook.data import template_data
from nth.report.webhook.samples import SAMPLE_ABOUT, samples
from nth.report.webhook.target import BodyTemplate, usual_target
from nth.report.webhook.targets import KINDS, _Entry, read_targets

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()


def test_example_of_a_targets_file_is_read() -> None:
    found: list[str] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (example,) = found
    usual = usual_target(BodyTemplate("x", "the template"))

    def read_text(path: str) -> str:
        return {"/t": example, "/etc/nth/secrets/slack-url": "https://hooks.example/x"}.get(
            path, "{{ .Summary }}"
        )

    chat, pager, inventory = read_targets("/t", usual, read_text)
    assert (chat.name, pager.tries, inventory.proxy) == ("chat", 5, "")


def test_every_field_of_a_target_is_in_its_table() -> None:
    fields = [field.encode_name for field in msgspec.structs.fields(_Entry)]
    assert [name for name in fields if f"`{name}`" not in PAGE] == []
    assert [kind for kind in KINDS if f"`{kind}`" not in PAGE] == []


def test_every_phase_has_its_line() -> None:
    assert [phase for phase in PHASES if f"| `{phase}` |" not in PAGE] == []


def test_every_field_of_the_data_is_named() -> None:
    data = template_data(samples(1.8e9)["drained"], SAMPLE_ABOUT)
    events = data.found["Events"].items  # type: ignore[attr-defined]  # a slice
    names = [*data.found, *(name for event in events for name in _struct(event).found)]
    embedded = {"NodeMetadata", "InterruptionEvent"}
    assert [name for name in names if f"`.{name}`" not in PAGE and name not in embedded] == []


def _struct(value: object) -> GoStruct:
    assert isinstance(value, GoStruct)
    return value
