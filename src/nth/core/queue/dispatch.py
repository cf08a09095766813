"""The queue's dispatch: it decides about each message, from its reading to its deletion.

Sans-IO, as the sessions are: `handle(input, now)` returns decisions, to be carried out in this order, and
`wake_at` says when `Woken` is to be handed in. An event goes from `cases`, which find its node, to
`old_events`, which check whether it is over, and to `handoffs`, which give it to a session of ours or to
another replica; when it is settled it comes back to `owed_hooks`. A message is deleted only when all its
events are done: one that is lost before comes again.

An error of our own code costs no more than its own event: the messages about it are left, and come again.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import assert_never

from nth.core.facts import Node
from nth.core.notices.events import AsgLaunch, AsgTermination, Noticed, Withdrawn
from nth.core.notices.message import Ended
from nth.core.policy import Level
from nth.core.queue import dispatch_words as words
from nth.core.queue.adoptions import Adoptions
from nth.core.queue.cases import Cases
from nth.core.queue.dispatch_context import NEVER, Context
from nth.core.queue.dispatch_view import Case, DispatchRules, Key, Ref, View
from nth.core.queue.handoffs import Handoff, Handoffs
from nth.core.queue.launches import Launches
from nth.core.queue.messages_in_hand import MessagesInHand, key_of
from nth.core.queue.node_owner import Answer
from nth.core.queue.node_table import instance_id_of
from nth.core.queue.old_events import OldEvents
from nth.core.queue.owed_hooks import OwedHooks

LOOK_SECONDS = 1.0
"""The pause between two looks at cases that wait for a node; a new node is looked at once."""

Subject = words.Input | words.Decision | Case | Handoff
"""A subject at which the handler itself may fail."""
_DEFECT = "a message could not be handled, because the handler itself failed"
_DEFECTS: dict[type, str] = {
    words.NodeChanged: "a change of a node could not be handled",
    words.TellSession: "a change of a node could not be handled",
    words.ReportSettled: "what AWS waits for is settled, but that could not be reported",
    words.AskWhetherOver: "an old event could not be handled, because the handler itself failed",
    words.OldEventJudged: "an old event could not be handled, because the handler itself failed",
    Handoff: "an event of another replica's node cannot be handled, because the handler itself failed",
}
"""The log's text for a failure that is not about a message."""


