"""A bot that cannot reach etcd lets go of Slack, which then gives commands to the bots that can."""

import threading
from collections.abc import Callable
from typing import Protocol

import structlog

log = structlog.get_logger()

LOOK_SECONDS = 0.2
STOP_SECONDS = 5.0


class Doors(Protocol):
    """What is let go of, and taken again."""

    def let_go(self) -> None:
        """Have Slack tell others."""

    def take_again(self) -> None:
        """Have Slack tell this one as well."""


class TurningAway:
    """Looks at what is known of etcd, which asks nobody anything."""

    def __init__(self, etcd_is_well: Callable[[], bool], doors: Doors) -> None:
        self._etcd_is_well = etcd_is_well
        self._doors = doors
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slack turning away", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        well = True
        while not self._stopped.wait(LOOK_SECONDS):
            if (now := self._etcd_is_well()) == well:
                continue
            well = now
            if well:
                log.info("etcd answers again, and Slack is listened to")
                self._doors.take_again()
            else:
                log.warning("etcd is out of reach, and Slack is left to others")
                self._doors.let_go()
