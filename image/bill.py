"""The bill of materials (SBOM): every Debian package and every Python distribution in the image.

CycloneDX 1.6 in JSON, checked against the specification's own schema before it is written.
https://cyclonedx.org/docs/1.6/json/
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from image.commands import ImageError
from image.debian import STATUS
from image.python import PACKAGES
from image.targets import Target

PLACE = Path("usr/share/sbom/aws-node-termination-handler.cdx.json")
NAME = "aws-node-termination-handler"


def write(folder: Path, target: Target, *, made_at: int) -> None:
    """Write the bill into the image itself."""
    components = [*_debian_packages(folder), *_python_distributions(folder)]
    (handler,) = (component for component in components if component.name == NAME)
    others = [component for component in components if component is not handler]
    bom = Bom(components=others, metadata=BomMetaData(component=handler))
    # Neither chance nor the clock: the same content is the same image.
    bom.metadata.timestamp = datetime.fromtimestamp(made_at, UTC)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, target.debian + str(sorted(map(_purl, components))))
    bom.register_dependency(handler, others)
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ImageError(f"the bill of materials is not valid: {error}")
    (folder / PLACE).parent.mkdir(parents=True)
    (folder / PLACE).write_text(text + "\n")


def _purl(component: Component) -> str:
    return str(component.purl)


def _debian_packages(folder: Path) -> Iterator[Component]:
    for path in sorted((folder / STATUS).iterdir()):
        control = HeaderParser().parsestr(path.read_text())
        qualifiers = {"arch": control["Architecture"], "distro": "debian-12"}
        yield _component("deb", control["Package"], control["Version"], "debian", qualifiers)


def _python_distributions(folder: Path) -> Iterator[Component]:
    for found in sorted(distributions(path=[str(folder / PACKAGES)]), key=_name):
        component = _component("pypi", _name(found), found.version)
        if expression := found.metadata.json.get("license_expression"):
            component.licenses.add(LicenseFactory().make_from_string(str(expression)))
        yield component


def _name(distribution: Distribution) -> str:
    """Returns the name as indexes normalize it. https://peps.python.org/pep-0503/"""
    return str(distribution.metadata["Name"]).lower().replace("_", "-").replace(".", "-")


def _component(
    kind: str, name: str, version: str, namespace: str | None = None, qualifiers: dict[str, str] | None = None
) -> Component:
    purl = PackageURL(kind, namespace, name, version, qualifiers)
    role = ComponentType.APPLICATION if name == NAME else ComponentType.LIBRARY
    return Component(name=name, version=version, type=role, purl=purl, bom_ref=str(purl))
