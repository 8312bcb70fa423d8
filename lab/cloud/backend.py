"""What the cloud needs of whatever runs its machines."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Machine:
    """A machine to boot. The account's cloud hands user_data and ssh_keys to cloud-init, so the backend must too."""

    name: str
    address: str
    user_data: str
    ssh_keys: tuple[str, ...] = ()
    """OpenSSH public key lines, cloud-init's `public-keys`."""


class MachineBackend(Protocol):
    async def create(self, machine: Machine) -> None:
        """Make the machine and return when it is booting."""

    async def power_on(self, name: str) -> None: ...

    async def power_off(self, name: str) -> None:
        """Pull the plug."""

    async def shutdown(self, name: str) -> None:
        """Ask the machine to stop and return when it has stopped."""

    async def reboot(self, name: str) -> None: ...

    async def route(self, address: str, to: str | None) -> None:
        """Send what is for a floating IP to the machine at an address, or to nobody."""

    async def delete(self, name: str) -> None:
        """Remove the machine, in whatever state it is; one that does not exist is no error."""
