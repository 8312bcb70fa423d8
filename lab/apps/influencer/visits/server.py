"""A web server that counts in Redis: POST / counts a visit, GET / says how many there were."""

import os
import signal
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis
from health import healthy


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(HTTPStatus.OK if healthy() else HTTPStatus.SERVICE_UNAVAILABLE, "")
        else:
            self._ask("GET", "visits")

    def do_POST(self) -> None:
        self._ask("INCR", "visits")

    def _ask(self, *command: str) -> None:
        try:
            self._answer(HTTPStatus.OK, f"{redis.call(*command) or 0}\n")
        except OSError as error:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n")

    def _answer(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
