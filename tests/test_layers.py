"""Imports go one way, the core does no I/O, and nothing grows too big: the architecture as a test."""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
MODULES = sorted(SOURCE.rglob("*.py"))
CORE = sorted((SOURCE / "nth" / "core").rglob("*.py"))
REPORT = sorted((SOURCE / "nth" / "report").rglob("*.py"))
TEMPLATES = sorted((SOURCE / "gotemplate").rglob("*.py"))
PURE_MODULES = [*CORE, *REPORT, *TEMPLATES]
IDS = [str(path.relative_to(SOURCE)) for path in MODULES]

PURE = {
    "__future__",
    "binascii",
    "bisect",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "importlib",
    "itertools",
    "json",
    "math",
    "re",
    "typing",
    "unicodedata",
    "urllib.parse",
    "weakref",
    "zlib",
    "msgspec",
}
"""What pure code may use besides itself and `nth.errors`: nothing of it waits, reads or writes."""
OF_QUEUE_MODE = (
    *("nth.wiring.queue_app", "nth.queue_mode", "nth.adapters.aws"),
    *("aiobotocore", "botocore", "aiohttp"),
)
MAX_FUNCTION_LINES = 60
MAX_MODULE_LINES = 400
MIN_MODULE_LINES = 40
SMALL = {
    "gotemplate.errors": "almost every module of the library raises it",
    "nth.__main__": "`python -m nth`",
    "nth.adapters.clock": "the only reader of the machine's clock and files, with a test of its own",
    "nth.core.queue.identity": "the pure half of `queue_mode.identity`",
    "nth.core.limits": "types of several rooms, which import nothing else of each other",
    "nth.core.node.mark_timeout": "a part of `session`, which has no room for it",
    "nth.core.node.session_rules": "the rules of `session`, which has no room for them",
    "nth.core.node.which_node": "a rule that adapter and simulation share",
    "nth.core.times": "imported by many for an instant's text",
    "nth.report.metrics.histogram": "adapters observe, too, without the counters",
    "nth.ui.scene": "a value that demo and views share, without rich",
    "nth.wiring.events_app": "imported only if a setting asks for it",
}
"""Modules of fewer lines, each with the reason why it joins no other."""
RIDDLE = re.compile(r"(Who|What|Whose|Whom|Everybody|Nobody|All that)\b")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported_by(path: Path) -> set[str]:
    """Full names of all imported modules, also of those inside functions."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names.add(node.module or "")
    return names


def module_name(path: Path) -> str:
    """`nth.report.words`."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def foreign(path: Path, *rooms: str) -> set[str]:
    """What a module imports beside its own rooms and a few pure libraries."""
    return {
        name
        for name in imported_by(path)
        if name not in PURE
        and name.split(".")[0] not in PURE
        and not any(name == room or name.startswith(f"{room}.") for room in rooms)
    }


@pytest.mark.parametrize("path", CORE, ids=module_name)
def test_core_imports_nothing_that_does_io(path: Path) -> None:
    """Each module imports only the core, our errors and a few pure libraries: so do all together."""
    assert foreign(path, "nth.core", "nth.errors") == set()


@pytest.mark.parametrize("path", REPORT, ids=module_name)
def test_report_imports_nothing_that_does_io(path: Path) -> None:
    assert foreign(path, "nth.report", "nth.core", "nth.errors", "gotemplate") == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=module_name)
def test_gotemplate_imports_nothing_of_ours_and_nothing_that_does_io(path: Path) -> None:
    assert foreign(path, "gotemplate") == set()
    assert "msgspec" not in imported_by(path), "README: only the standard library"


def test_errors_import_nothing() -> None:
    assert imported_by(SOURCE / "nth" / "errors.py") == set()


@pytest.mark.parametrize("path", PURE_MODULES, ids=module_name)
def test_pure_code_never_awaits_opens_or_prints(path: Path) -> None:
    tree = tree_of(path)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)]
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called & {"open", "print", "input", "exec", "eval"} == set()


