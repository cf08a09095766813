"""The commands that the documents show, and what each of them needs.

A block of commands is a fence of the language `sh`. Words after it say what its commands need besides
a copy of the repository: `cluster`, `aws` or `docker`. `slow` means: they take long, `make e2e` runs them.

    ```sh cluster
    kubectl get nodes
    ```
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for folder, pattern in (
        (ROOT, "*.md"),
        (ROOT / "docs", "**/*.md"),
        (ROOT / "charts", "**/*.md"),
        (ROOT / "deploy", "**/*.md"),
        (ROOT / "src", "**/*.md"),
        (ROOT / ".github", "**/*.md"),
    )
    for path in folder.glob(pattern)
)
NEEDS = {"kubectl": "cluster", "helm": "cluster", "aws": "aws", "docker": "docker", "skopeo": "docker"}
"""What a program cannot do without."""
PROGRAMS = {
    *NEEDS,
    "nth",
    "kubectl-nth",
    "node-termination-handler",
    "make",
    "pip",
    "pipx",
    "python",
    "python3",
}
PROGRAMS |= {"grep", "printf", "curl", "git", "source", "cd"}


@dataclass(frozen=True, slots=True)
class Block:
    """Commands of one page that stand together."""

    page: str
    line: int
    needs: frozenset[str]
    text: str

    @property
    def name(self) -> str:
        """To find it by."""
        return f"{self.page}:{self.line}"

    def commands(self) -> list[str]:
        """One each, without comments; those that go on over several lines are joined."""
        lines = self.text.replace("\\\n", "").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks(page: Path) -> list[Block]:
    """All blocks of commands of a page."""
    found = []
    for token in _tokens(page):
        language, *needs = token.info.split() or [""]
        if token.type == "fence" and language == "sh":
            found.append(Block(_name(page), _line(token), frozenset(needs), token.content))
    return found


def all_blocks() -> list[Block]:
    """Those of all pages."""
    return [block for page in PAGES for block in blocks(page)]


def stray_commands(page: Path) -> list[str]:
    """Commands in code that is no block of commands: `page:line command`."""
    found = []
    for token in _tokens(page):
        if token.type in ("code_block", "fence") and token.info.partition(" ")[0] != "sh":
            first = [line.strip() for line in token.content.splitlines() if programs(line)]
            found += [
                f"{_name(page)}:{_line(token)} {line}" for line in first if programs(line)[0] in PROGRAMS
            ]
    return found


def inline_code(page: Path) -> list[str]:
    """All that stands in backticks within sentences and tables."""
    tokens = [token for token in _parsed(page) if token.type == "inline"]
    return [
        child.content for token in tokens for child in token.children or () if child.type == "code_inline"
    ]


def programs(command: str) -> list[str]:
    """The programs that a command line starts, in their order; none of a line that is no command."""
    without_texts = re.sub(r"'[^']*'|\"[^\"]*\"", "''", command)
    found = []
    for part in re.split(r"\|\|?|&&|;|\$\(", without_texts):
        words = [word for word in part.split() if not re.match(r"[A-Z_]+=", word)]
        found += words[:1]
    return [Path(word).name for word in found]


def links(page: Path) -> list[str]:
    """Links and pictures of a page that lead nowhere: to a file or a heading that the repository lacks."""
    inline = [child for token in _parsed(page) for child in token.children or ()]
    aims = [str(each.attrs.get("href", each.attrs.get("src", ""))) for each in inline if each.attrs]
    found = []
    for aim in aims:
        target, _, anchor = aim.partition("#")
        if ":" not in target and not _leads_somewhere(page.parent / target if target else page, anchor):
            found.append(aim)
    return found


def _leads_somewhere(aimed: Path, anchor: str) -> bool:
    if not aimed.exists() or not anchor:
        return aimed.exists()
    headings = re.findall(r"^#+ (.+)$", aimed.read_text(encoding="utf-8"), re.MULTILINE)
    # As GitHub makes them.
    return anchor in {re.sub(r"[^a-z0-9_ -]", "", each.lower()).replace(" ", "-") for each in headings}


def _tokens(page: Path) -> Iterator[Token]:
    yield from (token for token in _parsed(page) if token.type in ("fence", "code_block"))


def _parsed(page: Path) -> list[Token]:
    return MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))


def _line(token: Token) -> int:
    assert token.map is not None
    return token.map[0] + 1


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT) if page.is_relative_to(ROOT) else page)
