"""The public IPv4 addresses the cloud hands out."""

from collections import deque
from collections.abc import Iterable

from lab.cloud.errors import ApiError


class AddressPool:
    """Round robin: a freed address goes to the end of the queue, so that it is not reused at once."""

    def __init__(self, addresses: Iterable[str], exhausted: str = "primary IP limit exceeded") -> None:
        self._exhausted = exhausted
        self._free = deque(addresses)

    def take(self) -> str:
        if not self._free:
            raise ApiError("resource_limit_exceeded", self._exhausted)
        return self._free.popleft()

    def free(self, address: str) -> None:
        self._free.append(address)
