"""The templates of docs/webhooks, and the default: in every phase they give what their receivers want."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nth.report.webhook.announcement import PHASES, Announcement, Phase
from nth.report.webhook.data import About, template_data
from nth.report.webhook.samples import SAMPLE_ABOUT, bare_sample, check_target, samples
from nth.report.webhook.target import BodyTemplate, usual_target
from nth.settings.words import WEBHOOK_TEMPLATE
from tests.hostile import CHAT, HOSTILE, hidden_in, made_hostile

T0 = 1_795_336_200.0
FOLDER = Path(__file__).parents[3] / "docs" / "webhooks"
NAMES = ("slack", "teams", "pagerduty", "json")


def body_template(name: str) -> BodyTemplate:
    text = WEBHOOK_TEMPLATE if name == "default" else (FOLDER / f"{name}.tmpl").read_text()
    return BodyTemplate(text, name)


def rendered(name: str, announcement: Announcement, about: About = SAMPLE_ABOUT) -> Any:
    return json.loads(body_template(name).render(template_data(announcement, about), T0))


def test_every_file_of_the_folder_is_tested() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", [*NAMES, "default"])
def test_W7_every_template_passes_the_check_of_the_start_without_advice(name: str) -> None:
    for phases in ("", ",".join(PHASES)):
        assert check_target(usual_target(body_template(name), phases=phases), T0) == ()


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", [*NAMES, "default"])
def test_every_template_gives_json_in_every_phase(name: str, phase: Phase) -> None:
    announcement = samples(T0)[phase]
    for about in (SAMPLE_ABOUT, About()):
        text = json.dumps(rendered(name, announcement, about))
        assert announcement.node_name in text
    assert rendered(name, bare_sample(T0), About())


def test_slack_gets_text_blocks_and_its_escapes() -> None:
    card = rendered("slack", samples(T0)["failed"])
    assert card["text"].startswith(":rotating_light: Spot interruption of node ip-10-0-1-17")
    assert [block["type"] for block in card["blocks"]] == ["section", "section", "context"]
    assert card["blocks"][-1]["elements"][0]["text"].startswith("i-0123456789abcdef0 | m5.large | eu-west-1a")
    odd = samples(T0)["drained"]
    assert len(rendered("slack", odd)["blocks"]) == 2


def test_teams_gets_one_adaptive_card() -> None:
    message = rendered("teams", samples(T0)["replaced"])
    (attachment,) = message["attachments"]
    card = attachment["content"]
    assert (message["type"], card["type"]) == ("message", "AdaptiveCard")
    assert [part["type"] for part in card["body"]] == ["TextBlock", "FactSet", "TextBlock"]
    assert card["body"][0]["color"] == "Good"
    facts = {fact["title"]: fact["value"] for fact in card["body"][1]["facts"]}
    assert facts["Deadline"] == "2026-11-22 08:31:48 UTC"
    assert facts["Phase"] == "replaced"


def test_pagerduty_opens_an_alert_for_a_failure_and_resolves_it_later() -> None:
    by_phase = {phase: rendered("pagerduty", one) for phase, one in samples(T0).items()}
    actions = {phase: event["event_action"] for phase, event in by_phase.items()}
    assert [phase for phase, action in actions.items() if action == "resolve"] == [
        "drained",
        "cancelled",
        "replaced",
        "unknown",
    ]
    assert len({event["dedup_key"] for event in by_phase.values()}) == 1
    failed = by_phase["failed"]["payload"]
    assert (failed["severity"], failed["timestamp"]) == ("critical", "2026-11-22T08:30:00Z")
    assert failed["custom_details"]["margin_seconds"] == 108
    assert len(failed["summary"]) <= 1024


def test_json_tells_all_that_is_known_and_null_for_what_is_not() -> None:
    full = rendered("json", samples(T0)["drained"])
    assert (full["phase"], full["result"]) == ("drained", "success")
    assert (full["deadline"], full["margin_seconds"]) == ("2026-11-22T08:31:48Z", 108)
    assert [event["kind"] for event in full["events"]] == ["REBALANCE_RECOMMENDATION", "SPOT_ITN"]
    assert full["pods"] == {
        "on_node": ["web-1", "billing-1", "aws-node-1"],
        "evicted": 1,
        "forced": 0,
        "left": [],
    }
    bare = rendered("json", bare_sample(T0), About())
    assert (bare["deadline"], bare["margin_seconds"], bare["events"]) == (None, None, [])
    assert bare["node"]["labels"] == {}


MARKUP = ("<!", "<@", "<http", "@here", "](http")
"""What mentions or links in Slack, Teams, Mattermost or what PagerDuty hands on to."""


def texts_in(value: Any) -> list[str]:
    """All texts of a JSON document."""
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in texts_in(item)]
        case dict():
            return [text for item in value.values() for text in texts_in(item)]
        case _:
            return []


@pytest.mark.parametrize("hostile", [CHAT, HOSTILE], ids=["chat", "all"])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", ["slack", "teams", "pagerduty", "default"])
def test_safe_8_no_name_of_the_cluster_mentions_or_links(name: str, phase: Phase, hostile: str) -> None:
    announcement = made_hostile(samples(T0)[phase], hostile)
    about = replace(SAMPLE_ABOUT, metadata=made_hostile(SAMPLE_ABOUT.metadata, hostile))
    texts = texts_in(rendered(name, announcement, about))
    assert any("channel" in text for text in texts)
    for text in texts:
        assert not [word for word in MARKUP if word in text], text
        assert not hidden_in(text, allowed="\n")
        if name == "teams" and text != texts[-1]:
            assert not {"*", "`"} & set(text), text


def test_safe_8_json_says_what_was_said_but_for_hidden_characters() -> None:
    event = rendered("json", made_hostile(samples(T0)["failed"], CHAT))["events"][0]
    assert event["id"] == f"rebalance-recommendation-1{CHAT}"


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", [*NAMES, "default"])
def test_safe_8_benign_text_is_as_it_was(name: str, phase: Phase) -> None:
    text = body_template(name).render(template_data(samples(T0)[phase], SAMPLE_ABOUT), T0)
    assert not {"\uff1c", "\uff1e", "\uff20", "\uff0a", "\u02cb"} & set(text)
    assert "&lt;" not in text
    assert "&gt;" not in text
    assert "&amp;" not in text


def test_W8_the_default_is_the_original_s_sentence() -> None:
    assert rendered("default", samples(T0)["drained"]) == {
        "text": "[NTH][Instance Interruption] EventID: spot-itn-1 - Kind: SPOT_ITN - "
        "Instance: i-0123456789abcdef0 - Node: ip-10-0-1-17.eu-west-1.compute.internal - "
        "Description: Spot ITN received. Instance will be interrupted at 2026-11-22T08:31:48Z - "
        "Start Time: 2026-11-22 08:31:48 +0000 UTC"
    }
