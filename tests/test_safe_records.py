"""A record on a Node that somebody else has written stops no mode, and touches nobody else's node."""

import asyncio
import json

import pytest

from nth.core.facts import NodePatch
from nth.core.node.node_annotation import FIELD_MANAGER, RECORD_ANNOTATION
from nth.core.reports import DrainEnded, NodeRestored
from nth.simulation.cloud import ScheduledEvent
from tests import worlds
from tests.queue_mode import fleet_worlds

UNREADABLE = (
    "[" * 1000 + "]" * 1000,
    '{"version":1,"session_id":"s","unknown":' + "[" * 1000 + "]" * 1000 + "}",
    '{"version":1,"session_id":"' + "s" * 70_000 + '"}',
    '{"version":1,"session_id":"s","deadline_at":1e300}',
    '{"version":1,"session_id":"s","events":[{"kind":"AsgTargetState","seen_at":1e18,"event":{"event_id":"e"}}]}',
    "",
)


def annotated(text: str) -> NodePatch:
    return NodePatch({"metadata": {"annotations": {RECORD_ANNOTATION: text}}})


@pytest.mark.parametrize("text", UNREADABLE)
def test_safe_3_a_record_that_cannot_be_read_stops_no_start_of_metadata_mode(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: worlds.Stage) -> None:
        stage.cluster.change_node(worlds.VICTIM, annotated(text))
        stage.cloud.interrupt(stage.clock.now() + 120)
        for _ in range(3):
            process = stage.process()
            await asyncio.sleep(0.02)
            process.die()
            await process.killed()
            stage.cluster.change_node(worlds.VICTIM, annotated(text))
        process = stage.process()
        await asyncio.sleep(30)
        assert process.running
        assert stage.movable() == ()
        assert stage.record is not None
        assert process.reports(DrainEnded)

    worlds.play(story)
    told = [record.message for record in caplog.records if "cannot be read" in record.message]
    # Each process says so once.
    assert 1 <= len(told) <= 4
    assert all(len(line) < 300 for line in told)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("text", UNREADABLE)
def test_safe_3_notices_of_a_node_go_on_whatever_stands_on_it(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: fleet_worlds.Stage) -> None:
        stage.cluster.change_node("n0", annotated(text))
        stage.replica()
        await asyncio.sleep(5)
        stage.spot("n0")
        stage.rebalance("n0")
        await stage.until(lambda: stage.movable("n0") == (), 30)
        await stage.end_well("n0")

    fleet_worlds.play(story)
    told = [record.message for record in caplog.records if "cannot be read; " in record.message]
    assert len([line for line in caplog.messages if "going on without it" in line]) == 1, told
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_safe_3_a_record_that_is_spoilt_again_and_again_stops_no_drain() -> None:
    async def story(stage: fleet_worlds.Stage) -> None:
        stage.replica("nth-a", "rest-0")
        stage.replica("nth-b", "rest-1")
        await asyncio.sleep(5)
        stage.spot("n0")

        async def spoil() -> None:
            while not stage.is_gone("n0"):
                stage.cluster.change_node("n0", annotated(f"{UNREADABLE[0]} {stage.clock.now()}"))
                await asyncio.sleep(0.5)

        spoiling = asyncio.create_task(spoil())
        await stage.until(lambda: stage.movable("n0") == (), 60)
        spoiling.cancel()
        await stage.end_well("n0")

    fleet_worlds.play(story)


# What an undo may touch

FORGED = {
    "version": 1,
    "session_id": "forged",
    "marked_at": 1,
    "cordoned": True,
    "taints": [
        {"key": "quarantine", "value": "", "effect": "NoExecute"},
        {"key": "aws-node-termination-handler/spot-itn", "value": "e", "effect": "NoSchedule"},
    ],
    "labels": {"node-restriction.kubernetes.io/pci": "yes", "aws-node-termination-handler/event-id": "e"},
    "events": [
        {
            "kind": "ScheduledMaintenance",
            "seen_at": 1,
            "event": {
                "event_id": "gone",
                "code": "system-reboot",
                "not_before_at": 4e9,
                "not_after_at": 4e9,
                "reason": "",
            },
        }
    ],
}


@pytest.mark.parametrize("way", ["withdrawn", "rebooted"])
@pytest.mark.parametrize("by", ["kubectl", FIELD_MANAGER])
def test_safe_2_an_undo_takes_back_only_what_can_be_ours(
    way: str, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: worlds.Stage) -> None:
        metadata = {
            "labels": FORGED["labels"],
            "annotations": {RECORD_ANNOTATION: json.dumps(FORGED)},
        }
        spec = {"unschedulable": True, "taints": FORGED["taints"]}
        stage.cluster.change_node(worlds.VICTIM, NodePatch({"metadata": metadata, "spec": spec}), manager=by)
        process = stage.process(booted_at=stage.clock.now() - 60 if way == "rebooted" else None)
        await asyncio.sleep(30)
        # Listed no more, or over with the boot: in both ways what the record claims is undone.
        node = stage.node
        assert node.labels["node-restriction.kubernetes.io/pci"] == "yes"
        assert "aws-node-termination-handler/event-id" not in node.labels
        assert stage.taints.get("quarantine") == "NoExecute"
        assert "aws-node-termination-handler/spot-itn" not in stage.taints
        assert node.unschedulable is (by == "kubectl")
        (restored,) = process.reports(NodeRestored)
        assert restored.uncordoned is not node.unschedulable
        assert restored.still_cordoned is node.unschedulable
        assert restored.taints == ("aws-node-termination-handler/spot-itn",)

    worlds.play(story)
    told = [line for line in caplog.messages if "claims what is not ours" in line]
    assert len(told) == 1
    assert "1 taints, 1 labels" in told[0]


def test_safe_2_our_own_cordon_is_lifted_after_a_restart() -> None:
    async def story(stage: worlds.Stage) -> None:
        first = stage.process()
        await asyncio.sleep(1)
        stage.cloud.schedule(maintenance(stage))
        await asyncio.sleep(10)
        assert stage.is_cordoned()
        first.die()
        await first.killed()
        assert stage.node.cordoned_by == (FIELD_MANAGER,)
        stage.cloud.cancel("reboot-1")
        stage.process()
        await asyncio.sleep(10)
        assert not stage.is_cordoned()
        assert stage.record is None or stage.record.events == ()

    worlds.play(story)


def maintenance(stage: worlds.Stage) -> ScheduledEvent:
    at = stage.clock.now() + 3600
    return ScheduledEvent(event_id="reboot-1", not_before_at=at, not_after_at=at + 3600)
