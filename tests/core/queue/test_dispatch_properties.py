"""The dispatch under any order and repetition of inputs, and with crashes between its decisions.

Beside it stands a plain model: what AWS has in its queue, which hooks wait, and what has been said that would
let a message go or owe a hook its completion. A process that dies keeps nothing; its messages come again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.facts import Node
from nth.core.lifecycle.hook_messages import Outcome
from nth.core.node.node_annotation import Seen
from nth.core.notices.aws_facts import Instance, LifecycleAction
from nth.core.notices.events import AsgLaunch, AsgTermination, Event, Noticed, SpotInterruption, Withdrawn
from nth.core.notices.message import Heard, instance_id_of
from nth.core.policy import Policy
from nth.core.queue import dispatch_words as words
from nth.core.queue.dispatch import Dispatch
from nth.core.queue.dispatch_view import DispatchRules, Ref, View
from nth.core.queue.node_owner import Answer, Ec2, OwnerRules
from nth.core.queue.staleness import LeftAlone, Over, Stands, Verdict
from nth.errors import Conflict, Unreachable
from tests.core.queue.dispatch_world import OTHER, QUEUE, US, DispatchWorld, a_node

INSTANCES = ("i-0", "i-1", "i-2")
TAG = "managed"
AT = 1_000_000.0
"""When all was noticed; the world's time begins a moment later."""

Item = Event | AsgLaunch


def node_of(instance_id: str) -> str:
    return f"node-{instance_id[2:]}"


def hook_of(instance_id: str, name: str) -> LifecycleAction:
    return LifecycleAction(group="g", hook=name, token=f"{name}-{instance_id}", instance_id=instance_id)


def spot(instance_id: str, name: str = "spot", at: float = AT) -> Event:
    return SpotInterruption(
        event_id=f"{name}-{instance_id}",
        action="terminate",
        interrupted_at=at + 120,
        noticed_at=at,
        instance_id=instance_id,
    )


def termination(instance_id: str, name: str) -> Event:
    action = hook_of(instance_id, "end")
    return AsgTermination(event_id=name, instance_id=instance_id, action=action, noticed_at=AT)


def launch(instance_id: str) -> AsgLaunch:
    action = hook_of(instance_id, "begin")
    return AsgLaunch(event_id=action.token, instance_id=instance_id, action=action, noticed_at=AT - 1000)


MESSAGES: dict[str, tuple[Item, ...]] = {
    "spot": (spot("i-0"),),
    "spot twice": (spot("i-0"),),
    "hook": (termination("i-0", "end"),),
    "hook twice": (termination("i-0", "end"),),
    "hook by another event": (termination("i-0", "twin"),),
    "other hook": (termination("i-1", "other end"),),
    "many": (spot("i-0"), spot("i-1"), spot("i-2")),
    "old": (spot("i-1", "old", AT - 500),),
    "launch": (launch("i-2"),),
}
ITEMS = {item.event_id: item for items in MESSAGES.values() for item in items}


def action_of(item: Item) -> LifecycleAction | None:
    return item.action if isinstance(item, AsgTermination | AsgLaunch) else None


