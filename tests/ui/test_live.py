"""The live view at every width that a terminal has."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from nth.core.facts import PodRef
from nth.report.interruption import Entry
from nth.ui.live import LiveView, view
from nth.ui.panels import BAR_LEGEND, CELLS
from nth.ui.scene import Scene
from tests.report.stories import (
    BEGUN,
    FULL_STORY,
    LOSING_STORY,
    NODE,
    REBALANCE,
    RESTORED,
    T0,
    WEB,
    WITHDRAWN,
    a_scene,
)

SCENES = {
    "calm": a_scene(after_seconds=0),
    "draining": a_scene(*BEGUN, after_seconds=30),
    "drained": a_scene(*FULL_STORY, after_seconds=100),
    "lost": a_scene(*LOSING_STORY, after_seconds=125, dead=frozenset({NODE})),
    "rebalance": a_scene((0.0, REBALANCE), after_seconds=5),
    "called off": a_scene(*BEGUN, (9.0, WITHDRAWN), (9.1, RESTORED), after_seconds=20),
}


def drawn(scene: Scene, width: int = 100, height: int = 40) -> list[str]:
    console = Console(width=width, height=height, file=StringIO(), record=True)
    console.print(view(scene, width, height))
    return console.export_text().splitlines()


@pytest.mark.parametrize("size", [(80, 24), (100, 40), (120, 50), (60, 20)], ids=str)
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_nothing_is_wider_or_higher_than_the_terminal(scene: Scene, size: tuple[int, int]) -> None:
    width, height = size
    lines = drawn(scene, width, height)
    assert max(len(line) for line in lines) <= width
    assert len(lines) <= height


def row(lines: list[str], name: str) -> str:
    """The row of a pod in the table of those that move."""
    return next(line for line in lines if line.startswith(name))


def test_the_middle_of_a_drain_says_what_matters() -> None:
    lines = drawn(SCENES["draining"])
    text = "\n".join(lines)
    assert "The machine is taken away in 1:30" in text
    assert "✓ cordoned  ✓ taint spot-itn" in text
    assert "blocked · forced in 0:55 · budget billing" in row(lines, "billing-bbbbb")
    assert "stopping · 1:24 left, cut from 5:00" in row(lines, "encoder-ccccc")
    assert "→ ip-10-0-2-23 ✓" in row(lines, "web-aaaaa")
    assert "CORDONED" in text


LONG_NODE = "ip-10-0-101-217.eu-central-1.compute.internal"


@pytest.mark.parametrize("node_name", [NODE, LONG_NODE])
def test_at_80x24_countdown_lost_and_budget_are_there_also_on_a_node_of_a_long_name(node_name: str) -> None:
    lines = drawn(replace(SCENES["draining"], node_name=node_name), 80, 24)
    text = "\n".join(lines)
    assert "The machine is taken away in 1:30" in text
    assert "0 lost" in text
    assert "blocked · forced in 0:55 · budget billing" in row(lines, "billing-bbbbb")
    drained = drawn(replace(SCENES["drained"], node_name=node_name), 80, 24)
    assert any("taken away in 0:20" in line for line in drained)


def test_a_lost_pod_is_counted_first_so_that_80_columns_show_it() -> None:
    assert any("1 lost" in line for line in drawn(SCENES["lost"], 80, 24))


@pytest.mark.parametrize("size", [(80, 24), (100, 40)], ids=str)
def test_the_legend_names_every_sign_of_a_bar(size: tuple[int, int]) -> None:
    (legend,) = [line for line in drawn(SCENES["draining"], *size) if line.startswith("· waits")]
    for sign, word in BAR_LEGEND.items():
        assert f"{CELLS[sign][0]} {word}" in legend
    assert ("● Ready" in legend) is (size[0] >= 100)


@pytest.mark.parametrize("width", [80, 100])
def test_replicas_of_a_long_name_do_not_look_alike(width: int) -> None:
    scene = SCENES["draining"]
    assert scene.report is not None
    names = [f"recommendations-worker-of-the-shop-5d8f7c9b4-{end}" for end in ("aaaaa", "bbbbb")]
    pods = tuple(
        replace(
            scene.report.pods[0],
            pod=replace(WEB, ref=PodRef("shop", name, name), controller=None),
        )
        for name in names
    )
    lines = drawn(replace(scene, report=replace(scene.report, pods=pods)), width, 24)
    shown = [line.split()[0] for line in lines if line.startswith("recommend")]
    assert len(set(shown)) == 2
    assert [name[-5:] for name in shown] == ["aaaaa", "bbbbb"]


def test_a_low_terminal_leaves_out_the_fleet_but_not_the_pods() -> None:
    lines = drawn(SCENES["draining"], 80, 20)
    assert not any("CORDONED" in line for line in lines)
    assert row(lines, "billing-bbbbb")


def test_a_drained_node_says_how_much_time_was_left() -> None:
    lines = drawn(SCENES["drained"])
    assert any("Drained with 29.9 s to spare" in line for line in lines)
    assert any(line.startswith("│ DRAINED") for line in lines)
    assert "gone at 90.0 s · FORCED, moved" in row(lines, "billing-bbbbb")


def test_a_dead_machine_and_what_was_lost_with_it() -> None:
    lines = drawn(SCENES["lost"])
    assert any("HAS BEEN TAKEN AWAY" in line for line in lines)
    assert any("NO POWER" in line for line in lines)
    assert "✗ LOST" in row(lines, "billing-bbbbb")


def test_notices_without_a_deadline_and_withdrawn_ones() -> None:
    assert any("at no known time" in line for line in drawn(SCENES["rebalance"]))
    assert any("The notice was withdrawn" in line for line in drawn(SCENES["called off"]))
    assert any("is fine" in line for line in drawn(SCENES["calm"]))


def test_a_long_log_shows_its_end_without_the_date() -> None:
    log = tuple(Entry(at=T0 + n, level="info", text=f"line {n} at 2026-11-22T08:31:30Z") for n in range(200))
    lines = drawn(replace(SCENES["draining"], log=log))
    assert lines[-1].strip() == "+199.0 s  line 199 at 08:31:30Z"


def test_markup_in_names_and_texts_is_not_obeyed() -> None:
    scene = replace(SCENES["draining"], log=(Entry(at=T0, level="info", text="[bold]x[/nope]"),))
    assert drawn(scene)[-1].strip() == "+0.0 s  [bold]x[/nope]"


def test_the_view_leaves_the_terminal_as_it_was() -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=100, height=40)
    with LiveView("2.4x real time", console) as live:
        live.draw(SCENES["draining"])
    text = out.getvalue()
    assert "2.4x real time" in text
    assert text.index("\x1b[?1049h") < text.index("\x1b[?1049l")
