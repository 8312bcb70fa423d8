"""A backup is kept once it can be read back, and only then do older ones go."""

from collections.abc import Callable, Iterable
from pathlib import Path

from gitops.backups.names import BackupName
from gitops.backups.place import Place
from gitops.backups.service_names import ServiceBackup
from gitops.backups.snapshot import verify
from model.errors import Refused, Unreadable

Superfluous = Callable[[Iterable[str]], Iterable[BackupName | ServiceBackup]]


def keep(
    place: Place,
    name: BackupName | ServiceBackup,
    sealed: Path,
    superfluous: Superfluous,
    check_fence: Callable[[], None],
) -> None:
    """Put a backup there, and remove those that are superfluous among the names there. Raises `Refused`."""
    place.put(str(name), sealed)
    try:
        verify(name, place.read(str(name)))
    except Unreadable:
        raise
    except Refused:
        place.remove(str(name))
        raise
    for old in superfluous(place.names()):
        check_fence()
        place.remove(str(old))
