"""The guides and SECURITY.md name what there is. test_chart_guides.py runs their commands."""

import re

from tests.deploy.sources import ROOT


def test_every_log_line_that_is_quoted_is_said() -> None:
    section = (ROOT / "docs/install.md").read_text().partition("## What the log says")[2]
    quoted = re.findall(r"`([A-Z][a-z]+ [^`]*)`|^\| `([^`]*)`", section, re.MULTILINE)
    sources = "".join(path.read_text() for path in (ROOT / "src" / "nth").rglob("*.py"))
    texts = [part.strip() for pair in quoted for text in pair for part in text.split("...") if part.strip()]
    assert len(texts) > 8
    assert [text for text in texts if text not in sources] == []


def test_safe_10_a_release_names_the_base_of_the_image_by_its_digest() -> None:
    dockerfile = (ROOT / "image/Dockerfile").read_text()
    guide = (ROOT / "docs/image.md").read_text()
    bases = re.findall(r"^FROM (?:--platform=\S+ )?(\S+)", dockerfile, re.MULTILINE)
    given = dict(re.findall(r"--build-arg (\w+)=(\S+)", guide))
    default = re.search(r"^ARG BASE=(\S+)\nFROM ", dockerfile, re.MULTILINE)

    assert bases == ["$BASE", "scratch", "scratch"]
    assert default is not None
    assert given["BASE"] == f"{default[1]}@sha256:DIGEST"
    known = {*re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE), "BUILDPLATFORM"}
    assert given.keys() - known == set()
