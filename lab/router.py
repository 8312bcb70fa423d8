"""The lab's router, at address .3: the hosts' default gateway, which knows where each floating IP is.

A host is sent what is for a floating IP that is assigned to it, as at Hetzner: by a route, with nobody asking for the
address. Whether the host answers is its own matter.
"""

from lab.errors import LabError
from lab.naming import ROUTER
from lab.network import LabNetwork
from lab.process import run

# A redirect would have hosts remember a way that is wrong once the address has moved.
_SETTINGS = """
echo 1 >/proc/sys/net/ipv4/ip_forward
for interface in all default eth0; do echo 0 >/proc/sys/net/ipv4/conf/$interface/send_redirects; done
"""


class Router:
    """A network namespace that forwards, and nothing else; the lab's name server listens in it as well."""

    def __init__(self, network: LabNetwork) -> None:
        self._network = network

    @property
    def address(self) -> str:
        return str(self._network.names.address(ROUTER))

    @property
    def namespace(self) -> str:
        return self._network.names.namespace(ROUTER)

    async def start(self) -> None:
        """Forward between hosts. An address that nobody has is unreachable from the start."""
        names = self._network.names
        await self._network.plug_in(ROUTER)
        await run("nsenter", f"--net=/run/netns/{self.namespace}", "sh", "-eu", "-c", _SETTINGS)
        # This machine is not behind the router, but beside it.
        await run("ip", "route", "replace", str(names.floating_subnet), "via", self.address, "dev", names.bridge)

    async def route(self, address: str, to: str | None) -> None:
        """Send what is for a floating IP to the host at an address, from now on; or to nobody."""
        if not self._network.names.is_floating(address):
            subnet = self._network.names.floating_subnet
            raise LabError(f"{address} is no floating IP of this lab: they are in {subnet}.")
        if to is None:
            await self._ip("route", "flush", "exact", f"{address}/32")
        else:
            await self._ip("route", "replace", f"{address}/32", "via", to, "dev", "eth0")

    async def _ip(self, *arguments: str) -> None:
        await run("ip", "-netns", self.namespace, *arguments)
