"""A web server that says which release it is. On SIGTERM it answers what was asked already, then ends."""

import json
import os
import signal
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from health import healthy

BUILD = json.loads((Path(__file__).parent / "build-info.json").read_text())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept open between requests
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    timeout = 60
    server: "Server"

    def do_GET(self) -> None:
        self.server.request_began()
        try:
            path = self.path.partition("?")[0]
            if path == "/":
                self._answer(HTTPStatus.OK, f"influencer {BUILD['release']} {BUILD['commit']}\n")
            elif path == "/health":
                ready = healthy()
                status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, "ok\n" if ready else "not ready\n")
            else:
                self._answer(HTTPStatus.NOT_FOUND, "not found\n")
        finally:
            self.server.request_ended()

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
        self._changed = threading.Condition()

    def request_began(self) -> None:
        with self._changed:
            self._requests += 1

    def request_ended(self) -> None:
        with self._changed:
            self._requests -= 1
            self._changed.notify_all()

    def finish(self, within_seconds: float) -> None:
        """Take no more connections and wait for the requests in progress."""
        self.stopping = True
        self.shutdown()
        with self._changed:
            self._changed.wait_for(lambda: self._requests == 0, within_seconds)


def main() -> None:
    address = (os.environ["HOST"], int(os.environ["PORT"]))
    server = Server(address)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print(f"influencer {BUILD['release']} {BUILD['commit']} serves on {address[0]}:{address[1]}", flush=True)
    stop.wait()
    server.finish(within_seconds=20)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
