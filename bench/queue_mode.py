"""Queue mode on the real control plane: a storm of Spot warnings, and a flood of foreign messages.

The handler is a process with its least rights and default settings. The machine's load is told, because
the API server, the handler and whatever else runs share its cores.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench import fleet, large_messages, queue_flood, queue_storm, webhooks
from bench.figures import Figure, table
from testbed.build import assets_folder, ensure_built


def storm(runs_wanted: int, size: int, webhook: str) -> list[Figure]:
    """Returns the rows of the storm."""
    runs: list[queue_storm.Run] = []
    with tempfile.TemporaryDirectory() as folder, fleet.control_plane() as plane:
        for number in range(runs_wanted):
            where = Path(folder) / f"run-{number}"
            runs.append(queue_storm.one_run(plane, where, queue_storm.SIZES[size], webhook))
            tell(f"storm {number + 1} of {runs_wanted}: {runs[-1]}")
    return queue_storm.figures(runs)


def floods() -> list[Figure]:
    """Returns the rows of the floods."""
    rows: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, fleet.control_plane() as plane:
        for tag_check in (False, True):
            few, many = (
                queue_flood.one_flood(plane, Path(folder) / f"{tag_check}-{size}", size, tag_check=tag_check)
                for size in (queue_flood.FEW, queue_flood.MANY)
            )
            tell(f"flood: {few}")
            tell(f"flood: {many}")
            rows += queue_flood.figures(few, many)
            rows += large_messages.figures(check_tag=tag_check)
    return rows


def tell(text: str) -> None:
    """Print what is under way, and how busy the machine is."""
    print(f"[load {os.getloadavg()[0]:.1f}] {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Print the table; returns 1 if a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.queue_mode", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", type=int, choices=sorted(queue_storm.SIZES), default=60)
    parser.add_argument("--only", choices=("storm", "flood"), default="")
    parser.add_argument(
        "--webhook", choices=webhooks.KINDS, default="", help="all is told to such a receiver"
    )
    options = parser.parse_args()
    ensure_built(assets_folder())
    rows = storm(options.runs, options.size, options.webhook) if options.only != "flood" else []
    rows += floods() if options.only != "storm" else []
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
