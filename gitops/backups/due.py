"""When a backup is due, and how the last ones went, in words. Pure."""

from typing import TypeVar

from gitops.liveness import in_words
from model.backups import BackupRecord
from model.cluster import Backups, Cluster
from model.mrkdwn import escape

# A place that cannot be written to is tried again sooner than the next backup would be.
RETRY_SECONDS = 300.0

R = TypeVar("R", bound=BackupRecord)


def is_due(wanted: Backups, record: BackupRecord, now: float) -> bool:
    """Whether a copy is to be made now; one that failed is tried again.

    What was noted by a clock that was ahead must not be waited for.
    """
    if record.failure:
        return not 0 <= now - record.tried < min(wanted.every, RETRY_SECONDS)
    return not 0 <= now - record.at < wanted.every


def status_line(cluster: Cluster, record: BackupRecord, now: float) -> str:
    """What `status` says of backups."""
    if cluster.backups is None:
        return "no backups of etcd: cluster.yaml has no `backups`"
    return failing_words(record, now) or _last(record, now)


def failing_words(record: BackupRecord, now: float) -> str:
    """Why no backup comes to be, and since when; nothing where the last one did."""
    if not record.failure:
        return ""
    since = in_words(max(0.0, now - record.failing_since))
    return f":warning: {_last(record, now)}; none comes to be since {since}: {escape(record.failure)}"


def _last(record: BackupRecord, now: float) -> str:
    return f"last backup {in_words(max(0.0, now - record.at))} ago" if record.at else "no backup yet"


def succeeded(record: R, name: str, size: int, at: float) -> R:
    """The record once a copy was made and found right."""
    update = {"at": at, "name": name, "size": size, "tried": at, "failure": "", "failing_since": 0.0}
    return record.model_copy(update=update)


def failed(record: R, sentence: str, at: float) -> R:
    """The record once a copy did not come to be."""
    since = record.failing_since or at
    return record.model_copy(update={"failure": sentence, "tried": at, "failing_since": since})
