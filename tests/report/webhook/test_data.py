"""What a template can read: the original's data under its names, and what is new."""

import json
from dataclasses import replace

import pytest

from gotemplate import TemplateError, parse
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import (
    AsgTargetState,
    AsgTermination,
    Event,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.notices.imds import InstanceMetadata
from nth.core.policy import Level
from nth.report.interruption import Became, HowLeft, NoticeSeen
from nth.report.pod_fates import Counts
from nth.report.webhook.announcement import Announcement
from nth.report.webhook.data import About, about, summary, template_data
from nth.report.webhook.samples import SAMPLE_ABOUT, bare_sample, samples
from tests.core.samples import NODE, T0, a_node

W3 = (
    "AccountId",
    "InstanceID",
    "InstanceLifeCycle",
    "InstanceType",
    "PublicHostname",
    "PublicIP",
    "LocalHostname",
    "LocalIP",
    "AvailabilityZone",
    "Region",
    "EventID",
    "Kind",
    "Monitor",
    "Description",
    "State",
    "AutoScalingGroupName",
    "NodeName",
    "NodeLabels",
    "Pods",
    "ProviderID",
    "IsManaged",
    "StartTime",
    "EndTime",
    "NodeProcessed",
    "InProgress",
)
QUEUE_INSTANCE = "i-0aaaaaaaaaaaaaaaa"


def rendered(text: str, announcement: Announcement, about: About = SAMPLE_ABOUT) -> str:
    return parse(text).render(template_data(announcement, about), T0)


def of_event(event: Event) -> Announcement:
    notice = NoticeSeen(at=T0 + 1.5, event=event, level=Level.DRAIN, deadline_at=None)
    return replace(samples(T0)["drained"], notice=notice, notices=(notice,), event_ids=(event.event_id,))


@pytest.mark.parametrize("name", W3)
def test_W3_every_field_of_the_original_is_there(name: str) -> None:
    rendered(f"{{{{ .{name} }}}}", samples(T0)["drained"])
    rendered(f"{{{{ .{name} }}}}", bare_sample(T0), About())


def test_W3_fields_are_also_found_by_the_structs_that_hold_them() -> None:
    drained = samples(T0)["drained"]
    text = "{{ .NodeMetadata.Region }} {{ .InterruptionEvent.EventID }} {{ .InterruptionEvent.NodeName }}"
    assert rendered(text, drained) == f"eu-west-1 spot-itn-1 {drained.node_name}"


def test_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TemplateError, match="Typo"):
        rendered("{{ .Typo }}", samples(T0)["drained"])


def test_W3_the_events_instance_wins_over_the_metadata_services() -> None:
    spot = SpotInterruption(
        event_id="e", action="terminate", interrupted_at=T0 + 120, instance_id=QUEUE_INSTANCE, noticed_at=T0
    )
    assert rendered("{{ .InstanceID }}", of_event(spot)) == QUEUE_INSTANCE
    assert rendered("{{ .InstanceID }}", samples(T0)["drained"]) == SAMPLE_ABOUT.metadata.instance_id


ACTION = LifecycleAction(group="hook-group", hook="h", token="t", instance_id=QUEUE_INSTANCE)
NOTICED = "2026-11-22 08:29:50 +0000 UTC"


@pytest.mark.parametrize(
    ("event", "start"),
    [
        (
            SpotInterruption(event_id="e", action="stop", interrupted_at=T0 + 120),
            "2026-11-22 08:32:00 +0000 UTC",
        ),
        (
            SpotInterruption(
                event_id="e", action="stop", interrupted_at=T0, instance_id="i-1", noticed_at=T0 - 10
            ),
            NOTICED,
        ),
        (RebalanceRecommendation(event_id="e", noticed_at=T0 - 10), NOTICED),
        (AsgTargetState(event_id="e"), "2026-11-22 08:30:01 +0000 UTC"),
        (
            ScheduledMaintenance(
                event_id="e", code="x", not_before_at=T0 + 60, not_after_at=T0 + 3600, reason="r"
            ),
            "2026-11-22 08:30:01 +0000 UTC",
        ),
        (
            AsgTermination(event_id="e", instance_id="i-1", action=ACTION, noticed_at=T0 - 10),
            NOTICED,
        ),
        (InstanceStateChange(event_id="e", instance_id="i-1", state="stopping", noticed_at=T0 - 10), NOTICED),
    ],
)
def test_W3_S5_start_time_is_the_originals(event: Event, start: str) -> None:
    assert rendered("{{ .StartTime }}", of_event(event)) == start
    assert (
        rendered("{{ .Kind }} {{ .Monitor }}", of_event(event)) == f"{event.kind.name} {event.kind.monitor}"
    )
    assert rendered("{{ .Description }}", of_event(event)) == event.description


def test_W3_end_time_and_state_are_those_of_scheduled_events() -> None:
    event = ScheduledMaintenance(event_id="e", code="x", not_before_at=T0, not_after_at=T0 + 3600, reason="r")
    text = "{{ .EndTime }} {{ .State }}"
    assert rendered(text, of_event(event)) == "2026-11-22 09:30:00 +0000 UTC active"
    assert rendered(text, samples(T0)["drained"]) == "0001-01-01 00:00:00 +0000 UTC "


