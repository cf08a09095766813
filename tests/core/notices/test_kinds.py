"""The table of event kinds is total: whatever is forgotten of a kind fails a test that names both."""

import re
from dataclasses import fields
from pathlib import Path
from string import Formatter

import pytest
import yaml

from nth.core.facts import Node
from nth.core.node import node_annotation
from nth.core.node.event_ledger import MarkRules
from nth.core.node.node_annotation import NodeRecord, Seen
from nth.core.node.session import SessionRules
from nth.core.notices import events
from nth.core.notices.eventbridge import READERS, read_message
from nth.core.notices.events import EVENT_BY_NAME, Event, Noticed, Timing
from nth.core.notices.imds import DOCUMENTS
from nth.core.notices.kinds import KIND_OF, KINDS, EventKind
from nth.core.notices.message import Heard
from nth.core.policy import PREFIX, Level, Policy, demand_of
from nth.core.reports import NoticeReceived, SessionEnded, Told
from nth.report import report_line
from nth.report.builder import interruption_reports
from nth.report.kubernetes_events import KubeEvents
from nth.report.log_lines import line_of
from nth.report.metrics.measures import Measures
from nth.report.node_condition import condition_of
from nth.report.webhook.announcements import Announcer
from nth.report.webhook.data import About, template_data
from nth.report.webhook.target import BodyTemplate
from nth.report.words import title
from nth.settings import read_settings
from nth.settings.table import BY_NAME
from nth.settings.words import ACTION
from nth.wiring.rules import policy
from tests.core import queue_samples as samples
from tests.core.notices import kind_samples
from tests.core.samples import NODE, T0, a_node, a_pod
from tests.core.world import World
from tests.queue_mode.fleet_worlds import Stage, instance_of, play
from tests.report.stories import fed
from tools.chart.keys import CHARTED, key_of
from tools.event_kinds import DECISIONS, MESSAGES, RULES

ROOT = Path(__file__).parents[3]
CLASSES = sorted(name for name, each in vars(events).items() if hasattr(each, "description"))
MAY_BE_EMPTY = {"taint", "webhook_title", "switches", "metadata_text", "queue_text"}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.event)
NAMED_IN = {
    "webhooks.md": "name",
    "metrics.md": "name",
    "logs.md": "name",
    "kubernetes-events.md": "name reason",
    "traces.md": "title",
}
"""Documents, and what of each kind they name in backticks."""


@pytest.mark.parametrize("name", sorted({*CLASSES, *KIND_OF} - {"_OfKind", "AsgLaunch"}))
def test_each_class_of_event_is_in_the_union_and_has_one_row(name: str) -> None:
    assert name in EVENT_BY_NAME
    assert [kind.event for kind in KINDS].count(name) == 1


@EVERY_KIND
def test_each_row_is_filled_in(kind: EventKind) -> None:
    empty = {field.name for field in fields(kind) if getattr(kind, field.name) in ("", ())}
    assert empty <= MAY_BE_EMPTY
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", kind.name)
    assert re.fullmatch(r"([A-Z][A-Za-z]+)+", kind.reason)
    assert kind.taint == "" or kind.taint.startswith(f"{PREFIX}/")
    assert kind.metadata_text or kind.queue_text
    others = [other for other in KINDS if other.name == kind.name]
    assert {(other.title, other.reason, other.taint, other.action_setting) for other in others} == {
        (kind.title, kind.reason, kind.taint, kind.action_setting)
    }


@EVERY_KIND
def test_each_text_names_fields_of_its_class(kind: EventKind) -> None:
    named = {
        name for text in (kind.metadata_text, kind.queue_text) for _, name, *_ in Formatter().parse(text)
    }
    assert named - {None} <= {field.name for field in fields(EVENT_BY_NAME[kind.event])}


