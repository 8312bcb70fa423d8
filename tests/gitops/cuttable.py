"""A way to a server that can be cut: what is sent goes nowhere, and nobody is told, as in a partition."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Way:
    """Listens on loopback, and carries each connection to one server."""

    def __init__(self, endpoint: str) -> None:
        place = urlsplit(endpoint)
        self._to = (place.hostname or "", place.port or 0)
        self._open = threading.Event()
        self._open.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"{place.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Carry nothing."""
        self._open.clear()

    def heal(self) -> None:
        """Carry again, what is on its way among it."""
        self._open.set()

    def close(self) -> None:
        """End it and its connections."""
        self._open.set()
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._carry_both, args=(near,), daemon=True).start()

    def _carry_both(self, near: socket.socket) -> None:
        self._open.wait()
        try:
            far = socket.create_connection(self._to)
        except OSError:
            near.close()
            return
        self._sockets += [near, far]
        threading.Thread(target=self._carry, args=(far, near), daemon=True).start()
        self._carry(near, far)

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                self._open.wait()
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Ways:
    """A way to each of several servers, cut and healed together."""

    def __init__(self, endpoints: Sequence[str]) -> None:
        self._ways = [Way(endpoint) for endpoint in endpoints]

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Where they begin."""
        return tuple(way.endpoint for way in self._ways)

    def cut(self) -> None:
        """Carry nothing."""
        for way in self._ways:
            way.cut()

    def heal(self) -> None:
        """Carry again."""
        for way in self._ways:
            way.heal()

    def close(self) -> None:
        """End them."""
        for way in self._ways:
            way.close()


@contextmanager
def ways_to(endpoints: Sequence[str]) -> Iterator[Ways]:
    """Ways for as long as the block lasts."""
    ways = Ways(endpoints)
    try:
        yield ways
    finally:
        ways.close()
