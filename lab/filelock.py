"""Locks that a dead process cannot keep: flock(2) on a file, released by the kernel."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """A held lock. It is the process's for as long as it lives and does not release it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def release(self, *, remove: bool = False) -> None:
        """Let others have the lock; `remove` also removes the file."""
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def try_lock(path: Path) -> FileLock | None:
    """Take the lock, or return None when another process (or this one) holds it."""
    try:
        return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def lock_holder(path: Path) -> int | None:
    """The process that holds the lock, as the kernel says; None when there is none to see."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()  # 1: FLOCK  ADVISORY  WRITE 4711 fe:00:131077 0 EOF
        if fields[1] == "FLOCK" and fields[5] == file:
            return int(fields[4])
    return None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock, after waiting for it."""
    lock = _lock(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        lock.release()


def _lock(path: Path, how: int) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            if _is_file(path, descriptor):
                return FileLock(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder removed the file while we waited: that lock is nobody's any more


def _is_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
