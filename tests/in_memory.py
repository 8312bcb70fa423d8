"""Folders that no disk holds up: etcd waits for each of its writes, and a busy disk takes longer than a call may."""

from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")


def folder_in_memory() -> "TemporaryDirectory[str]":
    """One that is there until it is cleaned up; on the disk where this machine keeps none in memory."""
    return TemporaryDirectory(prefix="flstr-etcd-", dir=MEMORY if MEMORY.is_dir() else None)