@dataclass
class Story:
    """AWS, the cluster, and one process after another."""

    rules: DispatchRules
    in_queue: set[str] = field(default_factory=lambda: set(MESSAGES))
    """Visible to whoever asks."""
    in_hand: set[str] = field(default_factory=set)
    ended: set[LifecycleAction] = field(default_factory=set)
    """Hooks that AWS has accepted a completion of."""
    settled: set[str] = field(default_factory=set)
    """Events of which it has been said that nothing is left to do."""
    owed: set[str] = field(default_factory=set)
    """Events of which it has been said that their hook is to be completed."""
    not_owed: set[str] = field(default_factory=set)
    """Hooks that are left to time out, as somebody has said."""
    decisions_left: int | None = None
    """After so many the process dies."""

    def __post_init__(self) -> None:
        self.begin()
        for instance_id in INSTANCES:
            self.world.see(a_node(node_of(instance_id), instance_id))
        self.given: list[words.Input] = []

    def begin(self) -> None:
        """A new process, which knows nothing but what it sees."""
        before = getattr(self, "world", None)
        self.world = DispatchWorld(self.rules)
        self.world.now = AT + 1 if before is None else before.now
        if before is not None:
            self.world.sight = sight = before.sight
            sight.node_names, sight.over = (), set()
            view = View(nodes=sight, instances=sight, replicas=sight, sessions=sight, hooks=sight)
            self.world.machine = Dispatch(self.rules, view, US)
            for node in sight.nodes.values():
                self.world.feed(words.NodeChanged(None, node))
        self.pending: list[words.Question] = []
        self.sessions: dict[tuple[str, str], Event] = {}
        self.kept: dict[LifecycleAction, bool] = {}
        self.world.feed(words.Stage.STARTED)

    def crash(self) -> None:
        self.in_queue |= self.in_hand
        self.in_hand = set()
        self.decisions_left = None
        self.begin()

    def feed(self, given: words.Input) -> None:
        """As the shell does: in order, and what follows at once after that."""
        self.given.append(given)
        inputs = [given]
        while inputs:
            for decision in self.world.feed(inputs.pop(0)):
                if self.decisions_left == 0:
                    self.crash()
                    return
                if self.decisions_left is not None:
                    self.decisions_left -= 1
                inputs += self.carry_out(decision)

    def carry_out(self, decision: words.Decision) -> list[words.Input]:
        """What is said at once in turn."""
        if isinstance(decision, words.Question):
            self.pending.append(decision)
        elif isinstance(decision, words.MessageDecision):
            self.put(decision)
        elif isinstance(decision, words.HookDecision):
            self.tell_hook(decision)
        elif isinstance(decision, words.SessionDecision):
            return self.tell_session(decision)
        elif isinstance(decision, words.Log):
            assert decision.defect is None, repr(decision.defect)
        return []

    def put(self, decision: words.MessageDecision) -> None:
        message_id = decision.ref.message_id
        if isinstance(decision, words.Delete):
            for item in MESSAGES[message_id]:
                assert item.event_id in self.settled, f"{message_id} waits for {item.event_id}"
            self.in_queue.discard(message_id)
        elif isinstance(decision, words.Leave | words.GiveBack):
            self.in_queue.add(message_id)
        if not isinstance(decision, words.Hold):
            self.in_hand.discard(message_id)

    def tell_hook(self, decision: words.HookDecision) -> None:
        match decision:
            case words.KeepHookWaiting(action):
                self.kept.setdefault(action, False)
            case words.CompleteHook(action, event):
                assert event.event_id in self.owed, f"{action} is owed no completion"
                self.kept[action] = True
            case words.AbandonHook(action):
                self.kept.pop(action, None)

    def tell_session(self, decision: words.SessionDecision) -> list[words.Input]:
        match decision:
            case words.GiveNotice(node_name, Noticed(event=event)):
                return self.noticed(node_name, event)
            case words.GiveNotice(node_name, Withdrawn(event_id=event_id), settles=key):
                self.sessions.pop((node_name, event_id), None)
                return [] if key is None else [words.NoticeGiven(key)]
            case words.Adopt(node, record):
                return [each for seen in record.events for each in self.noticed(node.name, seen.event)]
        return []

    def noticed(self, node_name: str, event: Event) -> list[words.Input]:
        self.sessions[node_name, event.event_id] = event
        self.world.sight.node_names = tuple(dict.fromkeys(name for name, _ in self.sessions))
        return [words.SessionEngaged(node_name, event)]

    # What may happen

    def deliver(self, number: int) -> None:
        """The queue delivers a message that nobody has in hand."""
        if not self.in_queue:
            return
        message_id = sorted(self.in_queue)[number % len(self.in_queue)]
        self.in_queue.discard(message_id)
        self.in_hand.add(message_id)
        heard = Heard(items=MESSAGES[message_id])
        self.feed(words.MessageRead(Ref(QUEUE, message_id), AT, 100, heard))

    def answer(self, number: int, *, kindly: bool = False) -> None:
        """A question is answered, in whatever order and way."""
        if self.pending:
            asked = self.pending.pop(number % len(self.pending))
            self.feed(self.answer_to(asked, 0 if kindly else number // 7))

    def answer_to(self, asked: words.Question, way: int) -> words.Input:
        match asked:
            case words.AskInstance(case):
                return words.InstanceKnown(asked, self.instance(case.key, way))
            case words.AskHookTimeout():
                return words.HookTimeoutKnown(asked, AT + 600 if way % 2 else None)
            case words.AskWhetherOver(event=event):
                verdicts: list[Verdict] = [Stands(), Stands("a doubt"), LeftAlone("x"), Over("y")]
                if way % 4 == 3:
                    self.say_over(event)
                return words.OldEventJudged(asked, verdicts[way % 4])
            case words.PostToHolder():
                if way % 3 == 0:
                    self.post(asked)
                return words.Posted(asked, (None, Conflict("409"), Unreachable("gone"))[way % 3])
            case words.GiveBackNode(event, node):
                if node.ready:
                    self.owed.add(event.event_id)
                return words.NodeGivenBack(asked)

    def instance(self, key: tuple[str, str], way: int) -> Answer:
        instance_id, event_id = key
        if way % 4 == 3:
            return Ec2.SILENT
        if way % 4:
            self.say_over(ITEMS[event_id])
        tags = {TAG: ""} if way % 4 == 0 else {}
        return (
            None
            if way % 4 == 2
            else Instance(
                instance_id=instance_id,
                state="running",
                private_dns_name=f"{node_of(instance_id)}.x",
                tags=tags,
            )
        )

    def say_over(self, item: Item) -> None:
        """No session need do anything for it, and nobody waits in its hook."""
        self.settled.add(item.event_id)
        self.not_owed.add(item.event_id)

    def settle(self, number: int, *, drained: bool) -> None:
        """A session is through with an event."""
        if not self.sessions:
            return
        node_name, event_id = sorted(self.sessions)[number % len(self.sessions)]
        event = self.sessions[node_name, event_id]
        if drained and isinstance(event, AsgTermination):
            self.owed.add(event_id)
        else:
            self.settled.add(event_id)
            self.not_owed.add(event_id)
        self.feed(words.SessionSettled(node_name, event, drained))

    def end_hook(self, number: int) -> None:
        """AWS accepts a completion; or says that the action is over, if it was accepted before."""
        due = (action for action, settled in self.kept.items() if settled or self.is_over(action))
        waiting = sorted(due, key=str)
        if not waiting:
            return
        action = waiting[number % len(waiting)]
        outcome = Outcome.GONE if self.is_over(action) else Outcome.COMPLETED
        del self.kept[action]
        self.hook_ended(action)
        self.world.sight.over.add(hook_of(action.instance_id, action.hook))
        self.feed(words.HookEnded(action, outcome))

    def hook_ended(self, action: LifecycleAction) -> None:
        ended = hook_of(action.instance_id, action.hook)
        self.ended.add(ended)
        self.settled |= {each for each, item in ITEMS.items() if action_of(item) == ended}

    def is_over(self, action: LifecycleAction) -> bool:
        return hook_of(action.instance_id, action.hook) in self.ended

    def let_go(self, number: int) -> None:
        """A session steps aside, because another replica has written its name on the node."""
        names = sorted({name for name, _ in self.sessions})
        if names:
            name = names[number % len(names)]
            self.sessions = {key: event for key, event in self.sessions.items() if key[0] != name}
            self.world.sight.node_names = tuple(dict.fromkeys(each for each, _ in self.sessions))
            self.hold(name, OTHER)
            self.feed(words.SessionLetGo(name))

    def change_node(self, number: int) -> None:
        instance_id = INSTANCES[number % 3]
        name, way = node_of(instance_id), number // 3 % 5
        if way == 0 and name in self.world.sight.nodes:
            self.lose(name, instance_id)
        elif way == 1:
            self.show(a_node(name, instance_id, ready=bool(number % 2)))
        elif way == 2:
            self.hold(name, OTHER)
        elif way == 3:
            self.hold(name, "")
        else:
            self.finish_elsewhere(name)

    def lose(self, name: str, instance_id: str) -> None:
        for item in ITEMS.values():
            if instance_id_of(item) == instance_id:
                # Nothing is left to drain: a hook may be completed, and nothing else waits.
                self.owed.add(item.event_id)
                if not isinstance(item, AsgTermination):
                    self.say_over(item)
        self.feed(words.NodeChanged(self.world.sight.nodes.pop(name), None))

    def show(self, node: Node) -> None:
        before = self.world.sight.nodes.get(node.name)
        self.world.sight.nodes[node.name] = node
        self.feed(words.NodeChanged(before, node))

    def hold(self, name: str, holder: str) -> None:
        """Somebody's name stands on the node, with what is known of its events."""
        if name in self.world.sight.nodes:
            record = self.world.machine.adoptions.records.get(name)
            events = () if record is None else record.events
            self.show(a_node(name, f"i-{name[5:]}", holder=holder, events=events))

    def post(self, asked: words.PostToHolder) -> None:
        record = self.world.machine.adoptions.records.get(asked.node.name)
        if record is not None and asked.node.name in self.world.sight.nodes:
            events = (*record.events, Seen(asked.event, self.world.now))
            self.show(a_node(asked.node.name, asked.node.instance_id, holder=record.holder, events=events))

    def finish_elsewhere(self, name: str) -> None:
        """The other replica is through with all that stands on the node."""
        record = self.world.machine.adoptions.records.get(name)
        if record is None or name not in self.world.sight.nodes or record.holder != OTHER:
            return
        for seen in record.events:
            self.owed.add(seen.event.event_id)
            if not isinstance(seen.event, AsgTermination):
                self.settled.add(seen.event.event_id)
            else:
                self.hook_ended(seen.event.action)
        done = tuple(Seen(seen.event, seen.seen_at, settled=True) for seen in record.events)
        self.show(a_node(name, f"i-{name[5:]}", holder=OTHER, events=done))

    def say_again(self, number: int) -> None:
        """Somebody says something once more: an answer, a session, a hook or a watch."""
        heard = [each for each in self.given[-8:] if self.may_be_said_again(each)]
        if heard:
            self.feed(heard[number % len(heard)])

    def may_be_said_again(self, given: words.Input) -> bool:
        """A message in hand is not handed on twice, and a session speaks only as long as it is there."""
        if isinstance(given, words.SessionEngaged | words.SessionSettled):
            return (given.node_name, given.event.event_id) in self.sessions
        return not isinstance(given, words.MessageRead | words.NodeChanged | words.SessionLetGo | words.Stage)

    def others(self, number: int) -> None:
        sight = self.world.sight
        if number % 2:
            sight.living, sight.shown = {OTHER}, {OTHER}
        else:
            sight.living = set()
            self.feed(words.ReplicaGone(OTHER))

    def sleep(self, seconds: float) -> None:
        until_at = self.world.now + seconds
        if until_at >= AT + 600:
            # The launch's hook may have timed out.
            self.settled.add(launch("i-2").event_id)
            self.not_owed.add(launch("i-2").event_id)
        while self.world.machine.wake_at <= until_at:
            self.world.now = max(self.world.now, self.world.machine.wake_at)
            self.feed(words.Woken())
        self.world.now = until_at

    def leave(self) -> None:
        """SIGTERM, all steps; then another process."""
        for stage in (words.Stage.CLOSING, words.Stage.LEAVING, words.Stage.LEFT):
            self.feed(stage)
        assert self.in_hand == set(), "every message is for others now"
        self.crash()

    def finish(self) -> None:
        """Nobody else is there, everything is answered, and every session comes to its end."""
        self.decisions_left = None
        self.others(0)
        for instance_id in INSTANCES:
            self.show(a_node(node_of(instance_id), instance_id))
        for _ in range(30):
            while self.in_queue:
                self.deliver(0)
                while self.pending:
                    self.answer(0, kindly=True)
            for number in range(len(self.sessions)):
                self.settle(number, drained=True)
            while any(settled or self.is_over(action) for action, settled in self.kept.items()):
                self.end_hook(0)
            self.sleep(10)
            while self.pending:
                self.answer(0, kindly=True)


WAYS: dict[str, tuple[int, Callable[[Story, int], None]]] = {
    "a message is delivered": (6, Story.deliver),
    "a question is answered": (6, Story.answer),
    "a session is through": (2, lambda story, number: story.settle(number // 3, drained=number % 3 > 0)),
    "a hook is over": (2, Story.end_hook),
    "a node changes": (4, Story.change_node),
    "a session lets go": (2, Story.let_go),
    "it is said again": (1, Story.say_again),
    "a replica comes or goes": (1, Story.others),
    "time passes": (1, lambda story, number: story.sleep(number / 20)),
    "much time passes": (1, lambda story, number: story.sleep(number * 5)),
    "the process dies": (1, lambda story, _: story.crash()),
    "the process dies soon": (1, lambda story, number: setattr(story, "decisions_left", number % 6)),
    "the process leaves": (1, lambda story, _: story.leave()),
}
OFTEN = [way for way, (often, _) in WAYS.items() for _ in range(often)]
NUMBERS = st.sampled_from(range(210))
"""As often a large one as a small one."""
STEPS = st.lists(st.tuples(st.sampled_from(OFTEN), NUMBERS), min_size=10, max_size=60)


@pytest.mark.parametrize("delete_if_not_found", [False, True])
@pytest.mark.parametrize("check_tag", [False, True])
@settings(max_examples=200)
@given(steps=STEPS)
def test_whatever_happens_messages_go_when_settled_and_hooks_are_completed_when_owed(
    steps: list[tuple[str, int]], check_tag: bool, delete_if_not_found: bool
) -> None:
    """On the way, no message is deleted that waits for anything, and no hook completed that is not owed."""
    owner = OwnerRules(tag_key=TAG if check_tag else "")
    rules = DispatchRules(owner=owner, policy=Policy(), delete_if_not_found=delete_if_not_found)
    story = Story(rules)
    for way, number in steps:
        WAYS[way][1](story, number)
    story.finish()
    machine = story.world.machine
    assert (story.in_queue, story.in_hand) == (set(), set()), "every message is deleted in the end"
    parts = (machine.in_hand, machine.hooks, machine.handoffs, machine.launches, machine.cases)
    assert [len(part) for part in parts] == [0] * 5, "nothing is in hand for ever"
    left_alone = {action_of(ITEMS[event_id]) for event_id in story.not_owed}
    owed = {action_of(item) for item in ITEMS.values()} - left_alone - {None}
    assert owed <= story.ended, "every hook that is owed its completion is completed"
