"""A port on loopback that leads through SSH to a port that only a machine reaches."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import paramiko

from model.errors import StepFailed

BLOCK = 1 << 16

# A new channel to where the tunnel leads. Raises `StepFailed`.
Dial = Callable[[], paramiko.Channel]


class Tunnel:
    """Listens until `close()`; each connection is a channel of its own."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name=f"tunnel {self.port}", daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more; connections end with their SSH connection."""
        # A thread that waits in accept() is not woken by close() alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), name=f"tunnel {self.port}", daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near:
            try:
                far = self._dial()
            except StepFailed:
                return
            with far:
                back = threading.Thread(target=_pump, args=(far, near), name=f"tunnel {self.port}", daemon=True)
                back.start()
                _pump(near, far)
                back.join()


def _pump(source: socket.socket | paramiko.Channel, to: socket.socket | paramiko.Channel) -> None:
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        while block := source.recv(BLOCK):
            to.sendall(block)
    # Whoever reads the other half hears of the end.
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        to.shutdown(socket.SHUT_WR)
