"""Wires the real handler to a simulated world and lets a scenario happen to it.

The handler lives on the machine that is taken away: when the power goes, it goes.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil

from nth.core.facts import Pod, PodScope
from nth.core.reports import Told
from nth.demo import fleet
from nth.demo.scenarios import AFTERMATH_SECONDS, CALM_SECONDS, Scenario
from nth.engine.dry_run import DryRun
from nth.engine.engine import Engine
from nth.errors import SettingError
from nth.metadata_mode.mode import MetadataMode, NoticeTaker, World
from nth.ports import Clock
from nth.report.builder import interruption_reports
from nth.report.entries import entry_of
from nth.report.interruption import Entry, InterruptionReport
from nth.report.notice_clock import NoticeClock
from nth.settings import Settings, read_settings
from nth.simulation.cloud import SimulatedCloud
from nth.simulation.cluster import SimulatedCluster
from nth.ui.moves import Moves
from nth.ui.scene import Scene
from nth.wiring.rules import mode_rules, session_rules

SESSION_ID = "demo"
LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The spectators: both functions are called in the loop and must be quick."""

    hear: Callable[[Entry], None] = lambda _entry: None
    """Takes each line of the log, when it is written."""
    look: Callable[[Scene], None] = lambda _scene: None
    """Takes the whole scene, every `frame_seconds` of simulated time."""
    frame_seconds: float | None = None
    """None = `look` is not called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The result, as the handler told it and as the cluster knows it."""

    report: InterruptionReport | None
    """None: the handler told nothing."""
    lost: tuple[Pod, ...]
    """The pods that ran when the power went."""
    short: tuple[str, ...]
    """The workloads that lack Ready pods."""
    told: tuple[Told, ...] = ()
    """Every report of the handler, for its log."""

    @property
    def fine(self) -> bool:
        """True if nothing was lost, and everything runs again."""
        return not self.lost and not self.short


def handler_settings(scenario: Scenario, flags: tuple[str, ...]) -> Settings:
    """Returns the settings; the user's flags override the scenario's. SettingError as in production."""
    given = read_settings([*scenario.flags, *flags, "--node-name", fleet.DOOMED.name], {}).settings
    if given.enable_sqs_termination_draining:
        raise SettingError(
            "--enable-sqs-termination-draining (ENABLE_SQS_TERMINATION_DRAINING) is true; the demo plays "
            "metadata mode; allowed: false"
        )
    return given


async def play(clock: Clock, scenario: Scenario, settings: Settings, audience: Audience) -> Ending:
    """Play one scenario from the calm before it to its aftermath, in the clock's time; returns its ending."""
    cluster = SimulatedCluster(clock)
    await fleet.build(cluster)
    stage = _Stage(clock, cluster, scenario, audience)
    with _log_tapped(stage):
        await _perform(stage, settings)
    short = fleet.short_of(cluster)
    return Ending(report=stage.report(), lost=cluster.lost, short=short, told=tuple(stage.told))


@dataclass(slots=True)
class _Stage:
    """The simulated world, and all reports so far."""

    clock: Clock
    cluster: SimulatedCluster
    scenario: Scenario
    audience: Audience
    told: list[Told] = field(default_factory=list)
    log: list[Entry] = field(default_factory=list)
    notice_clock: NoticeClock = field(default_factory=NoticeClock)
    moves: Moves = field(init=False)
    power_is_off: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.moves = Moves(fleet.DOOMED.name, self.cluster.pods)

    def tell(self, told: Told) -> None:
        """Take a session's report, and none that is of no session."""
        if not told.session_id:
            return
        self.told.append(told)
        self.say(entry_of(told, self.notice_clock.seconds(told)))

    def say(self, entry: Entry) -> None:
        self.log.append(entry)
        self.audience.hear(entry)

    def cut_power(self) -> None:
        self.cluster.kill_node(fleet.DOOMED.name)
        self.power_is_off.set()
        self.say(Entry(at=self.clock.now(), level="info", text="[AWS] The machine has been taken away"))

    def report(self) -> InterruptionReport | None:
        """Returns the report of the interruption so far."""
        reports = interruption_reports(self.told, self.clock.now(), self.moves.successors())
        return reports[-1] if reports else None

    def show(self) -> None:
        cluster = self.cluster
        scene = Scene(
            title=self.scenario.about,
            now=self.clock.now(),
            nodes=cluster.nodes,
            pods=cluster.pods,
            dead=cluster.dead,
            node_name=fleet.DOOMED.name,
            report=self.report(),
            log=tuple(self.log),
        )
        self.audience.look(scene)


async def _perform(stage: _Stage, settings: Settings) -> None:
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_watch(stage), name="observer")
        drawing = tasks.create_task(_draw(stage), name="view")
        handler = tasks.create_task(_live_while_powered(stage, settings), name="handler's machine")
        await handler
        await asyncio.sleep(AFTERMATH_SECONDS)
        watching.cancel()
        drawing.cancel()
    if stage.audience.frame_seconds is not None:
        stage.show()


async def _live_while_powered(stage: _Stage, settings: Settings) -> None:
    """Run the handler from the start to the end of the scenario, or of its machine."""
    clock, stop = stage.clock, asyncio.Event()
    cloud = SimulatedCloud(clock, instance=fleet.INSTANCE, power_off=stage.cut_power)
    mode = _handler(stage, cloud, settings)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(mode.run(stop, ping=False), name="handler")
        end_at = stage.scenario.play(cloud, ceil(clock.now() + CALM_SECONDS))
        await asyncio.sleep(end_at - clock.now())
        if stage.power_is_off.is_set():
            running.cancel()
        else:
            stop.set()


def _handler(stage: _Stage, cloud: SimulatedCloud, settings: Settings) -> MetadataMode:
    """Returns the handler, put together as `app` does."""
    connection, clock, rules = stage.cluster.connect(), stage.clock, session_rules(settings)
    taker: NoticeTaker
    if settings.dry_run:
        taker = DryRun(connection, clock, rules, tell=stage.tell)
    else:
        taker = Engine(connection, clock, rules, tell=stage.tell, new_session_id=lambda: SESSION_ID)
    # Always the same jitter, so that the same demo is played each time.
    world = World(cluster=connection, metadata=cloud, clock=clock, jitter=lambda: 0.5, booted_at=None)
    return MetadataMode(world, mode_rules(settings), taker)


async def _watch(stage: _Stage) -> None:
    """Follow all pods of the cluster, to pair each pod with its successor."""
    observer, everything = stage.cluster.connect(), PodScope()
    listed = await observer.list_pods(everything)
    async for change in observer.watch_pods(everything, listed.resource_version):
        stage.moves.changed(change, stage.clock.now())


async def _draw(stage: _Stage) -> None:
    while stage.audience.frame_seconds is not None:
        stage.show()
        await asyncio.sleep(stage.audience.frame_seconds)


class _LogTap(logging.Handler):
    """Takes the handler's log lines that are no session's reports."""

    def __init__(self, stage: _Stage) -> None:
        super().__init__()
        self._stage = stage

    def emit(self, record: logging.LogRecord) -> None:
        level = LEVELS.get(record.levelno, "error")
        fields = getattr(record, "fields", {})
        shown = f" ({', '.join(str(value) for value in fields.values())})" if fields else ""
        text = record.getMessage() + shown
        self._stage.say(Entry(at=self._stage.clock.now(), level=level, text=text))


@contextmanager
def _log_tapped(stage: _Stage) -> Iterator[None]:
    logger, ear = logging.getLogger("nth"), _LogTap(stage)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(ear)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(ear)
        logger.setLevel(level)
        logger.propagate = propagate
