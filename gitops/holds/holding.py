"""Holds begin and end: each together with what the channel hears of it, and with the revision that it is beside."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from gitops.following import GitFollowing
from gitops.holds.notices import begins, over, write_changed
from gitops.holds.rules import is_lock, read_holds, read_waiting
from gitops.holds.waiting import bumped
from gitops.holds.windows import begun, windows_on
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.errors import Refused, Unreadable
from model.operation import EndedHold, Hold, Notice

log = structlog.get_logger()

# Makes the hold out of those there are and the revision that is followed; raises `Refused` where there can be none.
Make = Callable[[Sequence[Hold], str], Hold]


class Holding:
    """Writes `flstr/hold/`. Every change is one transaction, and none comes between a revision and what it is beside:
    `flstr/holding` counts them."""

    def __init__(self, store: Store, following: GitFollowing, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._following = following
        self._clock = clock

    def holds(self) -> tuple[Hold, ...]:
        """Those there are."""
        return read_holds(self._store)

    def begin(self, make: Make) -> Hold:
        """Hold something, or hold it for longer. Raises what `make` raises."""
        while True:
            before = self._store.get(keys.HOLDING)
            hold = make(read_holds(self._store), self._following.state().revision)
            puts = {keys.hold(hold.id): hold.to_json(), **_notices(begins(hold, self._waits(hold))), **bumped(before)}
            if self._store.write_where(keys.HOLDING, before, puts, [keys.WAITING_REVISION]):
                log.info("held", hold=hold.id, person=hold.person)
                return hold

    def end(self, hold_id: str, person: str = "", place: str = "") -> EndedHold | None:
        """Let go; None where nothing is held. Raises `Refused` where what is left locked would not go together."""
        while True:
            before, holds = self._store.get(keys.HOLDING), read_holds(self._store)
            hold = next((one for one in holds if one.id == hold_id), None)
            if hold is None:
                return None
            ended = EndedHold(hold=hold, at=self._clock(), person=person, place=place)
            puts = {keys.held(hold.id, hold.since): ended.to_json(), **bumped(before)}
            puts |= _notices(*over(ended, self._waits(hold)))
            manifests = self._following.beside([one for one in holds if one != hold]) if is_lock(hold) else None
            if manifests is not None:
                puts[keys.CLUSTER] = manifests.cluster.to_json()
            gone = [keys.hold(hold.id), keys.WAITING_REVISION]
            if self._store.write_where(keys.HOLDING, before, puts, gone):
                log.info("let go", hold=hold.id, person=person)
                return ended

    def look(self, holds: Sequence[Hold], cluster: Cluster | None) -> bool:
        """End what has come to its time, and note the manifest's freezes that begin; says whether there was any."""
        now = self._clock()
        over = [hold for hold in holds if hold.until is not None and hold.until <= now]
        changed = [self._is_over(hold) for hold in over]
        return any(changed) or self._windows(holds, cluster, now)

    def _is_over(self, hold: Hold) -> bool:
        try:
            return self.end(hold.id) is not None
        except Unreadable:
            raise
        except Refused as error:
            write_changed(self._store, begins(hold, self._waits(hold), f"its time is over, but {error.sentence}"))
            return False

    def _windows(self, holds: Sequence[Hold], cluster: Cluster | None, now: float) -> bool:
        on = windows_on(cluster.freezes, datetime.fromtimestamp(now, UTC)) if cluster is not None else []
        if not {window.id for window in on} - {hold.id for hold in holds}:
            return False
        ended = [EndedHold.model_validate_json(text) for text in self._store.prefix(keys.HELD).values()]
        new = begun(on, holds, ended, "", now)

        def make(one: Hold) -> Make:
            return lambda _, revision: one.model_copy(update={"revision": revision})

        for hold in new:
            self.begin(make(hold))
        return bool(new)

    def _waits(self, hold: Hold) -> tuple[str, ...]:
        return read_waiting(self._store).lines.get(hold.id, ())


def _notices(*notices: Notice) -> dict[str, str]:
    return {keys.notice(one.id): one.to_json() for one in notices}
