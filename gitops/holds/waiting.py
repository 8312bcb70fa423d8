"""What waits for holds to end: found in Git once for each new revision, kept in etcd, and shown in their notices."""

from collections.abc import Sequence

from gitops.holds.notices import begins, write_changed
from gitops.holds.rules import APP, POOL, is_lock, read_waiting
from gitops.manifests import CLUSTER_FILE, app_path, read_cluster
from gitops.registry import Registry
from gitops.revisions import Revisions, origin
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.errors import Refused
from model.mrkdwn import escape
from model.names import NodeName, PoolName
from model.operation import Hold, SyncState, Waiting
from model.pools import Pool

# More than a person reads; older ones are not looked for.
LOOKED_AT = 30


def bumped(before: str | None) -> dict[str, str]:
    """What has everybody see that holds, or the revision they are beside, have changed: it goes with each change."""
    return {keys.HOLDING: str(int(before or 0) + 1)}


class WaitingChanges:
    """Keeps `flstr/waiting_revision` and the holds' notices current; without a change it writes nothing."""

    def __init__(self, store: Store, revisions: Revisions) -> None:
        self._store = store
        self._revisions = revisions
        self._noted_for: tuple[object, ...] = ()

    def note(self, head: str, state: SyncState, holds: Sequence[Hold], why: str = "") -> None:
        """Note what of the newest revision waits; `why` it cannot be followed beside the locks, where that is so."""
        before = read_waiting(self._store)
        if not why and before.revision == head:
            why = before.why
        noted_for = (head, state.revision, why, before, *holds)
        if noted_for == self._noted_for:
            return
        self._revisions.repo.fetch()
        cluster = Registry(self._store).cluster() if state.revision else None
        found = {hold.id: tuple(self._lines(hold, head, state.revision, cluster, why)) for hold in holds}
        waiting = Waiting(revision=head, why=why, lines={name: lines for name, lines in found.items() if lines})
        if waiting != before:
            self._store.put(keys.WAITING_REVISION, waiting.to_json())
        for hold in holds:
            write_changed(self._store, begins(hold, found[hold.id], why if is_lock(hold) else ""))
        self._noted_for = (head, state.revision, why, waiting, *holds)

    def _lines(self, hold: Hold, head: str, followed: str, cluster: Cluster | None, why: str) -> list[str]:
        """The newest first."""
        if not followed or cluster is None:
            return []
        if is_lock(hold) and not why:
            commits = self._touching(hold, head)
        else:
            commits = self._revisions.repo.between(followed, head, LOOKED_AT)
        return [self._line(commit, cluster) for commit in commits]

    def _touching(self, hold: Hold, head: str) -> list[str]:
        repo = self._revisions.repo
        if hold.id.startswith(APP):
            return repo.between(hold.revision, head, LOOKED_AT, app_path(hold.id.removeprefix(APP)))
        commits = repo.between(hold.revision, head, LOOKED_AT, CLUSTER_FILE)
        pool = hold.id.removeprefix(POOL)
        told = [self._of_pool(pool, commit) for commit in [*commits, hold.revision]]
        return [commit for commit, now, before in zip(commits, told, told[1:], strict=False) if now != before]

    def _of_pool(self, pool: PoolName, revision: str) -> tuple[Pool | None, tuple[NodeName, ...]] | None:
        try:
            cluster = read_cluster({CLUSTER_FILE: self._revisions.repo.text(revision, CLUSTER_FILE) or ""})
        except Refused:
            return None
        of_pool = tuple(node for node in cluster.drained if node.rstrip("0123456789") == pool)
        return cluster.pools.get(pool), of_pool

    def _line(self, commit: str, cluster: Cluster) -> str:
        revision = self._revisions.repo.revision(commit)
        asked = origin(revision, cluster)
        return f"{escape(revision.subject[:120])} ({escape(asked.display)}, {escape(asked.place)})"
