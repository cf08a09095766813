"""Where the lines come from."""

import gzip
import io
import sys
from pathlib import Path

import pytest

from nth.errors import SettingError
from nth.reading.files import joined, read_lines


def test_a_file_and_a_packed_file_have_the_same_lines(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    plain.write_bytes("one\r\ntwo ü\n\nlast".encode())
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read_lines(str(plain))) == list(read_lines(str(packed))) == ["one", "two ü", "", "last"]


def test_an_empty_file_and_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"")
    assert list(read_lines(str(path))) == []
    path.write_bytes(b"\xff\xfe\n")
    assert list(read_lines(str(path))) == ["��"]


def test_of_a_packed_file_that_ends_early_what_came_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.log.gz"
    packed = gzip.compress("".join(f"line {number}\n" for number in range(50_000)).encode())
    path.write_bytes(packed[: len(packed) // 2])
    lines = list(read_lines(str(path)))
    assert lines[:2] == ["line 0", "line 1"]
    assert capsys.readouterr().err == "nth: the packed log ends early; what came until then is used\n"


BROKEN = {"nothing": b"\x1f\x8bno gzip at all", "its end": gzip.compress(b"x" * 99)[:-9] + b"y" * 9}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_packed_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(content)
    with pytest.raises(SettingError, match="cannot be read") as error:
        list(read_lines(str(path)))
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_folder_are_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(SettingError, match="cannot be read"):
            list(read_lines(str(path)))


def test_a_terminal_is_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(SettingError, match="pipe one in"):
        list(read_lines("-"))


def test_pieces_of_a_runtimes_file_are_joined_for_each_stream() -> None:
    at = "2026-11-22T08:30:00.123456789Z"
    lines = [
        f"{at} stderr P begin ",
        f"{at} stdout F other",
        f"{at} stderr P middle ",
        f"{at} stderr F end",
        "no runtime's line",
        f"{at} stderr P never finished",
    ]
    assert list(joined(lines)) == ["other", "begin middle end", "no runtime's line"]
