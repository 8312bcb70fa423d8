"""One host of a lab: a Debian machine under systemd-nspawn, with a disk, a cable and a console log."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from lab import cgroup
from lab.cloud.backend import Machine
from lab.errors import LabError
from lab.image import SUITE
from lab.naming import ROUTER, check_host_name
from lab.network import LabNetwork

START_SCRIPT = Path(__file__).parent / "start-host.sh"

_NSPAWN_SETTINGS = {
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
}

_REBOOT_STATUS = 133
"""The status with which systemd-nspawn --keep-unit ends when its host wants to be started again."""

_INIT_STARTED_WITHIN_SECONDS = 15.0
_SHUTS_DOWN_WITHIN_SECONDS = 60.0


class Host:
    """A host, on or off. Of its operations one is done at a time, the others wait for their turn."""

    def __init__(self, machine: Machine, image: Path, network: LabNetwork, lab_folder: Path) -> None:
        self.machine = machine
        self._image = image
        self._network = network
        self._octet = network.names.octet_of_host(machine.address)
        self._folder = lab_folder / "hosts" / check_host_name(machine.name)
        self._turn = asyncio.Lock()
        self._is_deleted = False
        self._nspawn: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def console_log(self) -> Path:
        """What the host printed on its console, boot after boot."""
        return self._folder / "console.log"

    @property
    def group(self) -> str:
        """The control group of all that it runs."""
        return f"{self._network.names.group}/{self._octet}"

    @property
    def namespace(self) -> str:
        """Its network namespace, while it is on."""
        return self._network.names.namespace(self._octet)

    @property
    def is_on(self) -> bool:
        return self._nspawn is not None and self._nspawn.returncode is None

    async def create(self) -> None:
        """Make the disk, with the user-data where cloud-init reads it, and power on."""
        async with self._my_turn():
            self._make_disk()
            await self._boot()

    async def power_on(self) -> None:
        """Boot from the disk. Returns when the host's init was started. A host that is on stays as it is."""
        async with self._my_turn():
            if not self.is_on:
                await self._boot()

    async def power_off(self) -> None:
        """Cut the power: every process of the host is killed, nothing is written any more."""
        async with self._my_turn():
            await self._cut_power()

    async def shut_down(self) -> bool:
        """Press the power button. Returns whether the host powered itself off within a minute."""
        async with self._my_turn():
            return await self._press_power_button()

    async def reboot(self) -> None:
        """Shut down, by force when a minute was not enough, and boot from the same disk."""
        async with self._my_turn():
            if not await self._press_power_button():
                await self._cut_power()
            await self._boot()

    async def delete(self) -> None:
        """Power off and remove the disk. Also clears up after a creation that failed half-way."""
        async with self._turn:
            if self._is_deleted:
                return
            await self._cut_power()
            if self._folder.exists():
                await asyncio.to_thread(shutil.rmtree, self._folder)
            self._is_deleted = True

    def stop_watching(self) -> None:
        """From now on a host that reboots itself stays off."""
        if self._watch is not None:
            self._watch.cancel()

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        async with self._turn:
            if self._is_deleted:  # while we waited; the address may be another host's by now
                raise LabError(f"Host {self.machine.name} was deleted.")
            yield

    def _make_disk(self) -> None:
        for part in ("upper", "root"):
            (self._folder / part).mkdir(parents=True)
        # cloud-init's stage that runs here looks for the seed under this name.
        seed = self._folder / "upper/var/lib/cloud/seed/nocloud-net"
        seed.mkdir(parents=True)
        (seed / "user-data").write_text(self.machine.user_data)
        (seed / "meta-data").write_text(self._meta_data())
        (self._folder / "upper/etc").mkdir()
        hosts = (self._image / "etc/hosts").read_text()
        (self._folder / "upper/etc/hosts").write_text(f"{hosts}127.0.1.1 {self.machine.name}\n")
        router = self._network.names.address(ROUTER)
        (self._folder / "upper/etc/resolv.conf").write_text(f"nameserver {router}\n")
        self._name_sources(f"http://{router}/debian")

    def _name_sources(self, archive: str) -> None:
        """Where apt finds packages, as a rented machine's image has it; the image's own sources are out of reach."""
        apt = self._folder / "upper/etc/apt"
        (apt / "sources.list.d").mkdir(parents=True)
        (apt / "sources.list").write_text("")
        (apt / "sources.list.d/lab.list").write_text(f"deb [trusted=yes] {archive} {SUITE} main\n")
        # The first to ask waits until the packages were fetched.
        (apt / "apt.conf.d").mkdir()
        (apt / "apt.conf.d/99lab").write_text('Acquire::http::Timeout "180";\n')

    def _meta_data(self) -> str:
        # A JSON list is a YAML list, and leaves no question of quoting.
        keys = json.dumps(self.machine.ssh_keys)
        return f"instance-id: {uuid4()}\nlocal-hostname: {self.machine.name}\npublic-keys: {keys}\n"

    async def _boot(self) -> None:
        await self._forget_last_boot()
        group = cgroup.make_group(self.group)
        namespace = await self._network.plug_in(self._octet)
        with self.console_log.open("ab") as console:
            nspawn = await asyncio.create_subprocess_exec(
                *("nsenter", f"--net=/run/netns/{namespace}", "unshare", "--mount", "--propagation", "slave"),
                *("sh", str(START_SCRIPT), str(group), str(self._image), str(self._folder)),
                *self._nspawn_command(namespace),
                env={"PATH": os.environ["PATH"], **_NSPAWN_SETTINGS},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self._nspawn = nspawn
        self._watch = asyncio.create_task(self._boot_again_if_asked(nspawn))
        await self._until_init_started(group)

    def _nspawn_command(self, namespace: str) -> tuple[str, ...]:
        return (
            "systemd-nspawn",
            "--quiet",
            "--boot",
            f"--directory={self._folder / 'root'}",
            f"--machine={namespace}",
            f"--hostname={self.machine.name}",
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
                await self._cut_power()
                last_lines = self.console_log.read_text(errors="replace").strip().splitlines()[-1:]
                raise LabError(f"Host {self.machine.name} did not start: {' '.join(last_lines) or 'no reason given'}")
            await asyncio.sleep(0.02)

    async def _boot_again_if_asked(self, nspawn: asyncio.subprocess.Process) -> None:
        """A host that ran `reboot` is started by us: its network begins anew, as a machine's does."""
        if await nspawn.wait() != _REBOOT_STATUS:
            return
        async with self._turn:
            if self._nspawn is nspawn:  # and not off, or booted by somebody else, since
                await self._boot()

    async def _press_power_button(self) -> bool:
        if self._nspawn is not None:
            with contextlib.suppress(ProcessLookupError):
                self._nspawn.send_signal(signal.SIGTERM)  # systemd-nspawn tells the host's init to halt
            try:
                await asyncio.wait_for(self._nspawn.wait(), _SHUTS_DOWN_WITHIN_SECONDS)
            except TimeoutError:
                return False
        await self._forget_last_boot()
        return True

    async def _cut_power(self) -> None:
        # A machine that loses its power says goodbye to nobody, as the kernel does for processes that are killed.
        await self._network.unplug(self._octet)
        await cgroup.kill_group(self.group)
        if self._nspawn is not None:
            await self._nspawn.wait()
        await self._forget_last_boot()

    async def _forget_last_boot(self) -> None:
        """What a machine that is off does not have: processes and network interfaces."""
        await cgroup.kill_group(self.group)
        await self._network.unplug(self._octet)
        self._nspawn = None
