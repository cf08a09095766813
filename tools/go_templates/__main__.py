"""Writes the golden corpus anew: `python -m tools.go_templates` (needs Go).

Each case of `cases` goes through the Go program beside this file, which pins sprig as the original handler
does. The output is what tests compare byte for byte; null where Go refuses the template.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.go_templates.cases import CASES, DATA

HERE = Path(__file__).parent
GOLDEN = HERE.parent.parent / "tests" / "gotemplate" / "corpus" / "golden.json"


def main() -> None:
    """Render all cases, and write the file."""
    requests = [
        json.dumps({"template": case.template, "kind": DATA[case.data].kind, "data": DATA[case.data].data})
        for case in CASES
    ]
    done = subprocess.run(
        ["go", "run", "."],  # noqa: S607 - whichever Go the developer has
        cwd=HERE,
        input="\n".join(requests) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    cases = [
        {"name": case.name, "data": case.data, "template": case.template, "output": _output(answer)}
        for case, answer in zip(CASES, answers, strict=True)
    ]
    corpus = {"data": {name: {"kind": each.kind, "data": each.data} for name, each in DATA.items()}}
    GOLDEN.write_text(json.dumps({**corpus, "cases": cases}, indent=1, ensure_ascii=False) + "\n")
    refused = sum(case["output"] is None for case in cases)
    print(f"{len(cases)} cases, of which Go refuses {refused}: {GOLDEN.name}")  # noqa: T201


def _output(answer: dict[str, Any]) -> str | None:
    if "error" in answer:
        return None
    return base64.b64decode(answer["output"] or "").decode()


if __name__ == "__main__":
    main()
