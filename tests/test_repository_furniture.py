"""The workflows and forms in .github: what they name is there, what they run is sound, all is pinned."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from nth import __version__
from testbed.yaml_documents import load_documents
from tests.documents import ROOT

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (FOLDER / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
MADE = ("dist/", "pushed.txt")
"""What the workflows themselves write."""
FORM_FIELDS = {"markdown", "input", "textarea", "dropdown", "checkboxes"}
Step = dict[str, Any]


def document(path: Path) -> dict[str, Any]:
    """With the key `on` as it is written: YAML 1.1 takes it for true."""
    (found,) = load_documents(path.read_text(encoding="utf-8"))
    return {"on" if str(key) == "True" else str(key): value for key, value in found.items()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """By their names."""
    return dict(document(path)["jobs"])


def steps(path: Path) -> list[Step]:
    """Of all jobs."""
    return [step for job in jobs(path).values() for step in job.get("steps", ())]


def scripts(path: Path) -> list[str]:
    """All that is run by a shell."""
    return [step["run"] for step in steps(path) if "run" in step]


def test_there_is_one_workflow_of_checks_and_one_of_releases() -> None:
    assert [path.name for path in WORKFLOWS] == ["checks.yml", "release.yml"]
    assert [script for script in scripts(WORKFLOWS[0]) if script.strip() == ".ci/run"]
    assert document(WORKFLOWS[0])["on"].keys() == {"pull_request", "push", "workflow_call"}
    assert document(WORKFLOWS[1])["on"] == {"push": {"tags": ["v*"]}}
    assert jobs(WORKFLOWS[1])["release"]["needs"] == "checks"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_each_action_is_pinned_by_its_commit(path: Path) -> None:
    uses = re.findall(r"uses: (\S+)( # v\d+\.\d+\.\d+)?$", path.read_text(), re.MULTILINE)
    assert uses
    for action, version in uses:
        if action.startswith("./"):
            assert (ROOT / action).is_file()
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert version, f"{action}: a comment names the version"
    pins = [
        action.split("@")
        for path in WORKFLOWS
        for action in re.findall(r"uses: ([\w/-]+@\w+)", path.read_text())
    ]
    assert len({name for name, _ in pins}) == len({tuple(pin) for pin in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_each_job_has_no_more_rights_than_it_names_and_ends_in_time(path: Path) -> None:
    assert document(path)["permissions"] == {"contents": "read"}
    for name, job in jobs(path).items():
        assert "permissions" in job, name
        assert "uses" in job or job["timeout-minutes"] <= 180, name
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_shell_runs_is_sound_and_takes_nothing_from_an_expression(path: Path) -> None:
    for script in scripts(path):
        assert "${{" not in script, (
            "an expression in a script can run what somebody put into a title or a name"
        )
        done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_files_and_targets_that_a_workflow_names_are_there(path: Path) -> None:
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    named = set(re.findall(r"(?<![\w/.$*-])((?:\.ci|src|charts|image|testbed|deploy|docs)/[\w./-]+)", text))
    assert named
    assert {each for each in named if not each.startswith(MADE) and not (ROOT / each).exists()} == set()
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = {
        target for script in scripts(path) for target in re.findall(r"^make ([a-z-]+)", script, re.MULTILINE)
    }
    assert made <= targets


def test_where_a_release_goes_is_said_by_variables_alone() -> None:
    text = WORKFLOWS[1].read_text()
    head = text.partition("\nname: ")[0]
    assert re.findall(r"[\w-]+\.(?:io|com|org|dev|net|aws)\b", text) == []
    assert re.findall(r"\w+://(?!\$)", text) == []
    used = set(re.findall(r"\b(?:vars|secrets)\.(\w+)", text))
    assert used == {"REGISTRY", "IMAGE", "CHARTS", "BASE", "REGISTRY_USER", "REGISTRY_PASSWORD"}
    assert {name for name in used if not re.search(rf"\b{name}\b", head)} == set()


def test_a_release_has_all_its_parts() -> None:
    (image, bills) = [
        step["with"] for step in steps(WORKFLOWS[1]) if "build-push-action" in step.get("uses", "")
    ]
    assert image["platforms"] == bills["platforms"] == "linux/amd64,linux/arm64"
    stages = re.findall(r"^FROM .* AS (\w+)$", (ROOT / image["file"]).read_text(), re.MULTILINE)
    assert bills["target"] in stages
    known = set(re.findall(r"^ARG (\w+)", (ROOT / image["file"]).read_text(), re.MULTILINE))
    assert set(re.findall(r"^(\w+)=", image["build-args"], re.MULTILINE)) <= known
    together = "\n".join(scripts(WORKFLOWS[1]))
    for part in (
        "cosign sign --yes",
        "cosign attest",
        "cosign sign-blob",
        "helm push",
        "pip wheel",
        "gh release create",
    ):
        assert part in together


PLACEHOLDER = "https://github.com/MY_ORGANIZATION/aws-node-termination-handler"


def test_a_release_names_its_own_repository_in_the_chart_and_in_the_wheel(tmp_path: Path) -> None:
    (script,) = [script for script in scripts(WORKFLOWS[1]) if "MY_ORGANIZATION" in script]
    named = ("pyproject.toml", "charts/aws-node-termination-handler/Chart.yaml")
    for name in named:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    home = {"GITHUB_SERVER_URL": "https://git.example", "GITHUB_REPOSITORY": "nodes/handler"}
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", **home}, check=True)
    for name in named:
        before, after = (ROOT / name).read_text(), (tmp_path / name).read_text()
        assert after == before.replace(PLACEHOLDER, "https://git.example/nodes/handler") != before
    chart: dict[str, Any] = yaml.safe_load((ROOT / named[1]).read_text())
    assert {chart["home"], *chart["sources"]} == {PLACEHOLDER}
    assert chart["icon"] == f"{PLACEHOLDER}/raw/main/docs/icon.svg"
    links = [each["url"] for each in yaml.safe_load(chart["annotations"]["artifacthub.io/links"])]
    project = tomllib.loads((ROOT / named[0]).read_text())["project"]["urls"]
    pages = [link for link in (*links, *project.values(), chart["icon"]) if "main/" in link]
    assert pages
    assert [page for page in pages if not (ROOT / page.partition("main/")[2]).is_file()] == []


def see_the_version(tag: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The release's first script, for that tag."""
    (script,) = [step["run"] for step in steps(WORKFLOWS[1]) if step.get("id") == "version"]
    names = {"GITHUB_REF_NAME": tag, "GITHUB_OUTPUT": str(folder / "output"), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=ROOT, env=names | more, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_release_begins_only_with_the_tag_of_the_version_and_somewhere_to_go(tmp_path: Path) -> None:
    places = {"IMAGE": "registry.invalid/nth", "CHARTS": "registry.invalid/charts"}
    wrong = see_the_version("v0.0.0", tmp_path, **places)
    assert wrong.returncode == 1
    assert f"The tag is v0.0.0, and src/nth/__init__.py says {__version__}" in wrong.stderr
    nowhere = see_the_version(f"v{__version__}", tmp_path, IMAGE="registry.invalid/nth", CHARTS="")
    assert nowhere.returncode != 0
    assert "set the variable CHARTS" in nowhere.stderr
    assert not (tmp_path / "output").exists()
    assert see_the_version(f"v{__version__}", tmp_path, **places).returncode == 0
    assert (tmp_path / "output").read_text() == f"version={__version__}\n"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_for_issues_is_one_that_can_be_filled_in(path: Path) -> None:
    form = document(path)
    assert form.keys() == {"name", "description", "labels", "body"}
    fields = [each for each in form["body"] if each["type"] != "markdown"]
    assert {each["type"] for each in form["body"]} <= FORM_FIELDS
    assert len({each["id"] for each in fields}) == len(fields) > 1
    assert all(each["attributes"]["label"] for each in fields)
    assert any(each.get("validations", {}).get("required") for each in fields)


def test_pages_that_forms_name_are_there() -> None:
    texts = [path.read_text() for path in (*FORMS, FOLDER / "pull_request_template.md", ROOT / "SECURITY.md")]
    named = {name for text in texts for name in re.findall(r"\b((?:docs/)?[\w-]+\.md)\b", text)}
    assert {"SECURITY.md", "CONTRIBUTING.md", "docs/troubleshooting.md"} <= named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_pinned_actions_are_renewed() -> None:
    (update,) = document(FOLDER / "dependabot.yml")["updates"]
    assert update["package-ecosystem"] == "github-actions"


def test_the_readme_begins_with_the_words_that_people_search_for() -> None:
    title, first, second = [line for line in (ROOT / "README.md").read_text().splitlines() if line][:3]
    assert title.startswith("# ")
    assert [word for word in ("Kubernetes", "EKS", "EC2 Spot") if word not in f"{first} {second}"] == []
    described = (ROOT / "README.md").read_text().partition("## Do I need this?")[2].partition("\n## ")[0]
    kinds = ("Karpenter", "managed node groups", "Auto Mode", "Fargate", "kOps", "self-managed")
    assert [kind for kind in kinds if kind not in described] == []
