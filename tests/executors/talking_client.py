"""A client that stays: an upgraded connection through an ingress, on which lines are echoed."""

import base64
import os
import socket
from typing import Self


class TalkingClient:
    """Connected once it is made; `instance` is who answers."""

    def __init__(self, address: str, host: str, port: int = 80) -> None:
        self._connection = socket.create_connection((address, port), timeout=15)
        key = base64.b64encode(os.urandom(16)).decode()
        self._connection.sendall(
            f"GET /talk HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self._lines = self._connection.makefile("rb")
        status = self._lines.readline()
        if not status.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(status.decode())
        while self._lines.readline().strip():
            pass
        self.instance = self._lines.readline().decode().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._connection.close()

    def echoes(self, word: str) -> bool:
        """Whether a word comes back."""
        try:
            self._connection.sendall(f"{word}\n".encode())
            return self._lines.readline().decode() == f"echo {word}\n"
        except OSError:
            return False

    def say_bye(self) -> None:
        """Have the app end the connection, and wait until it has."""
        self._connection.sendall(b"bye\n")
        self.wait_for_the_end()

    def wait_for_the_end(self) -> None:
        """Wait until the other side is gone."""
        try:
            while self._lines.readline():
                pass
        except ConnectionResetError:
            pass
