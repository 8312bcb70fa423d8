"""A lab with its cloud, in a thread of its own: machines that are rented there boot for real."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hcloud import Client

from gitops.store import Store
from lab.cloud.server import CloudApi
from lab.lab import Lab
from lab.preconditions import why_no_lab
from tests.loop_thread import LoopThread

TOKEN = "the-token-of-this-project"


class RentedHosts:
    """Up when made; `stop()` leaves nothing behind."""

    def __init__(self) -> None:
        self._loop = LoopThread(within=300)
        self.lab = self._loop.call(Lab.up(f"exec-{os.getpid()}"))
        self.cloud = CloudApi(
            self.lab.machines,
            map(str, self.lab.host_addresses),
            TOKEN,
            floating_addresses=map(str, self.lab.floating_addresses),
        )
        self.url = self._loop.call(self.cloud.start())
        self.client = Client(TOKEN, api_endpoint=self.url)

    def stop(self) -> None:
        """End the cloud and every host."""
        self._loop.call(self.cloud.stop())
        self._loop.call(self.lab.down())
        self._loop.stop()

    def cut_power(self, node: str) -> None:
        """What happens to a machine that dies."""
        self._loop.call(self.lab.machines.power_off(node))

    def reboot(self, node: str) -> None:
        """Off and on again, with the same disk."""
        self._loop.call(self.lab.machines.reboot(node))


@contextmanager
def rented_hosts(etcd_endpoint: str) -> Iterator[tuple[RentedHosts, Store]]:
    """Machines to rent, which are given back afterwards, and an empty state; skips the test where there can be no lab."""
    if (why := why_no_lab()) is not None:
        pytest.skip(why)
    store = Store([etcd_endpoint])
    store.delete_prefix("")
    rented = RentedHosts()
    try:
        yield rented, store
    finally:
        rented.stop()
        store.close()
