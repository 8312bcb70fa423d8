"""Follows operations, approvals and notices, and tells the outbox what is out of date."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from bot.approvals.card import mentions_of
from bot.delivery import Letter
from bot.letters import card_letter, notice_letters, paused_letter, speaks, thread_letters, words
from bot.news import News
from bot.outbox import Outbox
from bot.pace import Rank
from bot.shown import Cards
from gitops.etcd_following import Following
from gitops.gate import asked
from gitops.registry import Registry
from model import keys
from model.cluster import Cluster
from model.operation import ENDED, Approval, Card, Notice, Operation, OperationStatus

log = structlog.get_logger()

# What ended longer ago is not told any more to a channel that never heard of it.
OLD_SECONDS = 86400.0
DECISIVE: frozenset[OperationStatus] = ENDED.union(("awaiting_approval",))


class Poster:
    """Keeps nothing of a record but how much its thread has to hear; what is shown is read when its turn comes."""

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
        self._channel = default_channel
        self._default_channel = default_channel
        self._clock = clock
        self._words: dict[str, int] = {}
        self._followings: list[Following] = []

    def start(self) -> None:
        """Begin to follow."""
        self._cluster()
        store = self._registry.store
        self._followings = [
            store.follow(keys.OPERATIONS, self._operation_changed),
            store.follow(keys.APPROVALS, self._approval_changed),
            store.follow(keys.NOTICES, self._notice_changed),
            store.follow(keys.FOLLOWERS, self._follower_changed),
        ]

    def stop(self) -> list[News]:
        """Follow no more; what says that work which goes on after the next start pauses meanwhile."""
        for following in self._followings:
            following.stop()
        return [
            News(record, partial(self._read_paused, record), self._channel, rank=Rank.DECISIVE)
            for record in sorted(self._cards.under_way())
        ]

    def _operation_changed(self, key: str, value: str | None) -> None:
        if value is None:
            operation_id = key.removeprefix(keys.OPERATIONS)
            self._words.pop(operation_id, None)
            self._cards.drop(operation_id)
            return
        operation = Operation.model_validate_json(value)
        if self._is_settled(operation):
            return
        rank = Rank.DECISIVE if operation.status in DECISIVE else Rank.PROGRESS
        self._outbox.put(self._card(operation.id, rank))
        known, now = self._words.get(operation.id, 0), words(operation)
        self._words[operation.id] = now
        if now != known:
            self._outbox.put(self._thread(operation.id, Rank.DECISIVE if operation.ended_already() else Rank.WORDS))

    def _approval_changed(self, _key: str, value: str | None) -> None:
        if value is None:
            return
        approval = Approval.model_validate_json(value)
        self._outbox.put(self._card(approval.operation, Rank.DECISIVE))
        if speaks(approval):
            self._outbox.put(self._thread(approval.operation, Rank.WORDS))

    def _notice_changed(self, key: str, value: str | None) -> None:
        notice_id = key.removeprefix(keys.NOTICES)
        if value is None:
            self._cards.drop(notice_id)
        else:
            card = News(notice_id, partial(self._read_notice, key, 0), self._channel, rank=Rank.WORDS)
            self._outbox.put(card)
            rest = News(f"{notice_id}/thread", partial(self._read_notice, key, 1), self._channel, card, Rank.WORDS)
            self._outbox.put(rest)

    def _follower_changed(self, key: str, value: str | None) -> None:
        """Who waits for the end is mentioned there, also where the end came at the same time."""
        operation_id = key.removeprefix(keys.FOLLOWERS).partition("/")[0]
        if value is not None:
            self._outbox.put(self._thread(operation_id, Rank.WORDS))

    def _card(self, operation_id: str, rank: Rank) -> News:
        return News(operation_id, partial(self._read_card, operation_id), self._channel, rank=rank)

    def _thread(self, operation_id: str, rank: Rank) -> News:
        card = self._card(operation_id, rank)
        return News(f"{operation_id}/thread", partial(self._read_thread, operation_id), self._channel, card, rank)

    def _read_card(self, operation_id: str) -> list[Letter]:
        operation = self._operation(operation_id)
        if operation is None or self._is_settled(operation):
            return []
        channel, cluster = self._cluster()
        approval = self._approval(operation)
        return [card_letter(operation, approval, may_approve(cluster, approval), channel)]

    def _read_thread(self, operation_id: str) -> list[Letter]:
        operation = self._operation(operation_id)
        if operation is None or self._is_settled(operation):
            return []
        channel, cluster = self._cluster()
        followers = self._registry.store.prefix(keys.followers(operation_id))
        users = [key.rpartition("/")[2] for key in followers]
        approval = self._approval(operation)
        asked_of, waiting = may_approve(cluster, approval), mentioned(operation, cluster, users)
        return thread_letters(operation, approval, waiting, channel, asked_of)

    def _read_notice(self, key: str, first: int) -> list[Letter]:
        text = self._registry.store.get(key)
        if text is None:
            return []
        notice = Notice.model_validate_json(text)
        if self._cards.get(notice.id) is None and self._clock() - notice.at > OLD_SECONDS:
            return []
        found = notice_letters(notice, self._cluster()[0], self._is_known)
        return found[:1] if first == 0 else found[1:]

    def _read_paused(self, operation_id: str) -> list[Letter]:
        # Whoever leads by now shows the work that goes on.
        operation = None if self._registry.store.get(keys.LEADER) else self._operation(operation_id)
        if operation is None or operation.status not in ("running", "queued"):
            return self._read_card(operation_id) if operation is not None else []
        return [paused_letter(operation, self._cluster()[0])]

    def _is_known(self, record: str) -> bool:
        return self._cards.get(record) is not None

    def _is_settled(self, operation: Operation) -> bool:
        ended = operation.ended if operation.ended is not None else operation.created
        old = operation.ended_already() and self._clock() - ended > OLD_SECONDS
        return old and shows_its_end(operation, self._cards.get(operation.id))

    def _operation(self, operation_id: str) -> Operation | None:
        text = self._registry.store.get(keys.operation(operation_id))
        return None if text is None else Operation.model_validate_json(text)

    def _approval(self, operation: Operation) -> Approval | None:
        text = operation.approval and self._registry.store.get(keys.approval(operation.approval))
        return Approval.model_validate_json(text) if text else None

    def _cluster(self) -> tuple[str, Cluster | None]:
        if self._registry.store.get(keys.CLUSTER) is None:
            self._channel = self._default_channel
            return self._channel, None
        cluster = self._registry.cluster()
        self._channel = cluster.channel
        return cluster.channel, cluster


def shows_its_end(operation: Operation, card: Card | None) -> bool:
    """Whether nothing is told wrongly: the card says how it ended, or there is none."""
    return card is None or (bool(card.ts) and card.shown.partition(" ")[0] == operation.status)


def may_approve(cluster: Cluster | None, approval: Approval | None) -> tuple[str, ...]:
    """Whose click counts, as Slack mentions them."""
    if cluster is None or approval is None:
        return ()
    return mentions_of(cluster, asked(approval, cluster), approval)


def mentioned(operation: Operation, cluster: Cluster | None, followers: Sequence[str]) -> tuple[str, ...]:
    """The Slack users who are told of the end: who asked, and everybody who asked for the same meanwhile."""
    person = operation.origin.person
    known = cluster.people.get(person) if cluster is not None and person is not None else None
    return tuple(dict.fromkeys([*([known.slack] if known else []), *followers]))
