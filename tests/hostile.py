"""Text as somebody hostile writes it, and what of it must never be written raw."""

import unicodedata
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from hypothesis import strategies as st

ESCAPES = (
    "\x1b[2J\x1b]0;title\x07 \x9b31m \x00\x7f\x85 \u202egnp.exe\u202c \u2066x\u2069 \u200b\u200d\ufeff\u00ad "
    "a\u2028b\u2029c\r\nd\re \U000e0041 \u3164"
)
FORGED = (
    ']; level=error node=other session=zz report={"v":1} \n2026/11/22 08:30:00 ERR Node successfully cordoned'
)
CHAT = "<!channel> <@U1|x> <http://evil|text> & @here [text](http://evil) **b** `c` _d_ ~e~ # f [red]g[/red]"
LONE = "\ud800 \udcff"
HOSTILE = f"{ESCAPES} {FORGED} {CHAT} {LONE} \\u001b \\"

TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from('\x1b\x9b\u202e\u2028\ud800\udc00\r\n\x00\x7f ="[]{};:\\u01ab'),
    ),
    max_size=40,
) | st.sampled_from([ESCAPES, FORGED, CHAT, LONE, HOSTILE, "None", "a\\u001bb", "\\", '"', "a; b", " a ", ""])

OURS = ("phase", "result", "level", "kind", "state")
"""Fields that hold one of a few words of ours."""

T = TypeVar("T")


def hidden_in(text: str, allowed: str = "") -> set[str]:
    """What a terminal or a reader would not show as it is."""
    return {
        letter
        for letter in text
        if letter not in allowed and unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


def merged(text: str) -> str:
    """The two halves of a pair are one character, in JSON as in UTF-16."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


IDS = ("event_id", "instance_id", "token")
"""Fields that are read only where they look like ids."""


def made_hostile(value: T, hostile: str = HOSTILE, keep: tuple[str, ...] = ()) -> T:
    """The same, with hostile text behind each of its texts, but for words of ours and fields to keep."""
    return _made(value, hostile, (*OURS, *keep))  # type: ignore[no-any-return]


def _made(value: Any, hostile: str, keep: tuple[str, ...]) -> Any:
    if isinstance(value, str) and not isinstance(value, Enum):
        return value + hostile
    if isinstance(value, tuple | list):
        return type(value)(_made(item, hostile, keep) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: _made(getattr(value, field.name), hostile, keep)
            for field in fields(value)
            if field.init and field.name not in keep
        }
        return replace(value, **changed)
    return value
