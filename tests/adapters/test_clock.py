"""The uptime file, as the kernel writes it and as it may be broken."""

from pathlib import Path

import pytest

from nth.adapters.clock import booted_at


@pytest.mark.parametrize(
    ("text", "expected"), [("100.50 180.11\n", 899.5), ("0.00 0.00", 1000.0), ("7", 993.0)]
)
def test_A16_the_boot_is_now_minus_the_first_number(tmp_path: Path, text: str, expected: float) -> None:
    path = tmp_path / "uptime"
    path.write_text(text)
    assert booted_at(str(path), 1000.0) == expected


@pytest.mark.parametrize("text", ["soon 1", "-1 0", "nan 0", "inf 0"])
def test_what_is_no_uptime_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "uptime"
    path.write_text(text)
    with pytest.raises(ValueError):
        booted_at(str(path), 1000.0)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "uptime"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"uptime: .* is not an uptime"):
        booted_at(str(path), 1000.0)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        booted_at(str(tmp_path / "uptime"), 1000.0)


def test_without_a_path_it_is_the_kernels() -> None:
    assert 0 < booted_at("", 4e9) < 4e9