@EVERY_KIND
def test_each_kind_with_a_text_for_messages_has_a_reader_of_them(kind: EventKind) -> None:
    if kind.queue_text:
        reading = read_message(kind_samples.MESSAGES[kind.event](samples.INSTANCE_ID, T0), received_at=T0)
        assert isinstance(reading, Heard), reading
        assert [type(item).__name__ for item in reading.items] == [kind.event]
    else:
        assert kind.event not in kind_samples.MESSAGES


@EVERY_KIND
def test_each_kind_with_a_text_for_documents_has_a_reader_of_them(kind: EventKind) -> None:
    event = EVENT_BY_NAME[kind.event]
    assert (event in DOCUMENTS) is bool(kind.metadata_text)
    assert (kind.event in kind_samples.DOCUMENTS) is bool(kind.metadata_text)


@EVERY_KIND
def test_each_kind_has_a_rule_of_eventbridge_if_messages_tell_of_it(kind: EventKind) -> None:
    if not kind.queue_text:
        assert kind.event not in RULES
        return
    rule = RULES[kind.event]
    assert (rule.source, rule.detail_type) in READERS
    for path in ("deploy/aws/queue.cfn.yaml", "deploy/aws/terraform/patterns.tf"):
        assert rule.detail_type in (ROOT / path).read_text(), path


@EVERY_KIND
def test_each_kind_has_a_setting_that_is_obeyed(kind: EventKind) -> None:
    row = BY_NAME[kind.action_setting]
    event = EVENT_BY_NAME[kind.event]
    assert (row.kind, row.default, row.help) == (ACTION, "default", kind.action_help)
    assert set(kind.switches) <= set(BY_NAME)
    for level in Level:
        settings = read_settings([f"{row.flag}={level.name.lower()}"], {"NODE_NAME": NODE}).settings
        assert policy(settings).levels[event] is level


@EVERY_KIND
def test_each_kind_has_a_value_of_the_chart(kind: EventKind) -> None:
    row = BY_NAME[kind.action_setting]
    values = (ROOT / "charts" / "aws-node-termination-handler" / "values.yaml").read_text()
    assert row in CHARTED
    assert yaml.safe_load(values)[key_of(row)] == "default"


@EVERY_KIND
def test_each_kind_has_a_line_of_the_configuration(kind: EventKind) -> None:
    assert f"`{BY_NAME[kind.action_setting].variable}`" in (ROOT / "docs/configuration.md").read_text()


@EVERY_KIND
@pytest.mark.parametrize("document", NAMED_IN)
def test_each_document_that_lists_the_kinds_names_it(document: str, kind: EventKind) -> None:
    text = " ".join((ROOT / "docs" / document).read_text().split())
    for column in NAMED_IN[document].split():
        assert f"`{getattr(kind, column)}`" in text, column


@EVERY_KIND
def test_each_kind_is_in_the_documents_tables(kind: EventKind) -> None:
    assert kind.event in {event for event, _ in DECISIONS}
    assert (kind.event in {event for event, _ in MESSAGES}) is bool(kind.queue_text)


@EVERY_KIND
def test_each_kind_says_when_its_machine_goes(kind: EventKind) -> None:
    for event in kind_samples.events_of(kind):
        assert isinstance(event.timing(T0, 120), Timing)
        assert demand_of(event, T0, Policy()).level is Level[kind.action.upper()]


@EVERY_KIND
def test_each_kind_survives_a_restart_of_the_handler(kind: EventKind) -> None:
    seen = tuple(Seen(event, T0) for event in kind_samples.events_of(kind))
    record = NodeRecord(session_id="s", events=seen)
    assert seen
    assert node_annotation.decode(node_annotation.encode(record)) == record


def story_of(event: Event) -> tuple[Node, list[Told]]:
    """What becomes of a node with one pod, and what is said of it."""
    node = a_node(provider_id=f"aws:///eu-west-1a/{samples.INSTANCE_ID}")
    world = World([a_pod()], node=node, rules=SessionRules(marks=MarkRules(taint_node=True)))
    world.notice(Noticed(event=event))
    world.run(60)
    told = [Told(at=at, session_id="s", node_name=NODE, report=report) for at, report in world.reports()]
    assert world.node is not None
    return world.node, told