class Dispatch:
    """Decides about all messages of all queues. In a dry run no hook is completed."""

    def __init__(self, rules: DispatchRules, view: View, identity: str, *, dry_run: bool = False) -> None:
        self._context = context = Context(rules, view, identity, dry_run=dry_run)
        self.in_hand = MessagesInHand(context)
        self.hooks = OwedHooks(context, self.in_hand)
        self.cases = Cases(context, self.in_hand, self.hooks)
        self.launches = Launches(context, self.in_hand, self.hooks)
        self.adoptions = Adoptions(context)
        self.handoffs = Handoffs(context, self.hooks, self.adoptions)
        self.old = OldEvents(context, self.in_hand, self.hooks, self.launches, self.handoffs)
        self.counts = context.counts
        self._closed = self._leaving = False
        self._waiting_at = NEVER
        """When cases that wait for a node are looked at again (epoch seconds)."""

    @property
    def wake_at(self) -> float:
        """Returns when `Woken` is to be handed in; infinite: not before another input."""
        return min(self.handoffs.look_at, self.adoptions.look_at, self._waiting_at)

    def handle(self, given: words.Input, now: float) -> list[words.Decision]:
        """Returns the decisions that follow from an input."""
        self._context.now = now
        self._guard(given, lambda: self._take(given))
        if self._waiting_at == NEVER and (len(self.cases) or len(self.launches)):
            self._waiting_at = now + LOOK_SECONDS
        return self._context.decided()

    def _take(self, given: words.Input) -> None:
        if isinstance(given, words.Reading):
            self._read(given)
        elif isinstance(given, words.Answered):
            self._answered(given)
        elif isinstance(given, words.SessionSaid | words.HookSaid):
            self._settle(given)
        else:
            self._changed(given)

    def _read(self, given: words.Reading) -> None:
        match given:
            case words.MessageRead():
                self._place_all(self.cases.read(given))
            case words.LargeMessageBegun(ref):
                self.in_hand.open(ref, {_whole(ref)})
                self.in_hand.hold(ref)
            case words.SliceRead():
                self._slice_read(given)
            case words.MessageLeft(ref):
                self.in_hand.leave(ref)
            case _:
                assert_never(given)

    def _answered(self, given: words.Answered) -> None:
        match given:
            case words.InstanceKnown(asked, answer):
                self._place(asked.case, answer)
            case words.HookTimeoutKnown():
                self._timeout_known(given)
            case words.OldEventJudged():
                if not self._closed:
                    self.old.judged(given)
            case words.Posted():
                self.handoffs.posted(given)
            case words.NoticeGiven(key):
                self.in_hand.done(key)
            case words.NodeGivenBack(asked):
                self.launches.given_back(asked)
            case _:
                assert_never(given)

    def _settle(self, given: words.SessionSaid | words.HookSaid) -> None:
        match given:
            case words.SessionEngaged(node_name, event):
                self.hooks.engage(node_name, event)
            case words.SessionSettled(node_name, event, drained):
                self.hooks.settle(node_name, event, drained=drained)
            case words.SessionLetGo(node_name):
                self._let_go(node_name)
            case words.HookProlonged(action, deadline_at):
                self.hooks.prolonged(action, deadline_at)
            case words.HookEnded(action, outcome):
                self.hooks.ended(action, outcome)
            case _:
                assert_never(given)

    def _changed(
        self, given: words.NodeChanged | words.ReplicaGone | words.Stage | words.Failed | words.Woken
    ) -> None:
        match given:
            case words.NodeChanged():
                self._node_changed(given)
            case words.ReplicaGone(identity):
                self.adoptions.died(identity)
                self.handoffs.stir()
            case words.Stage():
                self._reached(given)
            case words.Failed(decision, error):
                self._defect(decision, error)
            case words.Woken():
                self._look()
            case _:
                assert_never(given)

    # Messages and their cases

    def _slice_read(self, given: words.SliceRead) -> None:
        if given.cases and self.in_hand.has(given.ref):
            # A message that is left already comes again: no event settles it.
            self.in_hand.open(given.ref, {case.key for case in given.cases})
        self._place_all(given.cases)
        if given.last and not self._closed:
            # After closing, some of it may not be read, and it is to be given back.
            self.in_hand.done(_whole(given.ref))

    def _place_all(self, cases: Sequence[Case]) -> None:
        for case in cases:
            self._place(case, self.cases.cached(case))

    def _place(self, case: Case, answer: Answer) -> None:
        if not self._closed and (node := self.cases.place(case, answer)) is not None:
            self._ours(case, node)

    def _ours(self, case: Case, node: Node) -> None:
        item = case.item
        if isinstance(item, Ended):
            self._withdraw(case, node, Withdrawn(event_id=item.arn, reason=item.reason))
        elif isinstance(item, AsgLaunch):
            self._ask_timeout(case.ref, item, node)
        elif self._context.rules.policy.level_of(item) is Level.IGNORE:
            self.in_hand.done(case.key)
        elif isinstance(item, AsgTermination):
            self._ask_timeout(case.ref, item, node)
        else:
            self.old.check(node, item)

    def _withdraw(self, case: Case, node: Node, notice: Withdrawn) -> None:
        if self.handoffs.is_anothers(node.name):
            self.in_hand.leave(case.ref)
        else:
            self._context.decide(words.GiveNotice(node.name, notice, node, case.key))

    def _ask_timeout(self, ref: Ref, event: AsgTermination | AsgLaunch, node: Node) -> None:
        """Ask for the hook's timeout: a drain has to know its deadline before it forces anything."""
        self.in_hand.hold(ref)
        self._context.decide(words.AskHookTimeout(ref, event, node))

    def _timeout_known(self, given: words.HookTimeoutKnown) -> None:
        event, node, deadline_at = given.asked.event, given.asked.node, given.deadline_at
        if self._closed:
            return
        if isinstance(event, AsgLaunch):
            self.launches.add(event, deadline_at)
        else:
            self.old.check(node, replace(event, deadline_at=deadline_at))

    # The world

    def _node_changed(self, given: words.NodeChanged) -> None:
        after, node = given.after, given.after or given.before
        assert node is not None, "it is there, or was"
        self._guard(given, lambda: self.adoptions.note(node.name, after))
        self._context.decide(words.TellSession(node.name, after))
        self.handoffs.stir()
        if after is None:
            self.cases.left(node)
            return
        if given.before is None:
            self._look_at_absent()
        # A label alone proves nothing: the node is looked up as for any other event.
        self.launches.look(instance_id_of(after))

    def _let_go(self, node_name: str) -> None:
        self.hooks.let_go(node_name)
        if self._leaving:
            # Its messages are given back when all nodes are handed over.
            return
        self.adoptions.displaced(node_name)
        for event in self.in_hand.events_of(node_name):
            self.handoffs.add(node_name, event)

    def _look(self) -> None:
        for handoff in self.handoffs.due():
            self._guard(handoff, partial(self.handoffs.look, handoff))
        self._guard(words.Woken(), self.adoptions.look)
        if self._waiting_at <= self._context.now:
            self._waiting_at = NEVER
            self._look_at_absent()
            self.launches.look_at_all()

    def _look_at_absent(self) -> None:
        """Place the cases whose nodes may have registered, or whose time is over."""
        for case in self.cases.due():
            self._guard(case, partial(self._place_all, [case]))

    def _reached(self, stage: words.Stage) -> None:
        match stage:
            case words.Stage.STARTED:
                self.adoptions.begin()
            case words.Stage.CLOSING:
                self._closed = True
                self.old.close()
                self.in_hand.give_back(begun=False)
            case words.Stage.LEAVING:
                self._leaving = True
            case words.Stage.LEFT:
                self.in_hand.give_back(begun=True)

    # Errors of our own

    def _guard(self, subject: Subject, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._defect(subject, error)

    def _defect(self, subject: Subject, error: Exception) -> None:
        text = _DEFECTS.get(type(subject), _DEFECT)
        self._context.decide(words.Log(words.ERROR, text, {}, error))
        self._leave(subject)

    def _leave(self, subject: Subject) -> None:
        """Leave the messages of the subject: they come again when their visibility timeout ends."""
        match subject:
            case words.InstanceKnown(asked) | words.HookTimeoutKnown(asked) | words.OldEventJudged(asked):
                self._leave(asked)
            case words.AskInstance(case):
                self._leave(case)
            case (
                Case(ref=ref)
                | words.MessageRead(ref=ref)
                | words.LargeMessageBegun(ref=ref)
                | words.SliceRead(ref=ref)
                | words.AskHookTimeout(ref=ref)
            ):
                self.in_hand.leave(ref)
            case words.KeepHookWaiting(action, event) | words.CompleteHook(action, event):
                self.hooks.forget(action)
                self.in_hand.leave_key(key_of(event))
            case words.GiveNotice(settles=Key() as key):
                self.in_hand.leave_key(key)
            case words.AskWhetherOver(event=event):
                self.old.forget(subject)
                self.in_hand.leave_key(key_of(event))
            case Handoff(name, event) | words.PostToHolder(Node(name=name), event):
                self.handoffs.drop(name, event)
                self.in_hand.leave_key(key_of(event))
            case (
                words.GiveBackNode(launch=event)
                | words.GiveNotice(notice=Noticed(event=event))
                | words.SessionSettled(event=event)
            ):
                self.in_hand.leave_key(key_of(event))
            case _:
                pass


def _whole(ref: Ref) -> Key:
    """Returns the key of a large message, which waits for it until all of it is read."""
    return Key("", ref.message_id)
