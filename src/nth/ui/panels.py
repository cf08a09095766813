"""The parts of the live view, drawn with rich: header, pods on their way, fleet, log.

Each is a pure function of a `Scene`. Nothing here may take more width than it is given.
"""

import re

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from nth.core.drain.pod_filter import tier
from nth.core.facts import Node, Pod
from nth.core.visible import visible_line
from nth.report.interruption import Became, HowLeft, InterruptionReport, PodOutcome, Stage
from nth.report.names import cut_middle
from nth.report.pod_fates import counts
from nth.report.refusals import budget_of
from nth.report.words import (
    countdown,
    counted,
    lost_names,
    outcome_word,
    seconds_text,
    short_name,
    short_taint,
)
from nth.ui.bars import (
    BLOCKED,
    DEADLINE,
    FORCED,
    FUTURE,
    GONE,
    LOST,
    READY,
    STOPPING,
    WAITING,
    axis_of,
    bar,
)
from nth.ui.scene import Scene

CELLS = {
    FUTURE: (" ", ""),
    WAITING: ("·", "bright_black"),
    BLOCKED: ("▒", "yellow"),
    STOPPING: ("█", "cyan"),
    FORCED: ("█", "magenta"),
    GONE: ("─", "blue"),
    READY: ("━", "green"),
    LOST: ("✗", "bold red"),
    DEADLINE: ("│", "red"),
}
"""The character and the style of each cell of a pod's bar."""
BECAME_STYLES = {
    Became.MOVED: "green",
    Became.ENDED: "cyan",
    Became.NOT_REPLACED: "yellow",
    Became.CAME_BACK: "yellow",
    Became.UNKNOWN: "yellow",
}
LEFT_STYLES = {HowLeft.FORCED: "magenta", HowLeft.CUT_OFF: "red"}
LEVEL_STYLES = {"warn": "yellow", "error": "bold red", "debug": "bright_black"}
DATE = re.compile(r"\b\d{4}-\d\d-\d\dT(?=\d\d:)")
"""Text that is cut: a reader of today's times needs no date."""
BAR_LEGEND = {
    WAITING: "waits",
    BLOCKED: "blocked",
    STOPPING: "stops",
    FORCED: "forced",
    GONE: "gone",
    READY: "replaced",
    LOST: "lost",
}
"""One word for each cell of a bar: all of them fit into one row of 80 columns."""
POD_LEGEND = (("●", "green", "Ready"), ("○", "yellow", "not Ready"), ("▼", "cyan", "stops"))
"""The signs of pods in the fleet."""
CUT = "…"
WIDE = 100
"""From here on a pod's new node has a column of its own."""
MAX_BUDGET_CHARS = 24
HURRY_SECONDS = 30
"""From here on the countdown is red."""


def line(*parts: tuple[str, str], ellipsis: bool = True) -> Text:
    """Returns one line that never wraps; a longer one is cut, hidden characters are shown."""
    shown = ((visible_line(text), style) for text, style in parts)
    return Text.assemble(*shown, no_wrap=True, overflow="ellipsis" if ellipsis else "crop")


# The header


