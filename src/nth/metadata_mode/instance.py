"""Reads the instance's own description at the start; for webhooks, events and finding the node."""

import asyncio
import logging

from nth.core.notices.imds import IDENTITY_PATH, InstanceMetadata, account_and_region, region_of_zone
from nth.errors import MetadataError
from nth.ports import MetadataService

logger = logging.getLogger("nth.sources.instance")

READ_SECONDS = 5.0
"""The limit for all documents together: watching the instance matters more than describing it."""

# The node is found by the first one.
PATH_BY_FIELD = {
    "instance_id": "/latest/meta-data/instance-id",
    "instance_life_cycle": "/latest/meta-data/instance-life-cycle",
    "instance_type": "/latest/meta-data/instance-type",
    "public_hostname": "/latest/meta-data/public-hostname",
    "public_ipv4": "/latest/meta-data/public-ipv4",
    "local_hostname": "/latest/meta-data/local-hostname",
    "local_ipv4": "/latest/meta-data/local-ipv4",
    "availability_zone": "/latest/meta-data/placement/availability-zone",
}


async def read_instance_metadata(service: MetadataService) -> InstanceMetadata:
    """Returns the fields that can be read within `READ_SECONDS`; the rest stays empty. It raises nothing.

    A document that is not there (no public address, say) is no problem; one that fails is named in the log.
    Without an identity document the zone names the region.
    """
    found: dict[str, str] = {}
    failed: dict[str, str] = {}
    try:
        async with asyncio.timeout(READ_SECONDS):
            await _read_all(service, found, failed)
    except TimeoutError:
        failed["the rest"] = f"not read within {READ_SECONDS:g} s"
    if failed:
        fields = {"error": "; ".join(f"{name}: {reason}" for name, reason in failed.items())}
        logger.warning("Not all instance metadata could be read", extra={"fields": fields})
    if not found.get("region"):
        found["region"] = region_of_zone(found.get("availability_zone", ""))
    return InstanceMetadata(**found)


async def _read_all(service: MetadataService, found: dict[str, str], failed: dict[str, str]) -> None:
    for name, path in PATH_BY_FIELD.items():
        try:
            body = await service.get(path) or b""
            found[name] = body.decode("utf-8", "replace").strip()
        except MetadataError as error:
            failed[name] = str(error)
    try:
        if body := await service.get(IDENTITY_PATH) or b"":
            found["account_id"], found["region"] = account_and_region(body)
    except MetadataError as error:
        failed["account_id and region"] = str(error)
