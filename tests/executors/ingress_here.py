"""An ingress on loopback: the real nginx and HAProxy with the files that flstr makes of a registered tree, and apps."""

import base64
import hashlib
import http.server
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from executors.certificates.ingress_files import CERTIFICATES_FOLDER, Pair
from executors.nginx_files import ACME_FOLDER
from executors.padlock.check import Outside
from executors.routing_files import HAPROXY_PAGE, routing_files
from model.registered import Registered
from tests.executors.issued import issuing_authority
from tests.ports import free_port

NODE = "ingress016"
ADDRESS = "127.0.0.1"
WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class App:
    """An instance that says its name, and what it was asked; a websocket is echoed byte by byte."""

    def __init__(self, name: str, answer: Mapping[str, tuple[str, bytes]] | None = None) -> None:
        answers = dict(answer or {})
        self.asked: list[dict[str, str]] = []
        self.held = 0
        self.free = threading.Event()
        app = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                app.asked.append({key.lower(): value for key, value in self.headers.items()})
                if self.headers.get("Upgrade") == "websocket":
                    self._echo()
                    return
                if self.path == "/hold":
                    app.held += 1
                    app.free.wait(20)
                kind, body = answers.get(self.path, ("text/html", f"{name} {self.path}".encode()))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if kind.endswith("gzip"):
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Strict-Transport-Security", "max-age=1")
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - http.server wants it so

            def _echo(self) -> None:
                accept = hashlib.sha1(f"{self.headers['Sec-WebSocket-Key']}{WEBSOCKET}".encode())  # noqa: S324 - RFC 6455
                self.wfile.write(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + base64.b64encode(accept.digest()) + b"\r\n\r\n"
                )
                while data := self.connection.recv(100):
                    self.wfile.write(b"echo " + data)
                self.close_connection = True

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer((ADDRESS, 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self.free.set()
        self._server.shutdown()
        self._server.server_close()


class IngressHere:
    """Serves what is registered until it is stopped; ports below 1024 become others."""

    def __init__(self, folder: Path, registered: Registered, pairs: Mapping[str, Pair], limit: int = 512) -> None:
        self._folder = folder
        self.http_port = free_port()
        files = routing_files(registered, NODE)
        for name in ("certificates", "acme/.well-known/acme-challenge"):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        for pair in pairs.values():
            (folder / "certificates" / Path(pair.path).name).write_text(pair.content)
        (folder / "page.html").write_text(files.pages[HAPROXY_PAGE])
        self._haproxy_log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._haproxy_log.bind(str(folder / "log"))
        self._haproxy_lines: list[str] = []
        threading.Thread(target=self._hear, daemon=True).start()
        self.authority = folder / "authority.pem"
        self.authority.write_text(issuing_authority().root.pem)
        self._haproxy_config = self._haproxy(files.haproxy)
        (folder / "haproxy.cfg").write_text(self._haproxy_config)
        (folder / "nginx.conf").write_text(self._nginx(files.nginx or "", limit))
        self._processes: list[subprocess.Popen[bytes]] = []

    def _haproxy(self, text: str) -> str:
        text = text.replace(HAPROXY_PAGE, f"{self._folder}/page.html")
        text = text.replace("/run/haproxy/admin.sock", f"{self._folder}/admin.sock")
        text = text.replace("log /dev/log local0\n", f"log {self._folder}/log local0\n")
        return re.sub(r"(?m)^ *(chroot|user|group|log /dev/log) .*\n", "", text)

    def _nginx(self, text: str, limit: int) -> str:
        text = text.replace("user www-data;", "user root;").replace("worker_processes auto", "worker_processes 1")
        text = text.replace("/run/nginx.pid", f"{self._folder}/pid").replace("/var/log/nginx", str(self._folder))
        text = text.replace(CERTIFICATES_FOLDER, f"{self._folder}/certificates")
        text = text.replace(ACME_FOLDER, f"{self._folder}/acme").replace("clients 512", f"clients {limit}")
        text = re.sub(r"listen 80\b", f"listen {self.http_port}", text)
        return re.sub(r"listen (\d+)", rf"listen {ADDRESS}:\1", text)

    def start(self) -> None:
        """Listen."""
        self._run("haproxy", "-db", "-f", str(self._folder / "haproxy.cfg"))
        self._run("nginx", "-c", str(self._folder / "nginx.conf"), "-g", "daemon off;")
        listening = [self.http_port, *map(int, re.findall(rf"bind {ADDRESS}:(\d+)", self._haproxy_config))]
        wait_for(lambda: all(map(is_open, listening)), self.said)

    def stop(self) -> None:
        """End both."""
        for process in self._processes:
            process.terminate()
            process.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self._folder / "log"))

    def said(self) -> str:
        """What the programs complain of."""
        return "".join(path.read_text() for path in self._folder.glob("*.out"))

    def requests(self) -> list[str]:
        """nginx's access log."""
        return (self._folder / "access.log").read_text().splitlines()

    def awaited_request(self, mark: str) -> str:
        """The line of nginx's access log with this mark, which comes a moment after the answer."""
        wait_for(lambda: any(mark in line for line in self.requests()), self.said)
        return next(line for line in self.requests() if mark in line)

    def haproxy_request(self, mark: str) -> str:
        """The line of HAProxy's log with this mark."""
        wait_for(lambda: any(mark in line for line in self._haproxy_lines), self.said)
        return next(line for line in self._haproxy_lines if mark in line)

    def challenge(self, token: str, content: str) -> None:
        """Put a proof where an authority looks for it."""
        (self._folder / "acme/.well-known/acme-challenge" / token).write_text(content)

    def outside(self, https_port: int) -> Outside:
        """How padlock comes here."""
        return Outside(self.authority, lookup=lambda _: (), http_port=self.http_port, https_port=https_port)

    def curl(self, url: str, *options: str) -> str:
        """What curl prints that trusts the authority and finds every host here."""
        command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "15", "--cacert"]
        command += [str(self.authority), "--connect-to", f"::{ADDRESS}:", *options, url]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        return ran.stdout + ran.stderr

    def _hear(self) -> None:
        """Whoever does not listen gets no lines: the kernel keeps ten of them."""
        while line := self._haproxy_log.recv(65536):
            self._haproxy_lines.append(line.decode())
        self._haproxy_log.close()

    def _run(self, *command: str) -> None:
        with (self._folder / f"{command[0]}.out").open("wb") as out:
            # Killed, nginx would leave its worker behind.
            run = ["setpriv", "--pdeathsig", "TERM", *command]
            self._processes.append(subprocess.Popen(run, stdout=out, stderr=out))


def wait_for(is_so: Callable[[], bool], said: Callable[[], str]) -> None:
    """A minute at most."""
    deadline = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(said())
        time.sleep(0.02)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((ADDRESS, port)) == 0
