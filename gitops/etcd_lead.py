"""Which member leads etcd: one whose disk is quick, since all writes wait for it, and not beside the flstr that leads.

etcd itself goes on with a leader whose disk takes half a second for each write, as long as that is less than an
election takes. Where the flstr that leads and the etcd that leads are on one machine, its death costs an election
first, and the whole of flstr's lease after that.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from gitops.etcd_metrics import Syncs
from gitops.notices import say
from gitops.store import Standing, Store
from model.errors import Refused
from model.mrkdwn import escape

log = structlog.get_logger()

# How often it is looked, with no call that took long, whether etcd is led from where flstr is.
SELDOM_SECONDS = 10.0
# How long syncs are counted once calls take long.
COUNT_SECONDS = 1.5
# Who was seen to be slow is not made the leader for so long.
REMEMBERED_SECONDS = 600.0
# A member that is further behind than this has to catch up first.
BEHIND = 1000


@dataclass(frozen=True)
class Candidate:
    """A member that answers: its id, how much of etcd's log it has, and whether its disk is slow."""

    member_id: int
    written: int
    slow: bool


def is_slow(syncs: Syncs) -> bool:
    """Whether most of some syncs took long; one may have come at a bad moment."""
    return syncs.slow >= 2 and 2 * syncs.slow > syncs.all


def successor(leader: int, own: int, candidates: Sequence[Candidate]) -> int | None:
    """The member that should lead etcd in the place of the one that does; None where it is well as it is.

    `own` is that of the flstr that leads. Pure.
    """
    now = next((one for one in candidates if one.member_id == leader), None)
    if now is None or not (now.slow or leader == own):
        return None
    able = [
        one for one in candidates if one.member_id != leader and not one.slow and now.written - one.written < BEHIND
    ]
    # Where two members are left, the one beside flstr's is as good as none: nothing is gained by its leading.
    others = [one for one in able if one.member_id != own]
    best = max(others or (able if now.slow else []), key=lambda one: one.written, default=None)
    return None if best is None else best.member_id


class EtcdLead:
    """For the flstr that leads, on a controller: its own member comes first among the store's endpoints."""

    def __init__(
        self, store: Store, ask_syncs: Callable[[str], Syncs | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`ask_syncs` is what the member at an address says of its disk."""
        self._store = store
        self._ask_syncs = ask_syncs
        self._clock = clock
        self._ended = threading.Event()
        self._slow: dict[str, float] = {}
        self._look_at = float("-inf")

    def look(self) -> None:
        """Have another member lead where that is better; where calls are quick, it is seldom looked."""
        slow = self._store.was_slow(2 * COUNT_SECONDS)
        if self._clock() < self._look_at and not slow:
            return
        self._look_at = self._clock() + SELDOM_SECONDS
        try:
            self._see_to_it(self._store.endpoints, slow=slow)
        except Refused as error:
            log.warning("it is not known who leads etcd", error=error.sentence)

    def _see_to_it(self, endpoints: Sequence[str], *, slow: bool) -> None:
        if slow:
            self._count(endpoints)
        standings = {one.address: one for one in self._store.standings()}
        if endpoints[0] in standings:
            self._hand_on(endpoints[0], standings)

    def _count(self, endpoints: Sequence[str]) -> None:
        before = self._syncs(endpoints)
        self._ended.wait(COUNT_SECONDS)
        for endpoint, syncs in self._syncs(endpoints).items():
            if endpoint in before and is_slow(syncs.since(before[endpoint])):
                self._slow[endpoint] = self._clock()

    def _syncs(self, endpoints: Sequence[str]) -> dict[str, Syncs]:
        with ThreadPoolExecutor(len(endpoints), thread_name_prefix="etcd metrics") as pool:
            answers = zip(endpoints, pool.map(self._ask_syncs, endpoints), strict=True)
            return {endpoint: syncs for endpoint, syncs in answers if syncs is not None}

    def _is_slow(self, endpoint: str) -> bool:
        return self._clock() - self._slow.get(endpoint, float("-inf")) < REMEMBERED_SECONDS

    def _hand_on(self, own: str, standings: Mapping[str, Standing]) -> None:
        leader = next((one for one in standings.values() if one.member_id == one.leader_id), None)
        if leader is None:
            return
        candidates = [
            Candidate(one.member_id, one.written, self._is_slow(one.address))
            for one in standings.values()
            if one.leader_id == leader.member_id
        ]
        to = successor(leader.member_id, standings[own].member_id, candidates)
        if to is None:
            return
        successor_address = next(one.address for one in standings.values() if one.member_id == to)
        now, then = self._name(leader.address), self._name(successor_address)
        try:
            self._store.hand_on(leader.address, to)
        except Refused as error:
            log.warning("etcd goes on to be led by the same member", member=now, error=error.sentence)
            return
        log.info("etcd is led by another member", before=now, now=then, slow_disk=self._is_slow(leader.address))
        if self._is_slow(leader.address):
            self._say(now, then)

    def _name(self, address: str) -> str:
        return next((one.name for one in self._store.members() if address in one.urls), address)

    def _say(self, slow: str, leads: str) -> None:
        text = f":warning: The disk of `{escape(slow)}` is slow; etcd is led by `{escape(leads)}` now, which is not."
        say(self._store, f"slow-disk-{slow}-{time.strftime('%Y-%m-%d', time.gmtime())}", text)
