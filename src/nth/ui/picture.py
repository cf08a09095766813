"""The live view as an SVG picture that stands alone, for the README."""

import re
from io import StringIO

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from nth.ui.live import view
from nth.ui.scene import Scene

FONTS = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
THEME = TerminalTheme(
    (20, 25, 31),
    (228, 233, 239),
    [
        (28, 37, 48),
        (255, 107, 107),
        (70, 194, 133),
        (240, 180, 41),
        (92, 157, 255),
        (208, 120, 240),
        (78, 197, 224),
        (228, 233, 239),
    ],
    [
        (134, 148, 164),
        (255, 107, 107),
        (70, 194, 133),
        (240, 180, 41),
        (92, 157, 255),
        (208, 120, 240),
        (78, 197, 224),
        (255, 255, 255),
    ],
)
"""Background, text, and the eight colours plain and bright, readable on dark."""
_FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)


def svg(scene: Scene, *, width: int, height: int, note: str) -> str:
    """Returns the scene in a window of that many columns and rows. Nothing in it is loaded from elsewhere."""
    console = Console(
        record=True,
        width=width,
        height=height,
        file=StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(view(scene, width, height, note))
    drawn = console.export_svg(title="nth demo", theme=THEME)
    # rich names a font and its address on the web; the reader's own will do.
    alone = _COMMENT.sub("", _FONT_FACE.sub("", drawn))
    return alone.replace("Fira Code, monospace", FONTS)
