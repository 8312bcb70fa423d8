"""The machines behind the lab's cloud API: what it is asked for is done to hosts."""

import asyncio
from pathlib import Path

from lab.cloud.backend import Machine
from lab.errors import LabError
from lab.host import Host
from lab.network import LabNetwork
from lab.router import Router


class Machines:
    """All hosts of one lab by name. Different hosts are worked on side by side."""

    def __init__(self, image: Path, network: LabNetwork, lab_folder: Path) -> None:
        self.image = image
        self.network = network
        self._lab_folder = lab_folder
        self._hosts: dict[str, Host] = {}
        self.router = Router(network)

    @property
    def names(self) -> list[str]:
        return sorted(self._hosts)

    def is_on(self, name: str) -> bool:
        """Whether the host runs; it may have powered itself off."""
        return self.host(name).is_on

    def console_log(self, name: str) -> Path:
        return self.host(name).console_log

    async def create(self, machine: Machine) -> None:
        """Make and boot a host. Returns when its init was started; a failure leaves nothing behind."""
        if machine.name in self._hosts:
            raise LabError(f"There is already a host called {machine.name} in this lab.")
        if machine.address in {host.machine.address for host in self._hosts.values()}:
            raise LabError(f"The address {machine.address} already belongs to another host of this lab.")
        host = Host(machine, self.image, self.network, self._lab_folder)
        self._hosts[machine.name] = host
        try:
            await host.create()
        except BaseException:
            await asyncio.shield(self._remove(host))
            raise

    async def power_on(self, name: str) -> None:
        await self.host(name).power_on()

    async def power_off(self, name: str) -> None:
        """Cut the power."""
        await self.host(name).power_off()

    async def shutdown(self, name: str) -> None:
        """Press the power button and wait; a host that does not mind it stays on, as a real one does."""
        await self.host(name).shut_down()

    async def reboot(self, name: str) -> None:
        """Shut down, by force after a while, and boot from the same disk."""
        await self.host(name).reboot()

    async def delete(self, name: str) -> None:
        """Remove a host, in whatever state it is; one that is not there is no error."""
        if name in self._hosts:
            await self._remove(self._hosts[name])

    async def route(self, address: str, to: str | None) -> None:
        """Send what is for a floating IP to the host at an address, or to nobody."""
        await self.router.route(address, to)

    def stop_watching(self) -> None:
        """From now on hosts that reboot themselves stay off: the lab is about to go."""
        for host in self._hosts.values():
            host.stop_watching()

    async def _remove(self, host: Host) -> None:
        await host.delete()
        if self._hosts.get(host.machine.name) is host:
            del self._hosts[host.machine.name]

    def host(self, name: str) -> Host:
        """A host of this lab. Raises LabError."""
        try:
            return self._hosts[name]
        except KeyError:
            raise LabError(f"There is no host called {name} in this lab.") from None
