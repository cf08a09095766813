"""The live view: puts the panels together for the size of the terminal, and draws them in place."""

from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nth.core.times import utc_text
from nth.ui import panels
from nth.ui.scene import Scene

FRAME_SECONDS = 0.1
LEAST_LOG_ROWS = 3


def view(scene: Scene, width: int, height: int, note: str = "") -> RenderableType:
    """Returns the whole screen. In a low terminal the log shrinks first, then the fleet is left out."""
    pods = len(scene.report.pods) + 2 if scene.report is not None and scene.report.pods else 0
    fleet_rows = panels.fleet_rows(scene)
    log_rows = height - 1 - 5 - pods - fleet_rows - 1
    parts: list[RenderableType] = [_title(scene, note), panels.header(scene, width)]
    if pods:
        parts += [panels.moves(scene, width), panels.legend(width)]
    if log_rows >= LEAST_LOG_ROWS:
        parts.append(panels.fleet(scene, width, fleet_rows))
    else:
        log_rows += fleet_rows
    return Group(*parts, panels.log(scene, max(LEAST_LOG_ROWS, log_rows)))


def _title(scene: Scene, note: str) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 0, 0, 2))
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True, justify="right")
    table.add_row(
        panels.line(("nth demo ", "bold"), (scene.title, "bright_black")),
        Text(f"{note}  {utc_text(scene.now)[11:]}".strip(), style="bright_black"),
    )
    return table


class LiveView:
    """Draws on the terminal while it is entered, and leaves it as it was."""

    def __init__(self, note: str = "", console: Console | None = None) -> None:
        self._note = note
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, screen=True, auto_refresh=False)

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def draw(self, scene: Scene) -> None:
        width, height = self._console.size
        self._live.update(view(scene, width, height, self._note), refresh=True)
