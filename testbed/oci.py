"""Reads an image in an OCI layout: its configuration, and its root file system in a folder.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A runtime's view of an image."""

    root: Path
    """Its files, unpacked."""
    architecture: str
    user: str
    entrypoint: tuple[str, ...]
    environment: tuple[str, ...]
    labels: Mapping[str, str]
    compressed_bytes: int
    """The size of a node's download."""


def unpack(layout: Path, root: Path) -> None:
    """Unpack a layout's only image; as root, so that owners and modes are the image's."""
    (layer,) = _manifest(layout)["layers"]  # In a second one, files might be whiteouts.
    with tarfile.open(_blob(layout, layer)) as archive:
        archive.extractall(root, numeric_owner=True, filter="fully_trusted")


def read_image(layout: Path, root: Path) -> Image:
    """Returns the layout's only image, unpacked before."""
    manifest = _manifest(layout)
    document = _document(layout, manifest["config"])
    config = document["config"]
    return Image(
        root=root,
        architecture=document["architecture"],
        user=config["User"],
        entrypoint=tuple(config["Entrypoint"]),
        environment=tuple(config.get("Env", ())),
        labels=config.get("Labels", {}),
        compressed_bytes=sum(layer["size"] for layer in manifest["layers"]),
    )


def _manifest(layout: Path) -> dict[str, Any]:
    (descriptor,) = json.loads((layout / "index.json").read_text())["manifests"]
    return _document(layout, descriptor)


def _document(layout: Path, descriptor: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_blob(layout, descriptor).read_text())
    return document


def _blob(layout: Path, descriptor: Mapping[str, Any]) -> Path:
    algorithm, _, digest = str(descriptor["digest"]).partition(":")
    return layout / "blobs" / algorithm / digest
