"""The webhook's data as the original has it, from the JSON of the golden corpus."""

from datetime import datetime
from typing import Any

from gotemplate.times import GoTime
from gotemplate.values import GoField, GoMap, GoSlice, GoStruct

NOW_AT = 1795336200.25
"""2026-11-22 08:30:00.25 UTC: what `now` is in the corpus."""
METADATA = {
    "AccountId": "accountId",
    "InstanceID": "instanceId",
    "InstanceLifeCycle": "instanceLifeCycle",
    "InstanceType": "instanceType",
    "PublicHostname": "publicHostname",
    "PublicIP": "publicIp",
    "LocalHostname": "localHostname",
    "LocalIP": "privateIp",
    "AvailabilityZone": "availabilityZone",
    "Region": "region",
}
EVENT = [
    "EventID",
    "Kind",
    "Monitor",
    "Description",
    "State",
    "AutoScalingGroupName",
    "NodeName",
    "NodeLabels",
    "Pods",
    "InstanceID",
    "ProviderID",
    "InstanceType",
    "IsManaged",
    "StartTime",
    "EndTime",
    "NodeProcessed",
    "InProgress",
]
BOOLS = ("IsManaged", "NodeProcessed", "InProgress")


def data_of(kind: str, data: Any) -> object:
    """What a case of the corpus is rendered with."""
    return webhook_data(data) if kind == "webhook" else data


def webhook_data(data: dict[str, dict[str, Any]]) -> GoStruct:
    """The original's combinedDrainData; what the JSON leaves out is Go's zero value."""
    given, event = data.get("Metadata", {}), data.get("Event", {})
    metadata = GoStruct(
        "main.NodeMetadata",
        [GoField(name, given.get(json_name, ""), json_name) for name, json_name in METADATA.items()],
    )
    interruption = GoStruct("main.InterruptionEvent", [GoField(name, _field(event, name)) for name in EVENT])
    return GoStruct(
        "main.combinedDrainData",
        [
            GoField("NodeMetadata", metadata, embedded=True),
            GoField("InterruptionEvent", interruption, embedded=True),
            GoField("InstanceID", event.get("InstanceID") or given.get("instanceId", "")),
            GoField("InstanceType", event.get("InstanceType") or given.get("instanceType", "")),
        ],
    )


def _field(event: dict[str, Any], name: str) -> object:
    value = event.get(name)
    if name == "NodeLabels":
        return GoMap(value or {}, "string", is_nil=value is None)
    if name == "Pods":
        return GoSlice(value or [], "string", is_nil=value is None)
    if name in ("StartTime", "EndTime"):
        return GoTime() if value is None else GoTime.at(datetime.fromisoformat(value).timestamp())
    if name in BOOLS:
        return bool(value)
    return value or ""
