"""Servers on loopback that say what they are told, byte by byte."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

ADDRESS = "127.0.0.1"


class Server:
    """Hands each connection to `talk`, on a thread of its own."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._talk = talk
        self._listening = socket.create_server((ADDRESS, 0))
        self.port = int(self._listening.getsockname()[1])
        self.stopped = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        """End every connection."""
        self.stopped.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                thread = threading.Thread(target=self._one, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._talk(connection)


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    """Reads the request and answers."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return talk


def waiting_for(over: threading.Event) -> Callable[[socket.socket], None]:
    """Says nothing until it is over."""

    def talk(_: socket.socket) -> None:
        over.wait()

    return talk
