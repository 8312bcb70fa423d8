"""The backups of a cluster: made when they are due, read back, told of where they fail."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from gitops.backups.due import failed, is_due, succeeded
from gitops.backups.keeping import keep
from gitops.backups.names import BackupName, of_cluster, superfluous
from gitops.backups.place import Place, PlaceOf
from gitops.backups.snapshot import chunks, take, verify
from gitops.notices import notice
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.backups import BackupRecord
from model.cluster import Backups as Wanted
from model.cluster import Cluster
from model.errors import Refused, Unreadable
from model.mrkdwn import escape
from model.names import AgeRecipient

log = structlog.get_logger()

PREFIX = "backup-"


def read_record(store: Store) -> BackupRecord:
    """How the last backups went."""
    text = store.get(keys.BACKUP)
    return BackupRecord() if text is None else BackupRecord.model_validate_json(text)


class Backups:
    """Makes the backups of a cluster. Only a leader may, for its registry's store has the fence.

    `recipient` is the cluster's own public key, to which all are encrypted.
    """

    def __init__(
        self,
        registry: Registry,
        place_of: PlaceOf,
        recipient: AgeRecipient,
        folder: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Snapshots are made in `folder`, which has to have room for one, and are gone from there afterwards."""
        self._registry = registry
        self._place_of = place_of
        self._recipient = recipient
        self._folder = folder
        self._clock = clock
        self._one_at_a_time = threading.Lock()

    def look(self) -> None:
        """Make one where it is due. What goes wrong is noted, and tried again later."""
        try:
            cluster = self._registry.cluster()
            due = cluster.backups is not None and is_due(
                cluster.backups, read_record(self._registry.store), self._clock()
            )
        except Refused:
            # Nothing was accepted yet, or etcd does not answer: there is nothing to copy.
            return
        if due:
            try:
                self.make()
            except Refused as error:
                log.warning("no backup came to be", sentence=error.sentence)

    def make(self) -> BackupRecord:
        """Make one now, whether it is due or not. Raises `Refused`, once that is noted."""
        cluster = self._registry.cluster()
        if cluster.backups is None:
            raise Refused("cluster.yaml names no place for backups; write one into the field `to` under `backups`")
        with self._one_at_a_time:
            try:
                name = self._make(cluster, cluster.backups)
            except Refused as error:
                self._note_failure(error.sentence)
                raise
            return self._note_success(name)

    def _make(self, cluster: Cluster, wanted: Wanted) -> BackupName:
        place = self._place_of(wanted)
        recipients = (self._recipient, *cluster.secrets.recipients)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._folder.glob(f"{PREFIX}*"):
            # Whoever was killed in the middle left it, as plain text it may be.
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=self._folder) as temporary:
            at = datetime.fromtimestamp(self._clock(), UTC)
            name, sealed = take(self._registry.store, cluster.cluster, recipients, at, Path(temporary))
            old = partial(superfluous, new=name, keep=wanted.keep)
            keep(place, name, sealed, old, self._registry.store.check_fence)
        return name

    def _note_success(self, name: BackupName) -> BackupRecord:
        store = self._registry.store
        before = read_record(store)
        record = succeeded(before, str(name), name.size, self._clock())
        again = ":white_check_mark: Backups of etcd are made again."
        said = notice(f"backup-{before.failing_since:.0f}-over", again) if before.failure else {}
        store.write({keys.BACKUP: record.to_json(), **said})
        log.info("a backup was made", name=str(name), size=name.size)
        return record

    def _note_failure(self, sentence: str) -> None:
        store = self._registry.store
        before = read_record(store)
        record = failed(before, sentence, self._clock())
        text = f":warning: No backup of etcd comes to be: {escape(sentence)}"
        said = {} if before.failure else notice(f"backup-{record.failing_since:.0f}-begins", text)
        store.write({keys.BACKUP: record.to_json(), **said})


def newest(place: Place, cluster: str, name: str = "latest") -> BackupName:
    """The backup that is meant: `latest`, or one by its name or how that begins. Raises `Refused`."""
    there = of_cluster(place.names(), cluster)
    if not there:
        raise Refused(f"there is no backup of {cluster} in that place")
    found = there if name == "latest" else [one for one in there if str(one).startswith(name)]
    if not found:
        raise Refused(f"there is no backup {name}; the newest one is {there[0]}")
    return found[0]


def fetch(place: Place, name: BackupName, to: Path) -> None:
    """Fetch a backup into a file, as a whole or not at all. Raises `Refused`."""
    try:
        with to.open("wb") as file:
            for piece in place.read(str(name)):
                file.write(piece)
    except OSError as error:
        raise Unreadable(f"the backup could not be written to {to}: {error.strerror or error}") from error
    verify(name, chunks(to))
