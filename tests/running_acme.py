"""pebble for tests that are not themselves asynchronous."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.acme.server import AcmeServer
from lab.acme.settings import AcmeSettings
from tests.answering_dns import AnsweringDns

MakeAcme = Callable[..., "RunningAcme"]


class RunningAcme:
    """An authority that is asked for nothing but by ACME; `restart` makes it forget everything."""

    def __init__(self, folder: Path, settings: AcmeSettings) -> None:
        self._runner = asyncio.Runner()
        self.server = AcmeServer(folder, settings)
        self._runner.run(self.server.start())

    def restart(self, settings: AcmeSettings | None = None) -> None:
        self.pause()
        self._runner.run(self.server.start(settings))

    def pause(self) -> None:
        """Answer nobody until `restart`."""
        self._runner.run(self.server.stop())

    def stop(self) -> None:
        self.pause()
        self._runner.close()


@contextmanager
def acme_maker(folder: Path, dns: AnsweringDns) -> Iterator[MakeAcme]:
    """Makes authorities that ask this DNS, with other settings where a test wants them."""
    running: list[RunningAcme] = []

    def make(**settings: Any) -> RunningAcme:
        values = {"dns": dns.address, "nonce_reject": 0, "authorization_reuse": 0, **settings}
        running.append(RunningAcme(folder / f"acme{len(running)}", AcmeSettings(**values)))
        return running[-1]

    try:
        yield make
    finally:
        for one in running:
            one.stop()
