"""Backups in a folder, which has to be a mount of storage elsewhere: with the machine's own disk they would be lost."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from executors.control.paths import MOUNTS
from model.errors import Unreadable

CHUNK_BYTES = 1 << 20
# No backup has a name that begins so.
UNFINISHED = ".unfinished-"
_QUESTIONS = {
    errno.EACCES: "does it belong to the user that flstr runs as?",
    errno.EROFS: f"on a controller it has to be below {', '.join(MOUNTS[:-1])} or {MOUNTS[-1]}",
}


class FolderPlace:
    """A `Place` on a file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        """Everything that is there."""
        with self._sentences("cannot be read"):
            return tuple(sorted(path.name for path in self._folder.iterdir() if not path.name.startswith(UNFINISHED)))

    def put(self, name: str, file: Path) -> None:
        """Keep a file: written beside, brought to the disk, renamed; so it is there as a whole or not at all."""
        unfinished = self._folder / f"{UNFINISHED}{name}"
        with self._sentences("cannot be written to"):
            for left in self._folder.glob(f"{UNFINISHED}*"):
                left.unlink()
            try:
                with file.open("rb") as source, unfinished.open("xb") as target:
                    shutil.copyfileobj(source, target, CHUNK_BYTES)
                    target.flush()
                    os.fsync(target.fileno())
                unfinished.rename(self._folder / name)
            finally:
                unfinished.unlink(missing_ok=True)
            self._sync()

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes that are kept under a name."""
        with self._sentences(f"cannot give {name} back"), (self._folder / name).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def remove(self, name: str) -> None:
        """Keep it no longer."""
        with self._sentences(f"cannot let {name} go"):
            (self._folder / name).unlink(missing_ok=True)

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _sentences(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            asked = _QUESTIONS.get(error.errno or 0, "is its storage mounted?")
            raise Unreadable(f"the backup folder {self._folder} {what} ({why}); {asked}") from error
