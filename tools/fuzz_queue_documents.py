"""Feeds `read_message` with broken messages for as long as it is told; ends at the first broken promise.

`python -m tools.fuzz_queue_documents [SECONDS]` (120), with atheris installed (requirements/fuzz.lock).
Coverage guides the mutations: half of them replace values within JSON, the others bytes. Interesting bodies
stay in nth-fuzz in the folder for temporary files, and so does a body that broke a promise: give its
path in place of the seconds to see it again.
"""

import importlib
import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nth.core.notices.message import Reading
from tests.core import queue_samples as samples
from tests.core.queue_invariants import broken_invariant

DEFAULT_SECONDS = 120
RECEIVED_AT = samples.AT + 3
MAX_BYTES = 8192
SLOW_SECONDS = 2
SEEDS = (
    samples.spot_message(),
    samples.rebalance_message(),
    samples.state_message(),
    samples.asg_message(),
    samples.asg_message(transition=samples.LAUNCHING),
    samples.direct_asg_message(),
    samples.health_message([samples.INSTANCE_ID, "i-1a2b3c4d"]),
    samples.health_message(status="closed"),
    samples.health_message(entity_status="RESOLVED"),
    samples.test_notification(),
    samples.sns_wrapped(samples.spot_message()),
    samples.sns_wrapped(samples.direct_asg_message()),
    '{"time":' + "[" * 3000 + "]" * 3000 + "}",
)
VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    10**40,
    1e308,
    "",
    "x" * 2000,
    "\ud800",
    "\x00\n\x1b",
    [],
    {},
    [[[[]]]],
    samples.INSTANCE_ID,
    f"{samples.INSTANCE_ID}\n",
    "i-",
    "2026-08-27T13:19:00Z",
    "9999-12-31T23:59:59-23:59",
    "Thu, 27 Aug 2026 13:19:00 GMT",
    "closed",
    "RESOLVED",
    "hibernate",
    "EC2",
    samples.LAUNCHING,
    samples.spot_message(),
    samples.direct_asg_message(),
)


def check(body: str, read: Callable[..., Reading]) -> None:
    """Raise AssertionError with the broken promise; any other error is one, too."""
    broken = broken_invariant(body, read(body, received_at=RECEIVED_AT))
    assert not broken, broken


def with_other_values(body: str, chance: random.Random) -> str:
    """Returns the JSON document with one value replaced, taken out or moved; ValueError if it is none."""
    document = json.loads(body)
    parent = document
    while isinstance(parent, dict | list) and parent:
        key = chance.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
        child = parent[key]
        if isinstance(child, dict | list) and child and chance.random() < 0.7:
            parent = child
            continue
        if chance.random() < 0.2:
            del parent[key]
        else:
            parent[key] = chance.choice((*VALUES, parent, child))
        break
    return json.dumps(document, ensure_ascii=chance.random() < 0.5)


def text_of(data: bytes) -> str:
    """Returns the text; bytes that are not UTF-8 become lone surrogates, which a body may hold as well."""
    return data.decode("utf-8", "surrogateescape")


def mutate_with(atheris: Any) -> Callable[[bytes, int, int], bytes]:
    """Returns a mutator for libFuzzer, which changes values of JSON or bytes."""

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)  # noqa: S311
        if chance.random() < 0.5:
            try:
                return with_other_values(text_of(data), chance).encode("utf-8", "surrogatepass")[:max_size]
            except (ValueError, RecursionError):
                pass
        return bytes(atheris.Mutate(data, max_size))

    return mutate


def main(argument: str) -> None:
    """Fuzz; it does not return: libFuzzer ends the process, with 0 if every promise was kept."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["nth.core"]):
        read = importlib.import_module("nth.core.notices.eventbridge").read_message
    folder = Path(tempfile.gettempdir(), "nth-fuzz")
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        (corpus / f"seed-{number}").write_text(seed, encoding="utf-8")
    what = [f"-max_total_time={argument}", str(corpus)] if argument.isdigit() else [argument]
    limits = [f"-max_len={MAX_BYTES}", f"-timeout={SLOW_SECONDS}"]
    atheris.Setup(
        [sys.argv[0], *limits, f"-artifact_prefix={folder}/", "-print_final_stats=1", *what],
        lambda data: check(text_of(data), read),
        custom_mutator=mutate_with(atheris),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(DEFAULT_SECONDS))
