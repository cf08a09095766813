"""Links between the documents lead somewhere: to a file that is there, and to a heading in it."""

from pathlib import Path

import pytest

from tests.documents import PAGES, ROOT, links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert links(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `heading`, here\n[a](#a-heading-here) [b](#b) [c](page.md#c) [d](none.md) [e](https://e.invalid/)\n"
    )
    assert links(page) == ["#b", "page.md#c", "none.md"]
