"""The root file system as a whole: files that no package brings, files left out, and a check of it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from image.commands import ImageError
from image.targets import Target

LEFT_OUT = Path(__file__).parent / "left_out.txt"
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
FOLDERS = ("dev", "proc", "run", "sys", "tmp", "etc/ssl/certs", "usr/lib/ssl")
FILES = {
    "etc/group": "root:x:0:\nnth:x:1000:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/passwd": "root:x:0:0::/:/nonexistent\nnth:x:1000:1000::/:/nonexistent\n",
}


def write_system_files(folder: Path) -> None:
    """Write the files that the packages' own scripts would make where they are installed."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "tmp").chmod(0o1777)
    sources = sorted((folder / "usr/share/ca-certificates").rglob("*.crt"))
    (folder / CERTIFICATES).write_bytes(b"".join(path.read_bytes() for path in sources))
    # Where OpenSSL looks of its own accord.
    (folder / "usr/lib/ssl/cert.pem").symlink_to(f"/{CERTIFICATES}")
    (folder / "var/run").rmdir()
    (folder / "var/run").symlink_to("/run")


def leave_out(folder: Path) -> None:
    """Remove what image/left_out.txt names; a pattern without effect is a mistake."""
    lines = [line.partition("#")[0].strip() for line in LEFT_OUT.read_text().splitlines()]
    found = {line: set(folder.glob(line.removeprefix("!"))) for line in lines if line}
    if idle := [line for line, paths in found.items() if not paths]:
        raise ImageError(f"{LEFT_OUT.name}: nothing matches {', '.join(idle)}")
    kept = set().union(*(paths for line, paths in found.items() if line.startswith("!")))
    for path in sorted(set().union(*found.values()) - kept):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        # It may be gone with its folder.
        path.unlink(missing_ok=True)


def check_libraries(folder: Path, target: Target) -> None:
    """Check that each program and module is of that architecture, and finds every library that it needs."""
    machine = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}[target.machine]
    for path in _regular_files(folder):
        with path.open("rb") as file:
            if file.read(4) != b"\x7fELF":
                continue
            elf = ELFFile(file)
            if elf.header.e_machine != machine:
                raise ImageError(f"/{path.relative_to(folder)} is for {elf.header.e_machine}, not {machine}")
            missing = [name for name in _needed(elf) if not _found(folder, target, name)]
            if missing:
                raise ImageError(f"/{path.relative_to(folder)} needs {', '.join(missing)}")


def _needed(elf: ELFFile) -> list[str]:
    dynamic = elf.get_section_by_name(".dynamic")
    if not isinstance(dynamic, DynamicSection):
        return []
    return [str(vars(tag)["needed"]) for tag in dynamic.iter_tags("DT_NEEDED")]


def _found(folder: Path, target: Target, name: str) -> bool:
    return any((folder / parent / target.triplet / name).exists() for parent in ("lib", "usr/lib"))


def set_times(folder: Path, changed_at: int) -> None:
    """Set one time for all files, so that the same content is the same image."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (changed_at, changed_at), follow_symlinks=False)


def _regular_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
