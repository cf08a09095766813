"""Keeps this replica's lease and reads those of the others; `core.replicas.membership` judges them.

Renewing and listing go on side by side, each after its own failures. The listener decides what a death
means for the dead replica's node.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from nth.core.backoff import Refusals
from nth.core.facts import Lease
from nth.core.replicas.membership import LEASE_SECONDS, RENEW_SECONDS, Replicas, lease_name
from nth.errors import AdmissionFailed, ClusterError, Conflict, Forbidden, Missing, Throttled, Unreachable
from nth.ports import Clock, Leases
from nth.queue_mode.outage_log import OutageLog

logger = logging.getLogger("nth.queue_mode.replicas")

ATTEMPT_SECONDS = RENEW_SECONDS
"""A request without an answer is given up after this: `core.replicas.membership` relies on it."""
RETRY_SECONDS = 1.0
"""The pause after a failure."""
OFTEN = 5
"""After so many refusals in a row it is asked ever less often."""
RELEASE_SECONDS = 3.0
"""`release` takes no longer."""
RELEASE_RETRY_SECONDS = 0.25

RENEW, LIST, REMOVE = "renew", "list", "remove"

ALONE = (
    "leases may not be listed, so this replica acts as the only one; if there are several, allow the service "
    "account to list, create, patch and delete leases (coordination.k8s.io) in its namespace"
)
NOWHERE = (
    "leases cannot be written because their namespace is not in this cluster, so this replica acts as the "
    "only one; create the namespace, or set USE_LEASES=false where there is only one replica"
)


class ReplicaWatch(Replicas):
    """Watches the replicas. `identity` is our pod's name; `on_death` is called once with each that dies."""

    def __init__(
        self, leases: Leases, clock: Clock, identity: str, *, on_death: Callable[[str], None]
    ) -> None:
        super().__init__(identity)
        self.known = asyncio.Event()
        """Set once it is known which replicas live, or that RBAC forbids to know it."""
        self._leases = leases
        self._clock = clock
        self._on_death = on_death
        self._mine = Lease(
            name=lease_name(identity), holder=identity, duration_seconds=LEASE_SECONDS, renewed_at=0.0
        )
        self._refusals = {verb: Refusals(OFTEN) for verb in (RENEW, LIST)}
        self._has_place = asyncio.Event()
        """Cleared while our lease's namespace is not there: then it is no use to list."""
        self._has_place.set()
        self._writing = asyncio.Lock()
        self._released = False
        self._following = OutageLog(
            logger,
            clock,
            began="replicas cannot follow each other by their leases, trying again",
            over="replicas can follow each other again",
        )
        self._removing = OutageLog(
            logger,
            clock,
            began="leases of dead replicas cannot be removed",
            over="leases can be removed again",
        )

    async def run(self) -> None:
        """Run until cancelled. The first renewal goes before the first list, so others see us first."""
        await self._attempt(RENEW, self._renew)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(LIST, self._list), name="list leases")
            tasks.create_task(
                self._repeat(RENEW, self._renew, after_seconds=RENEW_SECONDS), name="renew lease"
            )

    async def release(self) -> None:
        """Delete our lease, so that others take over at their next list. At most `RELEASE_SECONDS`.

        Call it before `run` is cancelled: a renewal that is cut off might bring the lease back.
        """
        self._released = True
        try:
            async with asyncio.timeout(RELEASE_SECONDS), self._writing:
                await self._give_up()
        except (ClusterError, TimeoutError) as error:
            if self.alone:
                # No replica waits for it.
                return
            fields = {"error": str(error) or "no answer", "seconds": LEASE_SECONDS + RENEW_SECONDS}
            logger.warning("lease is not released, others wait until it ends", extra={"fields": fields})

    async def _repeat(
        self, verb: str, act: Callable[[], Awaitable[None]], after_seconds: float = 0.0
    ) -> None:
        await asyncio.sleep(after_seconds)
        while True:
            if verb == LIST:
                await self._has_place.wait()
            succeeded = await self._attempt(verb, act)
            retry_seconds = self._refusals[verb].pause_seconds(RETRY_SECONDS)
            await asyncio.sleep(RENEW_SECONDS if succeeded else retry_seconds)

    async def _attempt(self, verb: str, act: Callable[[], Awaitable[None]]) -> bool:
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await act()
        except TimeoutError:
            self._failed(verb, Unreachable(f"no answer within {ATTEMPT_SECONDS:g} s"))
        except ClusterError as error:
            self._failed(verb, error)
        except Exception as error:
            # A defect of ours must cost one round, not the hold on our nodes.
            self._failed(verb, error)
        else:
            self._worked(verb)
            return True
        return False

    def _worked(self, verb: str) -> None:
        self._refusals[verb].heard(None)
        self._following.worked(verb)
        if verb == RENEW:
            self._has_place.set()

    def _failed(self, verb: str, error: Exception) -> None:
        self._refusals[verb].heard(error)
        if verb == RENEW and isinstance(error, Missing):
            # If a lease is neither there nor to be created, the namespace is missing.
            self._no_place()
            return
        refused = isinstance(error, Forbidden)
        if refused and verb == LIST:
            self._refused()
        elif verb == LIST or isinstance(error, Unreachable | Throttled | AdmissionFailed):
            self.interrupted()
        # A list that is forbidden from the start is logged as being alone.
        if not refused or self.listed:
            self._following.failed(verb, error)

    def _refused(self) -> None:
        was_alone = self.alone
        deaths = self.forbidden(self._clock.now())
        if self.alone and not was_alone:
            logger.warning(ALONE)
            self.known.set()
        self._tell(deaths)

    def _no_place(self) -> None:
        if self._refusals[RENEW].lasting and self._has_place.is_set():
            self._has_place.clear()
            logger.warning(NOWHERE)
            self._tell(self.nowhere())
            self.known.set()

    async def _renew(self) -> None:
        async with self._writing:
            if self._released:
                return
            try:
                await self._write()
            except (Conflict, Missing):
                # It is ours from before a restart, or a write of ours seemed lost.
                await self._read_mine()
                await self._write()

    async def _write(self) -> None:
        self._mine = await self._leases.write_lease(replace(self._mine, renewed_at=self._clock.now()))

    async def _read_mine(self) -> None:
        listed = await self._leases.list_leases()
        versions = [lease.resource_version for lease in listed if lease.name == self._mine.name]
        self._mine = replace(self._mine, resource_version=versions[0] if versions else "")

    async def _list(self) -> None:
        began_at = self._clock.now()
        self.asking()
        leases = await self._leases.list_leases()
        if self.alone:
            logger.info("leases can be listed now: other replicas are seen")
        now = self._clock.now()
        deaths = self.heard(leases, began_at=began_at, now=now)
        self.known.set()
        self._tell(deaths)
        await self._remove(self.stale(now)[:1])

    def _tell(self, deaths: tuple[str, ...]) -> None:
        for identity in deaths:
            logger.info("another replica is gone", extra={"fields": {"replica": identity}})
            try:
                self._on_death(identity)
            except Exception:
                # A listener must not be able to end the watch.
                logger.exception("the death of a replica could not be handled")

    async def _remove(self, names: tuple[str, ...]) -> None:
        """Remove one lease a round, which is enough."""
        for name in names:
            try:
                await self._leases.delete_lease(name)
            except Missing:
                pass
            except ClusterError as error:
                self._removing.failed(REMOVE, error)
            else:
                self._removing.worked(REMOVE)

    async def _give_up(self) -> None:
        while True:
            try:
                return await self._leases.delete_lease(self._mine.name)
            except Missing:
                return None
            except Forbidden:
                await self._read_mine()
                await self._leases.write_lease(replace(self._mine, holder=""))
                return None
            except (Unreachable, Throttled, AdmissionFailed):
                await asyncio.sleep(RELEASE_RETRY_SECONDS)
