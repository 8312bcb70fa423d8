"""A lab: hosts, their network, a Git remote and apt on this machine, gone without a trace when it ends."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from lab import cgroup
from lab.apt.server import PORT as APT_PORT
from lab.apt.server import AptServer
from lab.doors import at_router
from lab.errors import LabError
from lab.filelock import FileLock
from lab.gitremote import GitRemote
from lab.image import Progress, ensure_image
from lab.kernel_limits import raise_limits
from lab.leftovers import remove_everything, take_lab_lock
from lab.machine_faults import MachineFaults
from lab.machines import Machines
from lab.naming import HOST_OCTETS, LabFolders
from lab.network import LabNetwork, claim_network
from lab.preconditions import why_no_lab

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOCK_WITHIN_SECONDS = 2.0


def lab_folders() -> LabFolders:
    """The state root of this machine, or the one that FLSTR_LAB_ROOT names."""
    return LabFolders(Path(os.environ.get("FLSTR_LAB_ROOT", "/var/lib/flstr-lab")))


class Lab:
    """A running lab. It belongs to this process, and what is in it ends when this process does."""

    def __init__(self, name: str, folders: LabFolders, lock: FileLock, image: Path, network: LabNetwork) -> None:
        self.name = name
        self.folder = folders.lab(name)
        self.network = network
        self.machines = Machines(image, network, self.folder)
        self.faults = MachineFaults(self.machines)
        self.git = GitRemote(network, self.folder)
        self.apt = AptServer(folders, image)
        self._folders = folders
        self._lock = lock
        self._last_will = cgroup.kill_when_we_end(network.names.group)

    @property
    def host_addresses(self) -> list[IPv4Address]:
        """The addresses that hosts of this lab may have, lowest first."""
        return [self.network.names.address(octet) for octet in HOST_OCTETS]

    @property
    def floating_addresses(self) -> list[IPv4Address]:
        """The addresses that floating IPs of this lab may have, lowest first."""
        return self.network.names.floating_addresses

    @classmethod
    async def up(
        cls, name: str, folders: LabFolders | None = None, progress: Progress = lambda _share, _line: None
    ) -> "Lab":
        """Start lab `name` with an empty Git remote and no hosts; builds the image first when there is none.

        `progress` hears of the building only. Raises LabError, and leaves nothing then.
        """
        if (reason := why_no_lab()) is not None:
            raise LabError(reason)
        folders = folders or lab_folders()
        lock = await _own(folders, name)
        try:
            await remove_everything(folders, name)
            raise_limits()
            image = await asyncio.to_thread(ensure_image, folders, progress)
            folders.lab(name).mkdir(parents=True)
            network = await claim_network(name, folders.lab(name))
            lab = cls(name, folders, lock, image, network)
            await lab.machines.router.start()
            await lab.git.start()
            lab.apt.start(await at_router(lab.machines.router, "apt repository", _apt_door))
        except BaseException:
            await asyncio.shield(remove_everything(folders, name))
            lock.release(remove=True)
            raise
        return lab

    async def down(self) -> None:
        """Stop everything and remove it: processes, namespaces, interfaces, files."""
        self.machines.stop_watching()
        await asyncio.to_thread(self.faults.undo)
        await asyncio.gather(remove_everything(self._folders, self.name), asyncio.to_thread(self.apt.stop))
        self._last_will.communicate()
        self._lock.release(remove=True)


def _apt_door(address: str) -> socket.socket:
    return socket.create_server((address, APT_PORT))


async def _own(folders: LabFolders, name: str) -> FileLock:
    # Somebody who only looks whether the lab lives has the lock for a moment.
    deadline = asyncio.get_running_loop().time() + _LOCK_WITHIN_SECONDS
    while (lock := take_lab_lock(folders, name)) is None:
        if asyncio.get_running_loop().time() > deadline:
            raise LabError(f"Lab {name} is already running: `flstr lab down {name}` stops it.")
        await asyncio.sleep(0.05)
    return lock


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Ends its block when the process is told to stop (SIGINT, SIGTERM, SIGHUP), wherever the block is then.

    The current task is cancelled, so every `finally` in the block is run, undisturbed by further signals.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - this is for coroutines
    loop = asyncio.get_running_loop()
    told = False

    def stop() -> None:
        nonlocal told
        if not told:
            told = True
            task.cancel()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not told:
            raise
        task.uncancel()
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)
