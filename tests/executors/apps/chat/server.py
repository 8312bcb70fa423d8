"""Says which instance it is, and after an Upgrade echoes lines until it hears `bye`. FAULT says what is wrong with it."""

import base64
import hashlib
import itertools
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

INSTANCE = os.environ["FLSTR_INSTANCE"].encode()
FAULT = Path("FAULT").read_text().strip()
REQUESTS = itertools.count(1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade"):
            self._talk()
        elif FAULT == "ends when told" and self.path == "/end":
            print("this is the end", flush=True)
            os._exit(3)
        elif FAULT == "every third request" and self.path != "/health" and next(REQUESTS) % 3 == 0:
            print("the third request is one too many", flush=True)
            self._answer(500, b"broken")
        else:
            self._answer(200, INSTANCE)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _talk(self) -> None:
        # RFC 6455, section 1.3.
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())  # noqa: S324
        self.end_headers()
        self.wfile.write(INSTANCE + b"\n")
        for line in self.rfile:
            if line == b"bye\n":
                break
            self.wfile.write(b"echo " + line)
        self.close_connection = True


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """HAProxy's checks reset their connections; that is no fault of anybody's."""


Server((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
