"""What is put together for Kubernetes events, and refused at the start."""

import asyncio

import pytest

from nth.adapters.kubernetes import KubernetesCluster
from nth.core.notices.imds import InstanceMetadata
from nth.errors import SettingError
from nth.settings import read_settings
from nth.simulation.clock import START_AT, VirtualClock
from nth.wiring.events_app import new_conditions, new_events
from tests.adapters.scripted import play, says
from tests.report import stories


def test_events_and_conditions_reach_the_api_server() -> None:
    text = "example.com/team=shop"
    settings = read_settings(["--node-name=n", f"--kubernetes-events-extra-annotations={text}"], {}).settings

    async def test(cluster: KubernetesCluster) -> None:
        clock = VirtualClock(asyncio.get_running_loop(), START_AT)
        events = new_events(settings, cluster, clock, lambda _: (None, InstanceMetadata()))
        conditions = new_conditions(cluster, clock)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one.run()) for one in (events, conditions)]
            for one in (events, conditions):
                stories.fed(one, stories.told((0.0, stories.NOTICE)))
                await one.flush(5.0)
            for task in running:
                task.cancel()

    event, condition = play(says({}, {}), test)
    assert (event.url.path, condition.url.path) == (
        "/api/v1/namespaces/default/events",
        f"/api/v1/nodes/{stories.NODE}/status",
    )
    assert b'"example.com/team":"shop"' in event.content
    assert b'"host":"n"' in event.content


def test_annotations_that_cannot_be_any_end_the_start_in_one_line() -> None:
    settings = read_settings(["--node-name=n", "--kubernetes-events-extra-annotations=a b=c"], {}).settings

    async def test(cluster: KubernetesCluster) -> None:
        clock = VirtualClock(asyncio.get_running_loop(), START_AT)
        with pytest.raises(SettingError) as caught:
            new_events(settings, cluster, clock, lambda _: (None, InstanceMetadata()))
        line = str(caught.value)
        assert "KUBERNETES_EVENTS_EXTRA_ANNOTATIONS" in line
        assert "'a b' cannot be the name of an annotation; allowed: " in line
        assert "\n" not in line

    assert play(says(), test) == []