def header(scene: Scene, width: int) -> RenderableType:
    """Returns the state of the interruption, and the time that is left."""
    report, name = scene.report, cut_middle(visible_line(scene.node_name), width // 3, CUT)
    if report is None:
        calm = line(
            (name, "bold"),
            (" is fine. Its handler asks the metadata service for notices every second.", ""),
        )
        return Panel(Group(calm, Text(), Text()), border_style="green", padding=(0, 1))
    time_left = line((f"{name}  ", "bold"), *_countdown(scene, report))
    rows = (time_left, _clock_bar(scene, report, width - 4), _state(report))
    return Panel(Group(*rows), border_style=_mood(report), padding=(0, 1))


def _mood(report: InterruptionReport) -> str:
    if lost_names(report):
        return "red"
    return "green" if report.replaced_at is not None and report.drained_at is not None else "yellow"


def _countdown(scene: Scene, report: InterruptionReport) -> list[tuple[str, str]]:
    """Returns the time that is left and why it is, the time first: a narrow terminal cuts the rest."""
    if report.called_off or report.leading is None:
        return [("The notice was withdrawn, the machine stays.", "green")]
    why = report.leading.event.kind.title
    if report.deadline_at is None:
        return [(f"It may be taken away, at no known time · {why}", "yellow")]
    if report.margin_seconds is not None:
        why = f"Drained with {seconds_text(report.margin_seconds)} to spare"
    if scene.node_name in scene.dead:
        return [("The machine HAS BEEN TAKEN AWAY", "bold"), (f" · {why}", "")]
    left_seconds = report.deadline_at - scene.now
    hurry = left_seconds < HURRY_SECONDS and report.drained_at is None
    time_left = (countdown(left_seconds), "bold red" if hurry else "bold yellow")
    return [("The machine is taken away in ", ""), time_left, (f" · {why}", "")]


def _clock_bar(scene: Scene, report: InterruptionReport, width: int) -> Text:
    """Returns a bar of the used share of the notice."""
    if report.deadline_at is None:
        return Text()
    share = (scene.now - report.began_at) / max(1e-9, report.deadline_at - report.began_at)
    used = min(width, max(0, round(share * width)))
    return line(("━" * used, "red" if share > 0.75 else "yellow"), ("─" * (width - used), "bright_black"))


def _state(report: InterruptionReport) -> Text:
    """Returns the phase and the pods, the lost ones first: a narrow terminal cuts the rest."""
    parts = [(f"{report.phase}  ", "bold")]
    if report.pods:
        parts += [*_counts(report), ("  ", "")]
    if report.cordoned_at is not None and report.restored_at is None:
        parts.append(("✓ cordoned  ", "green"))
    parts += [(f"✓ taint {short_taint(taint)}  ", "green") for taint in report.taints]
    return line(*parts)


def _counts(report: InterruptionReport) -> list[tuple[str, str]]:
    stages = [outcome.stage for outcome in report.pods]
    found = counts(report)
    numbers = (
        *((found.became.get(word, 0), word.value, style) for word, style in BECAME_STYLES.items()),
        *((found.left.get(how, 0), how.value, style) for how, style in LEFT_STYLES.items()),
        (stages.count(Stage.STOPPING), "stopping", "cyan"),
        (stages.count(Stage.BLOCKED), "blocked", "yellow"),
        (stages.count(Stage.WAITING), "waiting", "bright_black"),
    )
    shown = [(f" · {count} {word}", style) for count, word, style in numbers if count]
    lost = len(lost_names(report))
    return [(f"{lost} lost", "bold red" if lost else "green"), *shown]


# The pods on their way


def moves(scene: Scene, width: int) -> RenderableType:
    """Returns one row for each pod that has to go: its way to the deadline, its hindrance, its new node."""
    report = scene.report
    table = Table.grid(padding=(0, 1), expand=True)
    if report is None or not report.pods:
        return Text()
    cells = width // 4 if width >= WIDE else width // 6
    axis = axis_of(report, cells)
    names = [visible_line(short_name(outcome.pod)) for outcome in report.pods]
    name_width = max(len("THESE PODS MOVE"), min(max(map(len, names)), width // 4))
    table.add_column(width=name_width, no_wrap=True)
    table.add_column(width=cells, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    if width >= WIDE:
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=18)
    scale = f"notice{'deadline':>{cells - 6}}" if width >= WIDE else f"{'deadline':>{cells}}"
    heads = ("THESE PODS MOVE", scale, "state", "to")[: len(table.columns)]
    table.add_row(*(Text(head, style="bold bright_black") for head in heads))
    for outcome, name in zip(report.pods, names, strict=True):
        cut = Text.assemble(*(CELLS[sign] for sign in bar(outcome, report, axis)))
        state, place = _pod_state(outcome, scene.now, report.began_at), _destination(outcome)
        shown = (state, place) if width >= WIDE else (Text.assemble(state, " ", place),)
        table.add_row(Text(cut_middle(name, name_width, CUT), style="bold"), cut, *shown)
    return table


def legend(width: int) -> Text:
    """Returns one row with the meaning of each sign; those of the fleet where that has room."""
    entries = [(*CELLS[sign], word) for sign, word in BAR_LEGEND.items()]
    if width >= WIDE:
        entries += POD_LEGEND
    parts = ([(f"{sign} ", style), (f"{word}  ", "bright_black")] for sign, style, word in entries)
    return line(*(part for entry in parts for part in entry))


def _pod_state(outcome: PodOutcome, now: float, began_at: float) -> Text:
    match outcome.stage:
        case Stage.WAITING:
            critical = tier(outcome.pod) > 0
            return line(("critical for the cluster: goes last" if critical else "next", "bright_black"))
        case Stage.BLOCKED:
            return line(*_blocked(outcome, now))
        case Stage.STOPPING:
            return line(*_stopping(outcome, now))
        case Stage.GONE:
            style = LEFT_STYLES.get(outcome.left, "green")
            after_seconds = (outcome.gone_at or now) - began_at
            return line((f"gone at {after_seconds:.1f} s · ", style), (outcome_word(outcome), style))
        case Stage.STAYS:
            return line(("✓ stays where it is", "green"))
        case Stage.LOST:
            return line((f"✗ LOST: {outcome.reason}", "bold red"))


def _blocked(outcome: PodOutcome, now: float) -> list[tuple[str, str]]:
    # The most important comes first: a narrow terminal cuts the rest.
    budget = budget_of(outcome.reason)
    name = cut_middle(budget, MAX_BUDGET_CHARS, CUT)
    why = f" · budget {name}" if budget else f" · {outcome.reason}"
    force = ("never forced", "bold red")
    if outcome.force_due_at is not None:
        force = (f"forced in {countdown(outcome.force_due_at - now)}", "bold yellow")
    return [("blocked · ", "yellow"), force, (why, "yellow")]


def _stopping(outcome: PodOutcome, now: float) -> list[tuple[str, str]]:
    left_seconds = (outcome.asked_at or now) + (outcome.grace_seconds or 0) - now
    how = ("FORCED, stopping", "bold magenta") if outcome.forced else ("stopping", "cyan")
    rest = f"{countdown(left_seconds)} of grace left"
    if outcome.cut:
        rest = f"{countdown(left_seconds)} left, cut from {countdown(outcome.pod.grace_seconds)}"
    return [how, (f" · {rest}", "cyan")]


def _destination(outcome: PodOutcome) -> Text:
    successor = outcome.successor
    if outcome.stage in (Stage.STAYS, Stage.LOST):
        return Text()
    if successor is None:
        return line(("" if outcome.replaced_at is None else "✓ replaced", "green"))
    if not successor.pod.node_name:
        return line(("Pending", "yellow"))
    ready = successor.ready_at is not None
    sign, style = ("✓", "green") if ready else ("…", "yellow")
    name = cut_middle(visible_line(successor.pod.node_name), 14, CUT)
    return line(("→ ", style), (name, style), (f" {sign}", style))


# The fleet


def fleet(scene: Scene, width: int, rows: int) -> RenderableType:
    """Returns one column for each node, `rows` lines high with its border, with its pods."""
    table = Table.grid(expand=True, padding=0)
    for _ in scene.nodes:
        table.add_column(ratio=1)
    node_width = width // max(1, len(scene.nodes))
    table.add_row(*(_node(scene, node, node_width, rows) for node in scene.nodes))
    return table


def fleet_rows(scene: Scene) -> int:
    """Returns the height that shows all pods: it does not change while pods move."""
    ordinary = [pod for pod in scene.pods if not _is_daemon(pod)]
    most = max((sum(pod.node_name == node.name for pod in ordinary) for node in scene.nodes), default=0)
    return max(7, most) + 4


def _node(scene: Scene, node: Node, width: int, rows: int) -> Panel:
    ordinary = [pod for pod in scene.pods if pod.node_name == node.name and not _is_daemon(pod)]
    daemons = sum(pod.node_name == node.name and _is_daemon(pod) for pod in scene.pods)
    status, style = _node_status(scene, node)
    dead = node.name in scene.dead
    lines = [line((status, style)), *(_pod(pod, scene, width - 6, dead=dead) for pod in ordinary)]
    shown = lines[: rows - 3]
    if daemons:
        shown.append(line((f"+ {counted(daemons, 'DaemonSet pod')}", "bright_black")))
    shown += [Text()] * (rows - 2 - len(shown))
    name = cut_middle(visible_line(node.name), width - 6, CUT)
    title = line((name, "bold" if node.name == scene.node_name else ""))
    return Panel(Group(*shown), title=title, border_style=style, padding=(0, 1))


def _node_status(scene: Scene, node: Node) -> tuple[str, str]:
    if node.name in scene.dead:
        return "✗ NO POWER", "red"
    zone = node.labels.get("topology.kubernetes.io/zone", "")
    return ("CORDONED", "yellow") if node.unschedulable else (f"Ready {zone}".strip(), "green")


def _pod(pod: Pod, scene: Scene, width: int, *, dead: bool) -> Text:
    sign, style = _pod_sign(pod, dead=dead)
    name = cut_middle(visible_line(short_name(pod)), width, CUT)
    new = scene.report is not None and any(
        outcome.successor is not None and outcome.successor.pod.ref == pod.ref
        for outcome in scene.report.pods
    )
    return line((f"{sign} ", style), (name, f"bold {style}" if new else style))


def _pod_sign(pod: Pod, *, dead: bool) -> tuple[str, str]:
    if dead and not pod.finished:
        return "✗", "red"
    if pod.deleting_until_at is not None:
        return "▼", "cyan"
    return ("●", "green") if pod.ready or pod.phase == "Succeeded" else ("○", "yellow")


def _is_daemon(pod: Pod) -> bool:
    return pod.mirror or (pod.controller is not None and pod.controller.kind == "DaemonSet")


# The log


def log(scene: Scene, rows: int) -> RenderableType:
    """Returns the last lines, `rows` of them."""
    began_at = scene.report.began_at if scene.report is not None else scene.log[0].at if scene.log else 0
    lines = [
        line(
            (f"{entry.at - began_at:+6.1f} s  ", "bright_black"),
            (DATE.sub("", " ".join(entry.text.split())), LEVEL_STYLES.get(entry.level, "")),
        )
        for entry in scene.log[max(0, len(scene.log) - rows) :]
    ]
    return Group(*lines)
