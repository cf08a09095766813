"""`make chart`: the folder is a Helm repository, and a second run finds nothing to do."""

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from nth import __version__
from testbed.build import assets_folder
from testbed.helm import CommandError
from tools.chart.package import find_helm, main, package
from tools.chart.write import CHART

pytestmark = pytest.mark.chart

NAME = "aws-node-termination-handler"
CHART_VERSION = str(yaml.safe_load((CHART / "Chart.yaml").read_text())["version"])


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(CHART, tmp_path / "chart" / NAME))


@pytest.fixture
def helm() -> Path:
    found = find_helm(assets_folder())
    assert found is not None
    return found


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def versions(folder: Path) -> dict[str, dict[str, Any]]:
    index = yaml.safe_load((folder / "index.yaml").read_text())
    return {each["version"]: each for each in index["entries"][NAME]}


def set_version(chart: Path, version: str) -> None:
    document = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump(document | {"version": version}))


def test_a_second_run_leaves_the_files_alone(helm: Path, chart: Path, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    assert package(helm, folder, chart=chart).endswith("index.yaml: written")
    before = contents(folder)
    assert sorted(before) == [f"{NAME}-{CHART_VERSION}.tgz", "index.yaml"]
    assert package(helm, folder, chart=chart).endswith("index.yaml: up to date already")
    assert contents(folder) == before


def test_the_archive_holds_no_time_of_day(helm: Path, chart: Path, tmp_path: Path) -> None:
    package(helm, tmp_path, chart=chart)
    (archive,) = tmp_path.glob("*.tgz")
    # https://www.rfc-editor.org/rfc/rfc1952: bytes 4 to 7 are the moment of compression.
    assert archive.read_bytes()[4:8] == bytes(4)
    with tarfile.open(archive) as members:
        assert {member.mtime for member in members} == {0}


def test_a_change_without_a_new_version_replaces_the_archive(helm: Path, chart: Path, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    package(helm, folder, chart=chart)
    before = versions(folder)[CHART_VERSION]["digest"]
    (chart / "README.md").write_text("another\n")
    assert package(helm, folder, chart=chart).endswith("written")
    assert list(versions(folder)) == [CHART_VERSION]
    assert versions(folder)[CHART_VERSION]["digest"] != before


def test_a_new_version_joins_those_that_the_index_knows(helm: Path, chart: Path, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    package(helm, folder, chart=chart)
    before = versions(folder)[CHART_VERSION]
    (folder / f"{NAME}-{CHART_VERSION}.tgz").unlink()
    set_version(chart, "9.0.0")
    package(helm, folder, "https://charts.invalid/eks", chart)
    assert list(versions(folder)) == ["9.0.0", CHART_VERSION]
    assert versions(folder)[CHART_VERSION] == before
    assert versions(folder)["9.0.0"]["urls"] == [f"https://charts.invalid/eks/{NAME}-9.0.0.tgz"]


def test_without_helm_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([str(tmp_path / "repository")]) == 2
    assert capsys.readouterr().err == "helm is neither on the PATH nor built: run 'make bed-build'\n"


def test_a_chart_that_helm_refuses_is_one_line(helm: Path, chart: Path, tmp_path: Path) -> None:
    set_version(chart, "new")
    with pytest.raises(CommandError, match=r"validation: chart\.metadata\.version"):
        package(helm, tmp_path / "repository", chart=chart)
    assert list((tmp_path / "repository").iterdir()) == []


def test_the_command_packages_this_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/{NAME}-{CHART_VERSION}.tgz and index.yaml: written\n"
    assert (
        yaml.safe_load((tmp_path / "index.yaml").read_text())["entries"][NAME][0]["appVersion"] == __version__
    )
