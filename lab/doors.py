"""Where the lab's servers are heard: at the router's address, in its network namespace.

There it is the same address for the hosts and for this machine, and nobody else is behind it.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

from lab.errors import LabError
from lab.netns import in_namespace
from lab.router import Router

T = TypeVar("T")


async def at_router(router: Router, what: str, bound: Callable[[str], T]) -> T:
    """What `bound` makes of the router's address, there. Raises LabError."""
    try:
        return await asyncio.to_thread(in_namespace, router.namespace, lambda: bound(router.address))
    except OSError as error:
        raise LabError(f"The lab's {what} cannot listen at {router.address}: {error.strerror}.") from error


async def door(router: Router, what: str) -> socket.socket:
    """A socket that listens at the router, at a free port. Raises LabError."""
    return await at_router(router, what, lambda address: socket.create_server((address, 0)))
