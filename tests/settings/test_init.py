"""The package stays light: it is loaded on every node."""

import subprocess
import sys

PROBE = """
import asyncio, dataclasses, logging, sys
before = set(sys.modules)
import nth.settings
print(*sorted(set(sys.modules) - before))
"""


def test_import_brings_only_a_little_of_the_standard_library() -> None:
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True, encoding="utf-8")
    modules = {name.partition(".")[0] for name in run.stdout.split() if not name.startswith("nth")}
    assert modules <= {"json", "_json", "urllib", "ipaddress"}
    assert not {"nth.settings.text", "nth.settings.docs"} & set(run.stdout.split())
