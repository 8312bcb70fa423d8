"""Where the lab's name server is heard: at the router's address, in its network namespace, so by this lab alone."""

import asyncio

from lab.dns.server import PORT, DnsServer, Sockets
from lab.errors import LabError
from lab.netns import in_namespace
from lab.router import Router


async def serve_hosts(server: DnsServer, router: Router) -> None:
    """Answer hosts and this machine, as the hosts' `resolv.conf` says. Raises LabError."""
    try:
        sockets = await asyncio.to_thread(in_namespace, router.namespace, lambda: Sockets.bound(router.address, PORT))
    except OSError as error:
        raise LabError(f"The lab's name server cannot listen at {router.address}: {error.strerror}.") from error
    await server.start(sockets)