def test_layers_hold() -> None:
    """The contracts of pyproject.toml, as CI checks them."""
    lint_imports = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Not even for types alone: CycleError names the circle."""
    graph = grimp.build_graph("nth", "gotemplate", cache_dir=None)
    order = TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules})
    assert len(list(order.static_order())) == len(MODULES)


def test_nth_uses_only_what_gotemplate_exports() -> None:
    names = {name for path in MODULES if path not in TEMPLATES for name in imported_by(path)}
    assert "gotemplate" in names
    assert not [name for name in names if name.startswith("gotemplate.")]


def loaded_with(*modules: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after importing these."""
    code = "import importlib, json, sys\n"
    code += f"for name in {modules!r}: importlib.import_module(name)\n"
    code += "print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50
    )
    return set(json.loads(done.stdout))


def test_pure_code_brings_no_library_that_talks_to_anybody() -> None:
    """Transitively: what a fresh interpreter has loaded with all pure code, and not without it."""
    names = [module_name(path) for path in PURE_MODULES if path.stem != "__init__"]
    brought = {
        name.split(".")[0] for name in loaded_with("msgspec.json", *names) - loaded_with("msgspec.json")
    }
    assert brought & {"asyncio", "logging", "socket", "ssl", "random", "threading", "subprocess"} == set()
    assert brought & {"httpx2", "lightkube", "rich", "click", "aiobotocore", "botocore"} == set()
    assert brought & {"prometheus_client", "opentelemetry"} == set()


def test_metadata_mode_loads_nothing_that_only_others_need() -> None:
    """The DaemonSet runs on every node: its memory is paid once per node."""
    modules = loaded_with("nth.cli", "nth.wiring.app")
    assert "nth.metadata_mode.mode" in modules
    assert {name for name in modules if name.startswith(OF_QUEUE_MODE)} == set()
    assert "nth.report.builder" not in modules, "the log alone adds nothing up"
    assert {"nth.engine.dry_run", "nth.core.dry_run.preview"} & modules == set(), "only a dry run predicts"
    libraries = {name.split(".")[0] for name in modules}
    unwanted = {
        "click",
        "rich",
        "aiobotocore",
        "botocore",
        "prometheus_client",
        "opentelemetry",
        "google",
        "hypothesis",
    }
    assert libraries & unwanted == set()


@pytest.mark.parametrize("argument", ["--help", "--version", "--no-such-flag", "--node-name=one"])
def test_the_handlers_flags_and_its_start_load_no_tool_and_nothing_for_tools(argument: str) -> None:
    """Also where the start ends early: here without a way to a cluster."""
    code = (
        "import json, sys\nfrom nth.cli import handler\nsys.stdout = open('/dev/null', 'w')\n"
        f"handler([{argument!r}])\nprint(json.dumps(sorted(sys.modules)), file=sys.__stdout__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50, env={}
    )
    modules = set(json.loads(done.stdout))
    assert "nth.cli" in modules
    assert (
        modules & {"click", "rich", "nth.commands", "nth.ui.command_line", "nth.reading", "nth.demo"} == set()
    )


def test_only_command_lines_import_click() -> None:
    users = {module_name(path) for path in MODULES if "click" in {n.split(".")[0] for n in imported_by(path)}}
    readers = {f"nth.{room}.arguments" for room in ("reading", "demo", "restore")}
    assert users == {"nth.commands", "nth.ui.command_line", *readers}


def test_queue_mode_loads_what_metadata_mode_does_without() -> None:
    """Or the test above would look for names that are no longer used."""
    modules = loaded_with("nth.wiring.queue_app")
    for prefix in OF_QUEUE_MODE:
        assert any(name.startswith(prefix) for name in modules), prefix


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_docstring_has_a_subject(path: Path) -> None:
    """It is a sentence, or says what is returned: it does not begin with "What ..." or "Nobody ..."."""
    texts = [
        node.value.value
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    assert [text for text in texts if RIDDLE.match(text)] == []


def test_no_module_is_tiny_without_a_reason() -> None:
    tiny = {
        module_name(path)
        for path in MODULES
        if len(path.read_text().splitlines()) < MIN_MODULE_LINES
        if path.stem != "__init__"
    }
    assert tiny == SMALL.keys()


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_module_and_its_functions_are_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_MODULE_LINES
    functions = [
        node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in functions
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert long == {}
