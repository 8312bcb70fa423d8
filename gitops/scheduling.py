"""Pools that change their size by the clock: each time a commit, as somebody's `scale` would be."""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog

from gitops.lint import check
from gitops.manifests import CLUSTER_FILE, read_cluster
from gitops.notices import say
from gitops.registry import Registry
from gitops.repository import COMMITTER, ClusterRepo
from gitops.schedules import Due, last_due
from gitops.verbs.scale import with_count
from model import keys
from model.cluster import Cluster
from model.errors import Refused, Unreadable
from model.freezes import zone
from model.mrkdwn import escape
from model.names import PoolName
from model.pools import Pool

log = structlog.get_logger()


class Scheduling:
    """Makes the commits that are due. Only a leader may look, for its registry's store has the fence."""

    def __init__(
        self,
        registry: Registry,
        repo: ClusterRepo,
        wake: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`wake` has the worker look at what was committed."""
        self._registry = registry
        self._repo = repo
        self._wake = wake
        self._clock = clock

    def look(self) -> bool:
        """Bring pools to the size that their schedule says since the last look; says whether there was anything.

        Of several times that were missed only the newest counts. What Git does not take now is tried again.
        """
        store = self._registry.store
        if store.get(keys.CLUSTER) is None:
            return False
        cluster, followed = self._registry.cluster(), store.prefix(keys.SCHEDULED)
        gone = [key for key in followed if not _schedule_of(cluster, key.removeprefix(keys.SCHEDULED))]
        if gone:
            store.delete(*gone)
        if cluster.dissolved:
            return False
        looked = [self._look(name, pool, cluster, followed) for name, pool in cluster.pools.items() if pool.schedule]
        return any(looked)

    def _look(self, name: PoolName, pool: Pool, cluster: Cluster, followed: Mapping[str, str]) -> bool:
        now, shape = self._clock(), _shape(pool, cluster)
        since, _, known = followed.get(keys.scheduled(name), "").partition(" ")
        if known != shape:
            # What was due before anybody had written it is due no more.
            self._note(name, now, shape)
            return False
        change = last_due(pool.schedule, cluster.time_zone, _moment(float(since)), _moment(now))
        if change is None:
            return False
        try:
            self._commit(name, pool, cluster, change)
        except Unreadable as error:
            log.info("a scheduled size waits for Git", pool=name, sentence=error.sentence)
            return False
        except Refused as error:
            self._say_refused(name, change, error.sentence)
        self._note(name, change.at.timestamp(), shape)
        return True

    def _commit(self, name: PoolName, pool: Pool, cluster: Cluster, change: Due) -> None:
        made = f"Schedule-id: {name}@{int(change.at.timestamp())}"
        self._repo.fetch()
        # A controller that was killed right after its push leaves the note to the next one.
        if self._repo.saying(made):
            return
        before = 0

        def edit(files: Mapping[str, str]) -> Mapping[str, str | None]:
            nonlocal before
            now = read_cluster(files).pools.get(name)
            # Whoever has changed the schedule meanwhile, or taken the pool away, does not want this any more.
            if now is None or now.schedule != pool.schedule or now.count == change.count:
                return {}
            before = now.count
            changed = {CLUSTER_FILE: with_count(files, name, now, change.count)}
            check({**files, **changed})
            return changed

        at = change.at.astimezone(zone(cluster.time_zone)).strftime("%Y-%m-%d %H:%M %Z")
        subject = f"Scale {name} to {change.count}, as scheduled for {at}"
        revision = self._repo.commit(edit, f"{subject}\n\n{made}\n", COMMITTER)
        if revision is not None:
            text = f":alarm_clock: *{name}* {before} → {change.count} by its schedule, committed as `{revision[:8]}`."
            say(self._registry.store, f"schedule-{name}-{int(change.at.timestamp())}", text)
            self._wake()

    def _say_refused(self, name: PoolName, change: Due, sentence: str) -> None:
        log.warning("a scheduled size is not to be had", pool=name, count=change.count, sentence=sentence)
        text = f":warning: *{name}* is not brought to {change.count} by its schedule: {escape(sentence)}"
        say(self._registry.store, f"schedule-{name}-{int(change.at.timestamp())}", text)

    def _note(self, name: PoolName, at: float, shape: str) -> None:
        self._registry.store.put(keys.scheduled(name), f"{at:.3f} {shape}")


def _schedule_of(cluster: Cluster, name: PoolName) -> bool:
    pool = cluster.pools.get(name)
    return pool is not None and bool(pool.schedule)


def _shape(pool: Pool, cluster: Cluster) -> str:
    text = f"{cluster.time_zone} {[(line.at, line.count) for line in pool.schedule]}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
