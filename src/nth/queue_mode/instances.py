"""Looks instances up in EC2, and remembers the needed parts of them. It decides nothing about an instance."""

import logging
from collections.abc import Collection, Mapping
from sys import intern

from nth.core.notices.aws_facts import Instance
from nth.ports import Clock, Instances
from nth.queue_mode.lookup import Lookup

MAX_IDS = 200
"""Per call: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html"""
FOUND_SECONDS = 300.0
ABSENT_SECONDS = 60.0

GROUP_TAG = "aws:autoscaling:groupName"
_NO_TAGS: Mapping[str, str] = {}


class InstanceDirectory(Lookup[Instance]):
    """EC2's instances. Of their tags only those named in `tag_keys`, and the group's, are kept."""

    found_seconds = FOUND_SECONDS
    absent_seconds = ABSENT_SECONDS
    logger = logging.getLogger("nth.queue_mode.instances")
    defect = "looking up instances failed in the handler itself; it will be tried again"

    def __init__(self, instances: Instances, clock: Clock, *, tag_keys: Collection[str] = ()) -> None:
        super().__init__(
            self._describe,
            clock,
            max_keys=MAX_IDS,
            name="DescribeInstances",
            began="EC2 cannot be asked about instances",
            over="EC2 answers again",
        )
        self._instances = instances
        self._tag_keys = {GROUP_TAG, *tag_keys}

    async def _describe(self, batch: tuple[str, ...]) -> Mapping[str, Instance]:
        found = await self._instances.describe(batch)
        return {instance_id: self._trimmed(instance) for instance_id, instance in found.items()}

    def _trimmed(self, found: Instance) -> Instance:
        kept = {intern(k): intern(v) for k, v in found.tags.items() if k in self._tag_keys}
        return Instance(
            instance_id=found.instance_id,
            state=intern(found.state),
            private_dns_name=found.private_dns_name,
            tags=kept or _NO_TAGS,
        )