@EVERY_KIND
def test_each_kind_goes_from_aws_to_taint_log_event_condition_webhook_metric_and_report(
    kind: EventKind,
) -> None:
    for event in kind_samples.events_of(kind):
        node, told = story_of(event)
        assert node.unschedulable
        keys = {taint.key for taint in node.taints if taint.key.startswith(PREFIX)}
        assert keys == ({kind.taint} if kind.taint else set())
        _assert_all_say_it(kind, event, told)


@EVERY_KIND
def test_each_kind_whose_messages_a_queue_brings_drains_its_node(kind: EventKind) -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        stage.replica()
        if kind.event == "AsgTermination":
            stage.asg("n0")
        else:
            stage.send(kind_samples.MESSAGES[kind.event](instance_of("n0"), stage.clock.now()), "n0")
        await stage.until(lambda: stage.is_cordoned("n0"))
        assert {taint.key for taint in stage.node("n0").taints} >= ({kind.taint} if kind.taint else set())
        await stage.end_well("n0")
        assert title_of(stage) == f"{kind.title} of n0"

    if kind.queue_text:
        play(story, TAINT_NODE="true")


def title_of(stage: Stage) -> str:
    """Of the one interruption of which the replicas told."""
    told = [one for replica in stage.replicas for one in replica.told if one.session_id]
    (report,) = interruption_reports(told, stage.clock.now())
    return title(report)


def _assert_all_say_it(kind: EventKind, event: Event, told: list[Told]) -> None:
    notice = next(one.report for one in told if isinstance(one.report, NoticeReceived))
    assert line_of(notice).text == event.description.strip()
    assert line_of(notice).fields["kind"] == kind.name

    said = {(each.reason, each.message) for events in fed(KubeEvents().take, told) for each in events}
    assert (kind.reason, event.description.strip()) in said

    (report,) = interruption_reports(told, told[-1].at)
    assert condition_of(report).reason == kind.reason
    assert title(report) == f"{kind.title} of {NODE}"
    assert title(report_line.decode(report_line.encode(report))) == title(report)

    announced = [found for found in fed(Announcer().take, told) if found is not None]
    template = BodyTemplate("{{ .Kind }}, {{ .Monitor }}: {{ .Summary }}", "the test")
    for each in announced:
        body = template.render(template_data(each, About()), T0)
        assert body.startswith(f"{kind.name}, {kind.monitor}: {kind.webhook_title or kind.title} of node")

    measures = Measures()
    end = Told(at=T0 + 70, session_id="s", node_name=NODE, report=SessionEnded(reason="gone"))
    fed(measures.take, (*told, end))
    counted = {
        series.labels[0] for series in measures.counters.series() if series.metric.labels[:1] == ("kind",)
    }
    assert counted == {kind.name}


def test_the_titles_of_webhooks_are_those_that_people_match_on() -> None:
    titles = {kind.event: kind.webhook_title or kind.title for kind in KINDS}
    of_the_original = {
        "SpotInterruption": "Spot interruption",
        "ScheduledMaintenance": "Scheduled maintenance",
        "RebalanceRecommendation": "Rebalance recommendation",
        "AsgTargetState": "Termination by the Auto Scaling group",
        "AsgTermination": "Termination by the Auto Scaling group",
        "InstanceStateChange": "Instance state change",
    }
    assert titles | of_the_original == titles


def test_the_original_s_switches_of_metadata_mode_are_in_the_rows() -> None:
    """Without any, only the kind's own `ACTION_` setting lets metadata mode watch for it."""
    switches = {kind.event: kind.switches for kind in KINDS}
    of_the_original = {
        "SpotInterruption": ("enable_spot_interruption_draining",),
        "ScheduledMaintenance": ("enable_scheduled_event_draining",),
        "RebalanceRecommendation": ("enable_rebalance_monitoring", "enable_rebalance_draining"),
        "AsgTargetState": ("enable_asg_lifecycle_draining",),
    }
    assert switches | of_the_original == switches
