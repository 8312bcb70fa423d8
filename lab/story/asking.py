"""A client that asks the app all the while, and counts what it was answered."""

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PAUSE_SECONDS = 0.01
_TIMEOUT_SECONDS = 5.0


@dataclass
class Tally:
    """What was answered: how often each line, and each failure in words."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return self.answers.total() + len(self.failures)


class Asking:
    """Asks in a thread of its own while its `with` block runs: half on a kept connection, half on new ones."""

    def __init__(self, address: str, host: str, path: str = "/") -> None:
        self._address = address
        self._host = host
        self._path = path
        self.tally = Tally()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(kept,), daemon=True) for kept in (True, False)]
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_SECONDS * 2)

    def _ask(self, kept: bool) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_SECONDS)
        while not self._stopped.is_set():
            try:
                line = ask_on(connection, self._host, self._path)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._count(None, f"{type(error).__name__}: {error}")
                connection.close()
            else:
                self._count(line, "")
            if not kept:
                connection.close()
            time.sleep(_PAUSE_SECONDS)
        connection.close()

    def _count(self, line: str | None, failure: str) -> None:
        with self._lock:
            if line is None:
                self.tally.failures.append(failure)
            else:
                self.tally.answers[line] += 1


def ask_on(connection: http.client.HTTPConnection, host: str, path: str) -> str:
    """One request; the first line of a 200's body. Raises ValueError for any other status.

    A kept connection that the server closed while it was idle is opened again once, as every browser does.
    """
    fresh = connection.sock is None
    try:
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
        connection.close()
        if fresh:
            raise
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
    body = response.read().decode(errors="replace")
    if response.status != 200:
        raise ValueError(f"status {response.status}")
    return body.splitlines()[0] if body else ""


def ask_once(address: str, host: str, path: str = "/") -> str:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        return ask_on(connection, host, path)
    finally:
        connection.close()
