"""A web server that says which release it is, in answers and on websockets.

On SIGTERM it answers what was asked already, says goodbye to every websocket, then ends.
"""

import contextlib
import json
import os
import signal
import struct
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from health import healthy
from websocket import GOING_AWAY, WebSocket, accept_key

BUILD = json.loads((Path(__file__).parent / "build-info.json").read_text())
RELEASE = f"influencer {BUILD['release']} {BUILD['commit']}"
GOODBYE_SECONDS = 2.0  # that clients have to answer a websocket's close


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept open between requests
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    timeout = 60
    server: "Server"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in ("/ws", "/api/ws") and "Sec-WebSocket-Key" in self.headers:
            self._echo(self.headers["Sec-WebSocket-Key"])
            return
        self.server.request_began()
        try:
            if path == "/" or path.startswith("/api/"):
                self._answer(HTTPStatus.OK, f"{RELEASE}\n")
            elif path == "/health":
                ready = healthy()
                status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, "ok\n" if ready else "not ready\n")
            else:
                self._answer(HTTPStatus.NOT_FOUND, "not found\n")
        finally:
            self.server.request_ended()

    def _echo(self, key: str) -> None:
        """Say which release this is, then everything that is said here, until either side closes."""
        self.close_connection = True
        self.connection.settimeout(None)  # a websocket may rest
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_key(key))
        self.end_headers()
        socket = WebSocket(self.rfile, self.wfile)
        self.server.socket_opened(socket)
        try:
            socket.send(RELEASE)
            while (text := socket.receive()) is not None:
                socket.send(text)
        except (OSError, ValueError, struct.error) as error:
            self.log_message("websocket ended: %s", error)
        finally:
            self.server.socket_ended(socket)

    def _answer(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        if self.server.stopping:
            self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        print(f"{self.address_string()} {format % args}", flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True  # a connection that is kept open, but idle, does not hold up the end
    request_queue_size = 128

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, Handler)
        self.stopping = False
        self._requests = 0
        self._sockets: set[WebSocket] = set()
        self._changed = threading.Condition()

    def request_began(self) -> None:
        with self._changed:
            self._requests += 1

    def request_ended(self) -> None:
        with self._changed:
            self._requests -= 1
            self._changed.notify_all()

    def socket_opened(self, socket: WebSocket) -> None:
        with self._changed:
            self._sockets.add(socket)
        if self.stopping:
            socket.close(GOING_AWAY)

    def socket_ended(self, socket: WebSocket) -> None:
        with self._changed:
            self._sockets.discard(socket)
            self._changed.notify_all()

    def finish(self, within_seconds: float) -> None:
        """Take no more connections and wait for the requests in progress, then close the websockets."""
        self.stopping = True
        self.shutdown()
        with self._changed:
            self._changed.wait_for(lambda: self._requests == 0, within_seconds)
            open_sockets = list(self._sockets)
        for socket in open_sockets:
            with contextlib.suppress(OSError):
                socket.close(GOING_AWAY)
        with self._changed:
            self._changed.wait_for(lambda: not self._sockets, GOODBYE_SECONDS)


def main() -> None:
    address = (os.environ["HOST"], int(os.environ["PORT"]))
    server = Server(address)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print(f"{RELEASE} serves on {address[0]}:{address[1]}", flush=True)
    stop.wait()
    server.finish(within_seconds=20)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
