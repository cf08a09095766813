"""Takes messages in: reads each, finds whose node it is about, and puts it into the right hands.

Nothing that a message says ends this or holds up another message.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import assert_never

from nth.core.facts import Node
from nth.core.notices.aws_facts import Message
from nth.core.notices.eventbridge import read_message
from nth.core.notices.events import AsgLaunch, AsgTermination, Event, Withdrawn
from nth.core.notices.message import Ended, Heard, Many, NotForUs, Unreadable
from nth.core.policy import Level, demand_of
from nth.core.queue.departed import Departed
from nth.core.queue.message_refs import Key, Ref
from nth.core.queue.node_owner import (
    Answer,
    AskEc2,
    Ec2,
    Later,
    Left,
    NotFound,
    NotOurs,
    Ours,
    Owner,
    Question,
    owner_of,
)
from nth.core.queue.node_table import instance_id_of as node_instance_id
from nth.core.queue.recent_keys import Remembered
from nth.errors import AwsError
from nth.ports import Clock
from nth.queue_mode.bulk import LARGE_CHARS, Bulk
from nth.queue_mode.intake_parts import Case, Directory, Hands, Index, IntakeRules, ref_of
from nth.queue_mode.messages_in_hand import Desk
from nth.queue_mode.unregistered import Absent, may_register_until

logger = logging.getLogger("nth.fleet.intake")

PATIENCE_SECONDS = 3.0
"""A machine that certainly goes away is not asked about any longer than this."""
CALM_PATIENCE_SECONDS = 15.0
HOOK_PATIENCE_SECONDS = 2.0
"""How long the timeout of a lifecycle hook is waited for before the drain begins."""
LAUNCH_SECONDS = 7200.0
"""A launch hook of which AWS does not tell the timeout is forgotten after this."""
LOOK_SECONDS = 1.0


class Intake:
    """Messages of all queues. `run` comes first."""

    def __init__(
        self, desk: Desk, index: Index, directory: Directory, hands: Hands, clock: Clock, rules: IntakeRules
    ) -> None:
        self.counts: Counter[str] = Counter()
        """Messages and items by what became of them."""
        self._desk = desk
        self._index = index
        self._directory = directory
        self._hands = hands
        self._clock = clock
        self._rules = rules
        self._absent: Absent[Case] = Absent()
        self._departed = Departed()
        self._bulk = Bulk(
            desk,
            clock,
            act_on=self._act_on,
            place=self._place_now,
            is_known=self._is_known,
            failed=self._failed,
        )
        self._told = Remembered()
        self._tasks: asyncio.TaskGroup | None = None
        self._closed = False

    def close(self) -> None:
        """Begin nothing new: what is not decided by now is given back by others."""
        self._closed = True
        self._bulk.close()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._bulk.run(), name="large messages")
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                self._look_at_absent()
                for event in self._hands.overdue_launches(self._clock.now()):
                    fields = {"instance_id": event.instance_id, "event_id": event.event_id}
                    logger.warning(
                        "The launch hook's time is over, and its node does not serve yet",
                        extra={"fields": fields},
                    )
                    self._desk.done(Key(event.instance_id, event.event_id))

    def take(self, messages: Sequence[Message]) -> None:
        """Messages that a queue has delivered."""
        for message in messages:
            try:
                if len(message.body) > LARGE_CHARS:
                    self._bulk.put(message)
                else:
                    self._read(message)
            except Exception:
                self._failed(ref_of(message))

    def _read(self, message: Message) -> None:
        reading = read_message(message.body, received_at=message.sent_at or self._clock.now())
        if isinstance(reading, Many):
            self._bulk.put(message)
        else:
            self._act_on(message, reading)

    def _act_on(self, message: Message, reading: Heard | NotForUs | Unreadable) -> None:
        ref = ref_of(message)
        match reading:
            case Unreadable(reason):
                self._unreadable(message, reason)
            case NotForUs(reason):
                self._not_for_us(ref, reason)
            case Heard():
                self._heard(ref, message, reading)
            case _:
                assert_never(reading)

    def _unreadable(self, message: Message, reason: str) -> None:
        self.counts["unreadable"] += 1
        if self._told.is_news(message.message_id, self._clock.now()):
            fields = {"message_id": message.message_id, "reason": reason, "bytes": len(message.body)}
            then = "deleting it" if self._rules.delete_unreadable else "leaving it in the queue"
            logger.warning("A message cannot be read, %s", then, extra={"fields": fields})
        self._put_aside(ref_of(message), delete=self._rules.delete_unreadable)

    def _not_for_us(self, ref: Ref, reason: str) -> None:
        self.counts["not for us"] += 1
        fields = {"message_id": ref.message_id, "reason": reason}
        logger.debug("A message is not for us", extra={"fields": fields})
        self._put_aside(ref, delete=self._rules.delete_not_for_us)

    def _put_aside(self, ref: Ref, *, delete: bool) -> None:
        if delete:
            self._desk.settle(ref)
        else:
            self._desk.leave(ref)

    def _heard(self, ref: Ref, message: Message, heard: Heard) -> None:
        for warning in heard.warnings:
            fields = {"message_id": ref.message_id, "warning": warning}
            logger.warning("Something in a message cannot be read, going on", extra={"fields": fields})
        cases = [
            Case(ref=ref, item=item, account=heard.account, sent_at=message.sent_at) for item in heard.items
        ]
        self._desk.open(ref, {case.key for case in cases})
        for case in cases:
            self._place(case, self._known(case))

    # Whose node

    def _place(self, case: Case, answer: Answer) -> None:
        if self._closed:
            return
        owner = self._owner(case, answer)
        match owner:
            case AskEc2():
                self._begin(case.ref, self._ask(case), f"ask EC2 about {case.key.instance_id}")
            case Ours(node, doubt):
                self._ours(case, node, doubt)
            case Left(reason):
                self._node_left(case, reason)
            case NotOurs(reason, of_our_cluster):
                self._not_ours(case, reason, of_our_cluster=of_our_cluster)
            case Later(reason, found):
                self._later(case, reason, found=found)
            case NotFound(reason):
                self._not_found(case, reason)
            case _:
                assert_never(owner)

    def _place_now(self, case: Case) -> Coroutine[object, object, None] | None:
        """None: that is done; else what is to be awaited, because EC2 has to be asked."""
        answer = self._known(case)
        if isinstance(self._owner(case, answer), AskEc2):
            return self._ask(case)
        self._place(case, answer)
        return None

    def _owner(self, case: Case, answer: Answer) -> Owner:
        instance_id = case.key.instance_id
        deadline_at = self._deadline_at(case)
        left_by = self._departed.names(instance_id, self._clock.now())
        question = Question(
            instance_id=instance_id,
            node=self._index.find(instance_id),
            was_ours=bool(left_by),
            hook_left_by=left_by if isinstance(case.item, AsgTermination) else frozenset(),
            rivals=self._index.rivals(instance_id),
            patient=isinstance(case.item, AsgTermination | AsgLaunch),
            nameless=self._index.has_nameless,
            account=case.account,
            doomed=deadline_at is not None,
            until_at=self._until_at(case),
        )
        return owner_of(question, answer, self._rules.owner, self._clock.now(), self._index.find_by_dns)

    def _known(self, case: Case) -> Answer:
        known = self._directory.peek(case.key.instance_id)
        return Ec2.UNASKED if known is None else known[0]

    def _deadline_at(self, case: Case) -> float | None:
        if isinstance(case.item, AsgLaunch | Ended):
            return None
        return demand_of(case.item, case.sent_at, self._rules.policy).deadline_at

    def _until_at(self, case: Case) -> float:
        launching = isinstance(case.item, AsgLaunch)
        return may_register_until(case.sent_at, self._deadline_at(case), launching=launching)

    async def _ask(self, case: Case) -> None:
        patience = CALM_PATIENCE_SECONDS if self._deadline_at(case) is None else PATIENCE_SECONDS
        answer: Answer = Ec2.SILENT
        try:
            async with asyncio.timeout(patience):
                urgent = self._is_known(case)
                answer = await self._directory.look_up(case.key.instance_id, urgent=urgent)
        except (AwsError, TimeoutError) as error:
            logger.debug("no answer of EC2: %r", error)
        self._place(case, answer)

    # Into the right hands

    def _ours(self, case: Case, node: Node, doubt: str) -> None:
        self.counts["ours"] += 1
        if doubt:
            fields = {"node": node.name, "doubt": doubt}
            logger.warning("Going on with a node whose machine certainly goes away", extra={"fields": fields})
        item = case.item
        if isinstance(item, Ended):
            if self._hands.withdraw(node, Withdrawn(event_id=item.arn, reason=item.reason)):
                self._desk.done(case.key)
            else:
                self._desk.leave(case.ref)
        elif isinstance(item, AsgLaunch):
            self._desk.hold(case.ref)
            self._begin(case.ref, self._take_launch(item), f"launch of {item.instance_id}")
        elif self._rules.policy.level_of(item) is Level.IGNORE:
            self._desk.done(case.key)
        elif isinstance(item, AsgTermination):
            self._desk.hold(case.ref)
            self._begin(case.ref, self._take_hook(node, item), f"hook of {item.instance_id}")
        else:
            self._take(node, item)

    async def _take_hook(self, node: Node, event: AsgTermination) -> None:
        """Know how long there is before anything is forced."""
        self._take(node, replace(event, deadline_at=await self._hook_deadline(event)))

    async def _take_launch(self, event: AsgLaunch) -> None:
        deadline_at = await self._hook_deadline(event)
        if not self._closed:
            if deadline_at is None or deadline_at <= self._clock.now():
                deadline_at = event.noticed_at + LAUNCH_SECONDS
            self._hands.launch(event, deadline_at)

    async def _hook_deadline(self, event: AsgTermination | AsgLaunch) -> float | None:
        try:
            async with asyncio.timeout(HOOK_PATIENCE_SECONDS):
                return await self._hands.hook_deadline(event.action, event.noticed_at)
        except TimeoutError:
            logger.debug("the timeout of hook %s is not known in time", event.action.hook)
            return None

    def _take(self, node: Node, event: Event) -> None:
        if self._closed:
            return
        self._desk.assign(node.name, event)
        self._hands.take(node, event)

    def _not_ours(self, case: Case, reason: str, *, of_our_cluster: bool) -> None:
        self.counts["not ours"] += 1
        fields = {"instance_id": case.key.instance_id, "event_id": case.key.event_id, "reason": reason}
        if of_our_cluster and self._told.is_news(case.key.instance_id, self._clock.now()):
            logger.warning("Doing nothing for a node of our cluster", extra={"fields": fields})
        logger.debug("An event is not ours", extra={"fields": fields})
        if self._rules.delete_not_for_us:
            self._desk.done(case.key)
        else:
            self._desk.leave(case.ref)

    def _later(self, case: Case, reason: str, *, found: bool) -> None:
        self.counts["later"] += 1
        fields = {"instance_id": case.key.instance_id, "event_id": case.key.event_id, "reason": reason}
        logger.debug("An event has to wait", extra={"fields": fields})
        expected = found or isinstance(case.item, AsgLaunch)
        if expected and self._absent.add(case, self._until_at(case)):
            self._desk.hold(case.ref)
        else:
            self._desk.leave(case.ref)

    def _not_found(self, case: Case, reason: str) -> None:
        self.counts["not found"] += 1
        fields = {"instance_id": case.key.instance_id, "event_id": case.key.event_id, "reason": reason}
        if not self._rules.delete_if_not_found:
            logger.debug("No node for an event, leaving its message", extra={"fields": fields})
            self._desk.leave(case.ref)
            return
        logger.info("No node for an event, deleting its message", extra={"fields": fields})
        if isinstance(case.item, Ended | AsgLaunch):
            # An instance that never became a node is better replaced: its hook is not completed.
            self._desk.done(case.key)
        else:
            self._give_up(case)

    def _node_left(self, case: Case, reason: str) -> None:
        self.counts["node left"] += 1
        assert isinstance(case.item, AsgTermination)
        hook = case.item.action.hook
        fields = {"instance_id": case.key.instance_id, "event_id": case.key.event_id, "hook": hook}
        if self._rules.delete_if_not_found:
            logger.info(
                "Nothing is left to drain, so the lifecycle hook is completed",
                extra={"fields": {**fields, "reason": reason}},
            )
            self._give_up(case)
        elif self._hands.is_over(case.item.action):
            self._desk.done(case.key)
        else:
            if self._told.is_news(case.key.event_id, self._clock.now()):
                logger.warning(
                    "No node for a lifecycle hook, leaving its message; with "
                    "DELETE_SQS_MSG_IF_NODE_NOT_FOUND the hook would be completed",
                    extra={"fields": {**fields, "reason": reason}},
                )
            self._desk.leave(case.ref)

    def _give_up(self, case: Case) -> None:
        """Nothing is left to do but what AWS waits for."""
        assert not isinstance(case.item, Ended)
        self._desk.hold(case.ref)
        self._hands.give_up(case.item)

    # Nodes

    def node_changed(self, before: Node | None, after: Node | None) -> None:
        """A watch says so."""
        if after is None and before is not None and (instance_id := node_instance_id(before)):
            self._departed.add(instance_id, before.name, self._clock.now())
        elif after is not None and before is None:
            self._look_at_absent()

    def _look_at_absent(self) -> None:
        """Some may have registered, or may have had time enough."""
        for case in self._absent.pop(self._is_here, self._clock.now()):
            try:
                self._place(case, self._known(case))
            except Exception:
                self._failed(case.ref)

    def _is_here(self, case: Case) -> bool:
        return self._index.has_nameless or self._is_known(case)

    def _is_known(self, case: Case) -> bool:
        instance_id = case.key.instance_id
        return self._index.find(instance_id) is not None or bool(self._index.rivals(instance_id))

    def _begin(self, ref: Ref, work: Coroutine[object, object, None], name: str) -> None:
        assert self._tasks is not None, "run() comes first"
        self._tasks.create_task(self._guarded(ref, work), name=name)

    async def _guarded(self, ref: Ref, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception:
            self._failed(ref)

    def _failed(self, ref: Ref) -> None:
        """A defect of ours: the message comes again when its visibility timeout ends, perhaps to another."""
        logger.exception("a message could not be handled, because the handler itself failed")
        self._desk.leave(ref)
