"""Follows operations, approvals and notices, and puts what has to be shown into the outbox."""

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator

import structlog

from bot.approval_card import broken_glass, escalation, is_asked, mentions_of, reminder
from bot.cards import decision, ending, failed_step, notice_card, operation_card, told_line
from bot.delivery import Letter
from bot.message import Message
from bot.outbox import Outbox
from bot.shown import Cards
from gitops.buttons import ASKING
from gitops.gate import asked
from gitops.registry import Registry
from gitops.store import Following
from model import keys
from model.app import App
from model.cluster import Cluster
from model.errors import Refused
from model.operation import ENDED, Approval, Card, Notice, Operation, OperationStatus, StepState
from model.steps import BuildRelease, PlannedStep, StartInstance

log = structlog.get_logger()

# What ended longer ago is not told any more to a channel that never heard of it.
OLD_SECONDS = 86400.0
RETRY_SECONDS = 1.0
STOP_SECONDS = 12.0
URGENT: frozenset[OperationStatus] = ENDED.union(("awaiting_approval",))


class Poster:
    """Keeps no state of its own: of what it hears it reads the newest from etcd, and has it shown whole."""

    def __init__(
        self,
        registry: Registry,
        outbox: Outbox,
        cards: Cards,
        default_channel: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._outbox = outbox
        self._cards = cards
        self._default_channel = default_channel
        self._clock = clock
        self._followings: list[Following] = []
        self._changed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slack poster", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        store = self._registry.store
        self._followings = [
            store.follow(keys.OPERATIONS, self._operation_changed),
            store.follow(keys.APPROVALS, self._approval_changed),
            store.follow(keys.NOTICES, self._notice_changed),
        ]
        self._thread.start()

    def stop(self) -> None:
        """Follow no more."""
        self._stopped.set()
        self._changed.put("")
        for following in self._followings:
            following.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def _operation_changed(self, key: str, value: str | None) -> None:
        if value is not None and not self._is_settled(Operation.model_validate_json(value)):
            self._changed.put(key)

    def _approval_changed(self, _key: str, value: str | None) -> None:
        if value is not None:
            self._changed.put(keys.operation(Approval.model_validate_json(value).operation))

    def _notice_changed(self, key: str, value: str | None) -> None:
        if value is not None:
            self._changed.put(key)

    def _run(self) -> None:
        while not self._stopped.is_set():
            key = self._changed.get()
            try:
                self._show(key)
            except Refused as refused:
                # etcd does not answer: this state may be the last one, so it is tried until it is shown.
                log.warning("a change is shown later", key=key, reason=refused.sentence)
                self._changed.put(key)
                self._stopped.wait(RETRY_SECONDS)
            except Exception:
                log.exception("a change could not be shown", key=key)

    def _show(self, key: str) -> None:
        text = self._registry.store.get(key) if key else None
        if text is None:
            return
        if key.startswith(keys.NOTICES):
            self._show_notice(Notice.model_validate_json(text))
        else:
            self._show_operation(Operation.model_validate_json(text))

    def _show_notice(self, notice: Notice) -> None:
        if self._cards.get(notice.id) is None and self._clock() - notice.at > OLD_SECONDS:
            return
        message = notice_card(notice)
        self._outbox.put(Letter(notice.id, message, message.digest(), self._cluster()[0]))

    def _show_operation(self, operation: Operation) -> None:
        if self._is_settled(operation):
            return
        channel, cluster = self._cluster()
        approval = self._approval(operation)
        for letter in letters(operation, approval, may_approve(cluster, approval), channel):
            self._outbox.put(letter)

    def _is_settled(self, operation: Operation) -> bool:
        ended = operation.ended if operation.ended is not None else operation.created
        old = operation.ended_already() and self._clock() - ended > OLD_SECONDS
        return old and shows_its_end(operation, self._cards.get(operation.id))

    def _approval(self, operation: Operation) -> Approval | None:
        text = operation.approval and self._registry.store.get(keys.approval(operation.approval))
        return Approval.model_validate_json(text) if text else None

    def _cluster(self) -> tuple[str, Cluster | None]:
        if self._registry.store.get(keys.CLUSTER) is None:
            return self._default_channel, None
        cluster = self._registry.cluster()
        return cluster.channel, cluster


def letters(operation: Operation, approval: Approval | None, mentions: tuple[str, ...], channel: str) -> list[Letter]:
    """Everything that has to be said of an operation so far: its card first, then what its thread hears."""

    def said(record: str, message: Message) -> Letter:
        return Letter(record, message, message.digest(), channel, parent=operation.id)

    card = operation_card(operation, approval, mentions)
    # What was approved begins once no button stands there any more.
    shown = f"{ASKING if is_asked(operation, approval) else operation.status} {card.digest()}"
    found = [Letter(operation.id, card, shown, channel, urgent=operation.status in URGENT)]
    for index, taken in enumerate(approval.decisions if approval is not None else ()):
        found.append(said(f"{operation.id}/decision/{index}", decision(taken)))
    found += _about(operation, approval, mentions, channel)
    for record, step in tellers(operation):
        for index, line in enumerate(operation.steps[step.id].told):
            found.append(said(f"{operation.id}/told/{record}/{index}", told_line(step, line)))
    for step in operation.plan.steps:
        state = operation.steps.get(step.id)
        if state is not None and state.status == "failed":
            found.append(said(f"{operation.id}/failed/{step.id}", failed_step(step, state)))
    if operation.ended_already():
        found.append(said(f"{operation.id}/end", ending(operation)))
    return found


def _about(
    operation: Operation, approval: Approval | None, mentions: tuple[str, ...], channel: str
) -> Iterator[Letter]:
    """What the thread hears of a decision that does not come, or that one person took alone.

    Each is said as it was then, and never edited; of reminders that were missed, the newest is said.
    """

    def once(record: str, message: Message) -> Letter:
        return Letter(f"{operation.id}/{record}", message, "said", channel, parent=operation.id)

    if approval is None:
        return
    if is_asked(operation, approval):
        if approval.reminded:
            yield once(f"reminder/{len(approval.reminded) - 1}", reminder(operation, approval, mentions))
        if approval.escalated is not None:
            yield once("escalation", escalation(operation, approval, mentions))
    if approval.glass is not None:
        yield once("glass", broken_glass(approval.glass))


def tellers(operation: Operation) -> list[tuple[str, PlannedStep]]:
    """The steps whose lines the thread hears, each by the id under which it hears them.

    A release that is built on many machines is told of once, by the machine that had it first. All of them share the
    id of the first in the plan: what is posted under it stays one message, whoever turns out to have been faster.
    """
    found: list[tuple[str, PlannedStep]] = []
    builds: dict[tuple[str, ...], list[PlannedStep]] = {}
    for step in operation.plan.steps:
        if (app := _built_by(step)) is not None:
            builds.setdefault((app.kind, app.app, app.commit, app.build or ""), []).append(step)
        elif step.id in operation.steps:
            found.append((step.id, step))
    for steps in builds.values():
        ended = [
            (state.ended or math.inf, number)
            for number, step in enumerate(steps)
            if (state := operation.steps.get(step.id)) is not None and state.told and _is_built(step, state)
        ]
        if ended:
            found.append((steps[0].id, steps[min(ended)[1]]))
    return found


def _built_by(step: PlannedStep) -> App | None:
    """The app whose commit a step builds, if it builds one."""
    match step.step:
        case BuildRelease(app=app) | StartInstance(app=app, build=True):
            return app
    return None


def _is_built(step: PlannedStep, state: StepState) -> bool:
    """A step that builds and starts tells of its build once that is done, whatever becomes of the start."""
    return state.status == "done" or isinstance(step.step, StartInstance)


def shows_its_end(operation: Operation, card: Card | None) -> bool:
    """Whether nothing is told wrongly: the card says how it ended, or there is none."""
    return card is None or (bool(card.ts) and card.shown.partition(" ")[0] == operation.status)


def may_approve(cluster: Cluster | None, approval: Approval | None) -> tuple[str, ...]:
    """Whose click counts, as Slack mentions them."""
    if cluster is None or approval is None:
        return ()
    return mentions_of(cluster, asked(approval, cluster), approval)
