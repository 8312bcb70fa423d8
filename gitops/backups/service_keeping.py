"""Backups of services where the cluster's own are kept: encrypted, found and fetched again."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyrage

from gitops.backups.place import Place, PlaceOf
from gitops.backups.service_names import ServiceBackup, of_service
from gitops.backups.snapshot import chunks, verify, weigh
from gitops.secrets import Identities, parse_recipients
from model.cluster import Cluster
from model.errors import Refused, Unreadable
from model.names import AgeRecipient, AppName


def place_in(cluster: Cluster, place_of: PlaceOf) -> Place:
    """Where they are kept. Raises `Refused` where the manifest names no place."""
    if cluster.backups is None:
        raise Refused("cluster.yaml names no place for backups; write one into the field `to` under `backups`")
    return place_of(cluster.backups)


def seal(
    plain: Path, cluster: Cluster, service: AppName, at: datetime, recipients: Sequence[AgeRecipient]
) -> tuple[ServiceBackup, Path]:
    """A service's data as an encrypted file beside the plain one, which is gone then. Raises `Refused`."""
    sealed = plain.with_suffix(".age")
    try:
        pyrage.encrypt_file(str(plain), str(sealed), parse_recipients(tuple(dict.fromkeys(recipients))))
        size, digest = weigh(chunks(sealed))
    except (OSError, pyrage.EncryptError) as error:
        raise Unreadable(f"the backup could not be written to {sealed}: {error}") from error
    finally:
        plain.unlink(missing_ok=True)
    return ServiceBackup(cluster.cluster, service, at, size, digest), sealed


def find(place: Place, cluster: Cluster, service: AppName, name: str = "") -> ServiceBackup:
    """The backup of a service that is meant by its name or how that begins, the newest without. Raises `Refused`."""
    there = of_service(place.names(), cluster.cluster, service)
    if not there:
        raise Refused(f"there is no backup of {service} where cluster.yaml keeps backups")
    found = [one for one in there if str(one).startswith(name)]
    if not found:
        raise Refused(f"there is no backup {name} of {service}; the newest one is {there[0]}")
    return found[0]


def fetch(place: Place, name: ServiceBackup, to: Path, identities: Identities) -> None:
    """Fetch a backup and decrypt it into a file, as a whole or not at all. Raises `Refused`."""
    sealed = to.with_suffix(".age")
    try:
        with sealed.open("wb") as file:
            for piece in place.read(str(name)):
                file.write(piece)
        verify(name, chunks(sealed))
        identities.decrypt_file(sealed, to)
    except OSError as error:
        raise Unreadable(f"the backup could not be written to {to}: {error.strerror or error}") from error
    finally:
        sealed.unlink(missing_ok=True)
