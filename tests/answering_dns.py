"""A DNS server for pebble to ask, on loopback: Debian's pebble-challtestsrv, told over HTTP what to answer."""

import shutil
import socket
import subprocess
import time

import pytest
import requests

from tests.ports import free_port


class AnsweringDns:
    """Every name is 127.0.0.1 until it is told otherwise."""

    def __init__(self) -> None:
        if shutil.which("pebble-challtestsrv") is None:
            pytest.skip("needs Debian's pebble")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._management = f"127.0.0.1:{free_port()}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL", "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1"),
                *("-defaultIPv6", "", "-dns01", self.address, "-management", self._management),
                *("-http01", "", "-https01", "", "-tlsalpn01", ""),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._await()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._session.close()

    def put_txt(self, name: str, value: str) -> None:
        """One more value."""
        self._tell("set-txt", {"host": f"{name}.", "value": value})

    def clear_txt(self, name: str) -> None:
        """No value any more."""
        self._tell("clear-txt", {"host": f"{name}."})

    def fail(self, name: str) -> None:
        """Answer SERVFAIL."""
        self._tell("set-servfail", {"host": f"{name}."})

    def put_address(self, name: str, address: str) -> None:
        """Say another address for a name."""
        self._tell("clear-a", {"host": f"{name}."})
        self._tell("add-a", {"host": f"{name}.", "addresses": [address]})

    def _tell(self, what: str, body: dict[str, object]) -> None:
        self._session.post(f"http://{self._management}/{what}", json=body, timeout=5).raise_for_status()

    def _await(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self._tell("clear-txt", {"host": "nothing.example."})
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except (requests.RequestException, OSError):
                time.sleep(0.02)
            else:
                return
        self.stop()
        raise AssertionError("pebble-challtestsrv did not start")
