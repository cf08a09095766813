"""The plain manifests for `kubectl apply`, made of the chart: `python -m tools.chart.manifests` writes them.

A test fails when one is stale. Labels that only helm may set (https://helm.sh/docs/chart_best_practices/labels/)
are left out: helm would take the object for one of a release that it does not know.
"""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from testbed.build import assets_folder
from testbed.helm import Helm
from tools.chart.write import CHART

FOLDER: Final = CHART.parent.parent / "deploy" / "kubernetes"
IMAGE: Final = "MY_REGISTRY/aws-node-termination-handler"
QUEUE_URL: Final = "https://sqs.MY_REGION.amazonaws.com/MY_ACCOUNT_ID/MY_QUEUE"
_REPLACE: Final = "# Replace before you apply it: "
_TITLE: Final = (
    "# AWS Node Termination Handler, {}. Made of the Helm chart by `make manifests`; do not edit.\n"
)
_HELMS_OWN: Final = re.compile(
    r"^(# Source: .*| *(app\.kubernetes\.io/managed-by|helm\.sh/chart): .*)\n", re.MULTILINE
)


def manifests(helm: Helm) -> dict[Path, str]:
    """Returns the contents of each file."""
    image = {"image.repository": IMAGE}
    queue = {"enableSqsTerminationDraining": "true", "queueURL": QUEUE_URL}
    return {
        FOLDER / "all-resources.yaml": _head("metadata mode", IMAGE) + _plain(helm, image),
        FOLDER / "all-resources-queue-processor.yaml": (
            _head("queue mode", IMAGE, QUEUE_URL) + _plain(helm, image | queue)
        ),
    }


def _head(mode: str, *placeholders: str) -> str:
    return _TITLE.format(mode) + _REPLACE + " and ".join(placeholders) + "\n"


def _plain(helm: Helm, values: Mapping[str, str]) -> str:
    told = (f"--set={name}={value}" for name, value in values.items())
    return _HELMS_OWN.sub("", helm.render(CHART, *told))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        for path, content in manifests(Helm(assets_folder(), Path(home))).items():
            path.write_text(content)
