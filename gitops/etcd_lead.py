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
from model import keys
from model.errors import Refused
from model.mrkdwn import escape

log = structlog.get_logger()

# How often it is looked, with no call that took long, whether etcd is led from where flstr is.
SELDOM_SECONDS = 10.0
# How long syncs are counted once calls take long.
COUNT_SECONDS = 1.5
LOOK_SECONDS = 1.0
# A member that is further behind than this has to catch up first.
BEHIND = 1000


@dataclass(frozen=True)
class Candidate:
    """A member that answers: how much of etcd's log it has, what was counted of its disk, whether flstr leads there."""

    member_id: int
    written: int
    syncs: Syncs | None = None
    beside: bool = False


def is_slow(syncs: Syncs) -> bool:
    """Whether most of some syncs took long; one may have come at a bad moment."""
    return syncs.slow >= 2 and 2 * syncs.slow > syncs.all


def successor(own: int, candidates: Sequence[Candidate]) -> int | None:
    """The member that should lead etcd in the place of one's own, which does; None where none would do better. Pure."""
    now = next((one for one in candidates if one.member_id == own), None)
    if now is None or not (_is_slow(now) or now.beside):
        return None
    able = [one for one in candidates if one is not now and not _is_slow(one) and now.written - one.written < BEHIND]
    if _is_slow(now):
        # Nothing is gained by one of which it is not known that it is quicker.
        able = [one for one in able if one.syncs is not None]
    best = max(able, key=lambda one: (not one.beside, one.written), default=None)
    return None if best is None else best.member_id


def _is_slow(candidate: Candidate) -> bool:
    return candidate.syncs is not None and is_slow(candidate.syncs)


class EtcdLead:
    """Each controller sees to its own member, the first among the store's endpoints, and so needs nobody who leads."""

    def __init__(
        self,
        store: Store,
        ask_syncs: Callable[[str], Syncs | None],
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask_syncs` is what the member at an address says of its disk; `leads` whether the flstr of this controller
        does."""
        self._store = store
        self._ask_syncs = ask_syncs
        self._leads = leads
        self._clock = clock
        self._stopped = threading.Event()
        self._look_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="etcd lead", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def look(self) -> None:
        """Have another member lead where that is better; where calls are quick, it is seldom looked."""
        slow = self._store.was_slow(2 * COUNT_SECONDS)
        if self._clock() < self._look_at and not slow:
            return
        self._look_at = self._clock() + SELDOM_SECONDS
        own = self._store.endpoints[0]
        if _is_led_by(own, self._store.standings()) and (slow or self._leads()):
            counted = self._count()
            # Asked once more: it may be led by another one meanwhile.
            standings = self._store.standings()
            if _is_led_by(own, standings):
                self._hand_on(own, standings, counted)

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                self.look()
            except Refused as error:
                log.warning("etcd goes on to be led by this member", error=error.sentence)
            except Exception:
                # A thread that died would leave etcd to a disk that is dying.
                log.exception("the look at who leads etcd broke")

    def _count(self) -> dict[str, Syncs]:
        """The syncs of each member within a moment."""
        before = self._syncs()
        self._stopped.wait(COUNT_SECONDS)
        return {at: syncs.since(before[at]) for at, syncs in self._syncs().items() if at in before}

    def _syncs(self) -> dict[str, Syncs]:
        endpoints = self._store.endpoints
        with ThreadPoolExecutor(len(endpoints), thread_name_prefix="etcd metrics") as pool:
            answers = zip(endpoints, pool.map(self._ask_syncs, endpoints), strict=True)
            return {endpoint: syncs for endpoint, syncs in answers if syncs is not None}

    def _hand_on(self, own: str, standings: Sequence[Standing], counted: Mapping[str, Syncs]) -> None:
        names, leader = self._names(), self._store.get(keys.LEADER)
        by_id = {one.member_id: one for one in standings}
        now = next(one for one in standings if one.address == own)
        candidates = [
            Candidate(one.member_id, one.written, counted.get(one.address), names.get(one.address) == leader)
            for one in standings
            if one.leader_id == now.member_id
        ]
        to = successor(now.member_id, candidates)
        if to is None:
            return
        self._store.hand_on(own, to)
        before, after = names.get(own, own), names.get(by_id[to].address, by_id[to].address)
        log.info("etcd is led by another member", before=before, now=after, syncs=counted.get(own))
        if own in counted and is_slow(counted[own]):
            text = f":warning: The disk of `{escape(before)}` is slow; etcd is led by `{escape(after)}` now."
            say(self._store, f"slow-disk-{before}-{time.strftime('%Y-%m-%d', time.gmtime())}", text)

    def _names(self) -> dict[str, str]:
        return {url: one.name for one in self._store.members() for url in one.urls}


def _is_led_by(address: str, standings: Sequence[Standing]) -> bool:
    return any(one.address == address and one.member_id == one.leader_id for one in standings)
