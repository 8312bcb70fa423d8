"""An authority on loopback that answers orders as a test says, in the wire format of RFC 8555 and RFC 9773.

pebble knows neither rate limits nor renewal windows nor CAA; this one does not check a signature or issue anything.
"""

import json
import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

PROBLEM = "urn:ietf:params:acme:error:"


@dataclass(frozen=True)
class Reply:
    """One answer; a `body` that is text is sent as it is."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def problem(code: str, detail: str, status: int = 403, retry_after: str = "", **more: Any) -> Reply:
    """A problem document."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Reply(status, {"type": f"{PROBLEM}{code}", "detail": detail, **more}, headers, "application/problem+json")


class ScriptedAcme:
    """`orders` are answered in turn, and the last of them again and again; `windows` likewise. Whoever asks for the
    directory waits until `before_directory` has returned."""

    def __init__(self, orders: list[Reply], windows: list[Reply] | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.windows_asked: list[str] = []
        self.before_directory: Callable[[], object] = lambda: None
        self._orders, self._windows = list(orders), windows
        self._nonces = count()
        acme = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                acme._get(self)

            def do_HEAD(self) -> None:
                acme._send(self, Reply())

            def do_POST(self) -> None:
                acme._post(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.directory = f"{self.url}/directory"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == "/directory":
            self.before_directory()
            names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order", "revokeCert": "revoke"}
            listed = {name: f"{self.url}/{path}" for name, path in names.items()}
            if self._windows is not None:
                listed["renewalInfo"] = f"{self.url}/renewal-info"
            self._send(request, Reply(body=listed))
        else:
            assert self._windows is not None
            self.windows_asked.append(request.path.removeprefix("/renewal-info/"))
            self._send(request, _next(self._windows))

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        if request.path == "/account":
            self._send(request, Reply(201, {"status": "valid"}, {"Location": f"{self.url}/account/1"}))
            return
        self.asked.append(_payload(body["payload"]))
        self._send(request, _next(self._orders))

    def _send(self, request: BaseHTTPRequestHandler, reply: Reply) -> None:
        content = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.send_header("Replay-Nonce", f"nonce{next(self._nonces):07d}")
        request.send_header("Content-Type", reply.content_type)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)


def _next(replies: list[Reply]) -> Reply:
    return replies.pop(0) if len(replies) > 1 else replies[0]


def _payload(encoded: str) -> dict[str, Any]:
    # Who only asks for something sends nothing.
    read: dict[str, Any] = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)) or b"{}")
    return read
