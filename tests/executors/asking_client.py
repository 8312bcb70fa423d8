"""A client that asks all the while, on kept-alive and on new connections, and forgets no failure."""

import http.client
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self


class AskingClient:
    """Asks from entering its `with` block until leaving it."""

    def __init__(self, address: str, port: int, host: str, connections: int = 6, pause: float = 0.01) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.connections = connections
        self._address = address
        self._port = port
        self._host = host
        self._pause = pause
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 0,), daemon=True) for number in range(connections)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted = sum(self.answers.values()) + count
        while sum(self.answers.values()) < wanted and not self.failures:
            time.sleep(0.01)

    def _ask(self, kept_alive: bool) -> None:
        connection = self._connect()
        while not self._over.is_set():
            try:
                connection.request("GET", "/", headers={"Host": self._host})
                answer = connection.getresponse()
                self._note(answer.status, answer.read().decode())
            except (OSError, http.client.HTTPException) as error:
                self._note_failure(repr(error))
                connection.close()
            if not kept_alive:
                connection.close()
            time.sleep(self._pause)
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, self._port, timeout=10)

    def _note(self, status: int, text: str) -> None:
        with self._lock:
            self.answers[text.strip()] += 1
        if status != 200:
            self._note_failure(f"{status} {text[:200]}")

    def _note_failure(self, what: str) -> None:
        with self._lock:
            self.failures.append(f"{time.time():.3f} {what}")
