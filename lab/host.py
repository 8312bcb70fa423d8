"""One host of a lab: a Debian machine under systemd-nspawn, with a disk, a cable and a console log."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from lab import cgroup
from lab.errors import LabError
from lab.naming import check_host_name
from lab.network import LabNetwork

START_SCRIPT = Path(__file__).parent / "start-host.sh"

_NSPAWN_SETTINGS = {
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
}

_INIT_STARTED_WITHIN_SECONDS = 15.0


@dataclass(frozen=True)
class HostSpec:
    """What a host is made from. `name` is its host name and unique in the lab."""

    name: str
    address: str
    user_data: str
    ssh_keys: tuple[str, ...] = ()


class Host:
    """A host, on or off. Its operations are not to run at the same time; `Machines` sees to that."""

    def __init__(self, spec: HostSpec, image: Path, network: LabNetwork, lab_folder: Path) -> None:
        self.spec = spec
        self._image = image
        self._network = network
        self._octet = network.names.octet_of_host(spec.address)
        self._folder = lab_folder / "hosts" / check_host_name(spec.name)
        self._nspawn: asyncio.subprocess.Process | None = None

    @property
    def console_log(self) -> Path:
        """What the host printed on its console, boot after boot."""
        return self._folder / "console.log"

    @property
    def is_on(self) -> bool:
        return self._nspawn is not None and self._nspawn.returncode is None

    @property
    def _group(self) -> str:
        return f"{self._network.names.group}/{self._octet}"

    async def create(self) -> None:
        """Make the disk, with the user-data where cloud-init reads it, and power on."""
        for part in ("upper", "root"):
            (self._folder / part).mkdir(parents=True)
        seed = self._folder / "upper/var/lib/cloud/seed/nocloud-net"
        seed.mkdir(parents=True)
        (seed / "user-data").write_text(self.spec.user_data)
        (seed / "meta-data").write_text(self._meta_data())
        (self._folder / "upper/etc").mkdir()
        hosts = (self._image / "etc/hosts").read_text()
        (self._folder / "upper/etc/hosts").write_text(f"{hosts}127.0.1.1 {self.spec.name}\n")
        await self.power_on()

    def _meta_data(self) -> str:
        # A JSON list is a YAML list, and leaves no question of quoting.
        keys = json.dumps(self.spec.ssh_keys)
        return f"instance-id: {uuid4()}\nlocal-hostname: {self.spec.name}\npublic-keys: {keys}\n"

    async def power_on(self) -> None:
        """Boot from the disk. Returns when the host's init was started. A host that is on stays as it is."""
        if self.is_on:
            return
        await cgroup.kill_group(self._group)
        group = cgroup.make_group(self._group)
        namespace = await self._network.plug_in(self._octet)
        with self.console_log.open("ab") as console:
            self._nspawn = await asyncio.create_subprocess_exec(
                *("nsenter", f"--net=/run/netns/{namespace}", "unshare", "--mount", "--propagation", "slave"),
                *("sh", str(START_SCRIPT), str(group), str(self._image), str(self._folder)),
                *self._nspawn_command(namespace),
                env={"PATH": os.environ["PATH"], **_NSPAWN_SETTINGS},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        await self._until_init_started(group)

    def _nspawn_command(self, namespace: str) -> tuple[str, ...]:
        return (
            "systemd-nspawn",
            "--quiet",
            "--boot",
            f"--directory={self._folder / 'root'}",
            f"--machine={namespace}",
            f"--hostname={self.spec.name}",
            "--register=no",
            "--keep-unit",
            "--capability=all",
            "--rlimit=NOFILE=1024:524288",  # what systemd sets on a machine of its own
            "--bind=/dev/net/tun",
            "--resolv-conf=off",
            "--timezone=off",
            "--console=pipe",
        )

    async def _until_init_started(self, group: Path) -> None:
        deadline = asyncio.get_running_loop().time() + _INIT_STARTED_WITHIN_SECONDS
        while not (group / "payload/init.scope").exists():
            if not self.is_on or asyncio.get_running_loop().time() > deadline:
                await self.power_off()
                last_lines = self.console_log.read_text(errors="replace").strip().splitlines()[-1:]
                raise LabError(f"Host {self.spec.name} did not start: {' '.join(last_lines) or 'no reason given'}")
            await asyncio.sleep(0.02)

    async def shut_down(self, within_seconds: float = 60.0) -> bool:
        """Ask the host to power itself off, as its power button would. Returns whether it did in time."""
        if not self.is_on:
            return True
        assert self._nspawn is not None  # noqa: S101 - is_on says so
        with contextlib.suppress(ProcessLookupError):
            self._nspawn.send_signal(signal.SIGTERM)  # systemd-nspawn tells the host's init to halt
        try:
            await asyncio.wait_for(self._nspawn.wait(), within_seconds)
        except TimeoutError:
            return False
        await self._clear()
        return True

    async def power_off(self) -> None:
        """Cut the power: every process of the host is killed, nothing is written any more."""
        await cgroup.kill_group(self._group)
        if self._nspawn is not None:
            await self._nspawn.wait()
        await self._clear()

    async def _clear(self) -> None:
        """What a machine forgets when it is off: its processes and its network interfaces."""
        await cgroup.kill_group(self._group)
        await self._network.unplug(self._octet)
        self._nspawn = None

    async def delete(self) -> None:
        """Power off and remove the disk. Also clears up after a creation that failed half-way."""
        await self.power_off()
        if self._folder.exists():
            await asyncio.to_thread(shutil.rmtree, self._folder)
