"""Taking down labs whose process is gone, from what the machine itself says is there."""

import asyncio
import contextlib
import os
import shutil
import signal

from lab import cgroup
from lab.filelock import FileLock, lock_holder, try_lock
from lab.naming import LabFolders, LabNames
from lab.network import LabNetwork, bridges_of

_STOPS_WITHIN_SECONDS = 30.0


def take_lab_lock(folders: LabFolders, name: str) -> FileLock | None:
    """Become the one process that owns lab `name`; None when another one does."""
    return try_lock(folders.lock(name))


async def remove_everything(folders: LabFolders, name: str) -> bool:
    """Remove all that lab `name` has on this machine; call it with the lab's lock held only.

    The bridge goes last: it says whose the rest is, so an interrupted removal can be done again.
    Returns whether there was anything.
    """
    folder = folders.lab(name)
    numbers = bridges_of(folder)
    there_was_something = bool(numbers) or folder.exists()
    for number in numbers:
        await cgroup.kill_group(LabNames(name, number).group)
    if folder.exists():
        await asyncio.to_thread(shutil.rmtree, folder)
    for number in numbers:
        await LabNetwork(LabNames(name, number)).remove()
    return there_was_something


async def sweep(folders: LabFolders) -> list[str]:
    """Remove what every dead lab of this state root left behind; return those labs' names."""
    swept = []
    for name in known_labs(folders):
        lock = take_lab_lock(folders, name)
        if lock is None:
            continue  # it lives
        try:
            if await remove_everything(folders, name):
                swept.append(name)
        finally:
            lock.release(remove=True)
    return swept


def known_labs(folders: LabFolders) -> list[str]:
    """The labs of this state root, alive or left behind: each takes its lock first and removes it last."""
    return sorted(lock.stem for lock in folders.labs.glob("*.lock"))


def living_labs(folders: LabFolders) -> list[str]:
    """The labs of this state root that a process holds."""
    living = []
    for name in known_labs(folders):
        lock = try_lock(folders.lock(name))
        if lock is None:
            living.append(name)
        else:
            lock.release()
    return living


async def take_down(folders: LabFolders, name: str) -> bool:
    """Stop lab `name` if it lives, by force after a while, and remove what is left. Returns whether it was there."""
    lived = (lock := take_lab_lock(folders, name)) is None
    if lived:
        _signal_owner(folders, name, signal.SIGTERM)
    deadline = asyncio.get_running_loop().time() + _STOPS_WITHIN_SECONDS
    while lock is None:
        if asyncio.get_running_loop().time() > deadline:
            _signal_owner(folders, name, signal.SIGKILL)
        await asyncio.sleep(0.1)
        lock = take_lab_lock(folders, name)
    try:
        return await remove_everything(folders, name) or lived
    finally:
        lock.release(remove=True)


def _signal_owner(folders: LabFolders, name: str, sent: signal.Signals) -> None:
    owner = lock_holder(folders.lock(name))
    if owner is not None and owner != os.getpid():
        with contextlib.suppress(ProcessLookupError):
            os.kill(owner, sent)
