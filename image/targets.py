"""The architectures that the image is built for, and Debian's and Python's names for them."""

from dataclasses import dataclass

GLIBC_MINOR = 36
"""Debian 12 has glibc 2.36: a wheel may ask for that or for less."""
OLDEST_GLIBC_MINOR = 17


@dataclass(frozen=True, slots=True)
class Target:
    """One architecture."""

    debian: str
    """Debian's and OCI's name."""
    machine: str
    """Python's and the kernel's name."""

    @property
    def triplet(self) -> str:
        """The folder of its libraries."""
        return f"{self.machine}-linux-gnu"

    @property
    def wheel_platforms(self) -> tuple[str, ...]:
        """The tags of wheels, the best first. https://peps.python.org/pep-0600/"""
        minors = range(GLIBC_MINOR, OLDEST_GLIBC_MINOR - 1, -1)
        return (*(f"manylinux_2_{minor}_{self.machine}" for minor in minors), f"manylinux2014_{self.machine}")


TARGETS = {
    target.debian: target
    for target in (Target(debian="amd64", machine="x86_64"), Target(debian="arm64", machine="aarch64"))
}