def test_group_is_the_hooks_own_or_the_nodes() -> None:
    termination = AsgTermination(event_id="e", instance_id="i-1", action=ACTION, noticed_at=T0)
    assert rendered("{{ .AutoScalingGroupName }}", of_event(termination)) == "hook-group"
    assert rendered("{{ .AutoScalingGroupName }}", samples(T0)["drained"]) == "spot-workers"


def test_needs_W27_in_queue_mode_the_nodes_labels_say_what_no_metadata_service_was_asked_for() -> None:
    node = a_node(
        provider_id=f"aws:///eu-west-1b/{QUEUE_INSTANCE}",
        labels={
            "topology.kubernetes.io/zone": "eu-west-1b",
            "topology.kubernetes.io/region": "eu-west-1",
            "beta.kubernetes.io/instance-type": "c5.large",
            "eks.amazonaws.com/capacityType": "ON_DEMAND",
            "kubernetes.io/hostname": NODE,
        },
    )
    known = about(node, InstanceMetadata(account_id="123"), group="g", managed=True)
    text = (
        "{{ .AccountId }} {{ .InstanceID }} {{ .InstanceType }} {{ .AvailabilityZone }} {{ .Region }} "
        "{{ .InstanceLifeCycle }} {{ .LocalHostname }} {{ .ProviderID }} {{ .IsManaged }}"
    )
    assert rendered(text, samples(T0)["drained"], known) == (
        f"123 {QUEUE_INSTANCE} c5.large eu-west-1b eu-west-1 on-demand {NODE} "
        f"aws:///eu-west-1b/{QUEUE_INSTANCE} true"
    )


def test_metadata_service_wins_over_labels_and_a_missing_node_is_no_fault() -> None:
    node = a_node(labels={"topology.kubernetes.io/zone": "label"})
    assert about(node, InstanceMetadata(availability_zone="imds")).metadata.availability_zone == "imds"
    assert about(None, InstanceMetadata(region="r")) == About(metadata=InstanceMetadata(region="r"))


def test_W3_json_of_everything_has_the_originals_names() -> None:
    found = json.loads(rendered("{{ toJson . }}", samples(T0)["drained"]))
    for name in (
        "accountId",
        "privateIp",
        "availabilityZone",
        "EventID",
        "NodeLabels",
        "InstanceType",
        "Phase",
    ):
        assert name in found


def test_new_fields_say_what_came_of_it() -> None:
    failed = samples(T0)["failed"]
    text = "{{ .Phase }} {{ .Result }} {{ .Duration }} {{ .Margin }} {{ .Deadline }} {{ len .Events }}"
    assert rendered(text, failed) == "failed failure 12 108 2026-11-22 08:31:48 +0000 UTC 2"
    assert "billing" in rendered("{{ .Reason }}{{ range .Left }}{{ . }}{{ end }}", failed)
    assert rendered("{{ with .Deadline }}no{{ end }}{{ .Margin }}", bare_sample(T0)) == "<no value>"
    assert rendered("{{ .Report }}", failed)
    assert rendered("{{ .Report }}", samples(T0)["received"]) == ""


def test_processed_is_what_is_over() -> None:
    text = "{{ .NodeProcessed }} {{ .InProgress }}"
    by_phase = {phase: rendered(text, one) for phase, one in samples(T0).items()}
    assert [phase for phase, said in by_phase.items() if said == "true false"] == [
        "cancelled",
        "replaced",
        "unknown",
    ]
    assert by_phase["drained"] == "false true"


def test_summary_is_one_sentence_for_every_phase() -> None:
    said = {phase: summary(one) for phase, one in samples(T0).items()}
    node = samples(T0)["drained"].node_name
    begin = f"Spot interruption of node {node} (and 1 more event): "
    assert all(text.startswith(begin) for text in said.values())
    held = 'shop/billing-1: the budget "billing" allows no disruption'
    outcomes = {phase: text.removeprefix(begin) for phase, text in said.items()}
    assert outcomes == {
        "received": "received, 108.0 s before the machine may stop",
        "cordoned": "cordoned after 12.0 s",
        "forced": f"a pod is forced: {held}",
        "drained": "drained after 12.0 s, 108.0 s before the deadline; pods left: 1 politely",
        "waiting": "not known yet: shop/billing: 0 of 1 Ready: Pending: 1 Insufficient cpu, after 12.0 s",
        "failed": f"FAILED after 12.0 s: still on the node: {held}",
        "cancelled": "called off: AWS says it is canceled",
        "replaced": "all pods run elsewhere after 12.0 s",
        "unknown": "not known whether all pods run elsewhere: shop/billing: 0 of 1 Ready, "
        "not known how many are wanted, after 12.0 s",
    }
    left = Counts({HowLeft.FORCED: 2, HowLeft.POLITELY: 1}, {Became.MOVED: 2, Became.ENDED: 1})
    late = replace(samples(T0)["drained"], deadline_at=T0 - 5, counts=left, event_ids=("spot-itn-1",))
    assert summary(late).endswith("5.0 s past the deadline; pods left: 2 forced, 1 politely")
    assert (late.evicted, late.forced) == (1, 2)
    assert summary(replace(late, phase="replaced")).endswith("2 moved, 1 ended after 12.0 s")
    assert summary(bare_sample(T0)) == "Interruption of node : FAILED after 0.0 s: "
