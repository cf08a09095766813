"""The values of a release of the original's chart in which the user has said nothing."""

from typing import Any

from tests.chart.original import ORIGINAL, nested

_NULLS = (
    "serviceAccount.name",
    "terminationGracePeriodSeconds",
    "serviceMonitor.namespace",
    "podMonitor.namespace",
    "awsAccessKeyID",
    "awsSecretAccessKey",
)


def old_values() -> dict[str, Any]:
    """As the release holds them: the original's file leaves some empty that `ORIGINAL` has as a text."""
    return nested(dict(ORIGINAL) | dict.fromkeys(_NULLS))
