"""A snapshot of etcd as a file, encrypted by age."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pyrage

from gitops.backups.names import BackupName
from gitops.backups.service_names import ServiceBackup
from gitops.secrets import Identities, parse_recipients
from gitops.store import Store
from model.errors import Refused, Unreadable
from model.names import AgeRecipient, ClusterName

DIGEST_BYTES = 32
CHUNK_BYTES = 1 << 20


def take(
    store: Store, cluster: ClusterName, recipients: Sequence[AgeRecipient], at: datetime, folder: Path
) -> tuple[BackupName, Path]:
    """A snapshot of all that etcd holds, encrypted in a file of `folder`, with its name. Raises `Unreadable`.

    Nothing of it stands there as plain text once this returns.
    """
    plain, sealed = folder / "snapshot.db", folder / "snapshot.age"
    try:
        # Whatever revision the snapshot is of, it is no older than this.
        revision = store.revision()
        store.snapshot(plain)
        check_hash(plain)
        pyrage.encrypt_file(str(plain), str(sealed), parse_recipients(tuple(dict.fromkeys(recipients))))
    except OSError as error:
        raise Unreadable(f"a snapshot of etcd could not be written: {error.strerror or error}") from error
    finally:
        plain.unlink(missing_ok=True)
    size, digest = weigh(chunks(sealed))
    return BackupName(cluster, at, revision, size, digest), sealed


def opened(sealed: Path, plain: Path, identities: Identities) -> None:
    """Decrypt a snapshot, and see that it is one. Raises `Refused`, and leaves nothing of it then."""
    try:
        identities.decrypt_file(sealed, plain)
        check_hash(plain)
    except BaseException:
        plain.unlink(missing_ok=True)
        raise


def check_hash(snapshot: Path) -> None:
    """See that a snapshot is as etcd sent it: behind the database stands its SHA-256. Raises `Unreadable`."""
    length = snapshot.stat().st_size - DIGEST_BYTES
    said = hashlib.sha256()
    if length > 0 and length % 512 == 0:
        with snapshot.open("rb") as file:
            left = length
            while left and (chunk := file.read(min(left, CHUNK_BYTES))):
                said.update(chunk)
                left -= len(chunk)
            if file.read() == said.digest():
                return
    raise Unreadable("the snapshot of etcd is not whole: its hash is wrong")


def chunks(path: Path) -> Iterable[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def weigh(pieces: Iterable[bytes]) -> tuple[int, str]:
    """The size and the SHA-256 of what comes in pieces."""
    size, digest = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()


def verify(name: BackupName | ServiceBackup, pieces: Iterable[bytes]) -> None:
    """See that what is kept under a name is what the name says. Raises `Refused`."""
    size, digest = weigh(pieces)
    if (size, digest) != (name.size, name.digest):
        raise Refused(f"{name} is not what its name says: it has {size} bytes, and should have {name.size}")
