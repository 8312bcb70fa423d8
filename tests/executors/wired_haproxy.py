"""HAProxy as an ingress has it, with two instances: one beside it, and one on a machine whose power can be cut."""

import http.client
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from executors.routing_files import HAPROXY_PAGE, routing_files
from gitops.registered_tree import parse
from lab.netns import in_namespace
from tests.executors.example import registered_keys

LIVING, DYING = "1-ab12cd34", "2-ab12cd34"
BACKEND = "backend-influencer"
_PORT = 5001
_INSTANCE_PORT = 20000
_ADDRESSES = {LIVING: "127.0.0.1", DYING: "198.51.100.2"}
_ROUTER_ADDRESS = "198.51.100.1"
_HARDWARE_ADDRESS = "02:00:00:00:00:02"
_ADMIN_SOCKET = "/run/haproxy/admin.sock"
_ANSWERS_WITHIN_SECONDS = 30.0
# A tunnel as a websocket is one, without its handshake.
_UPGRADE = {"Connection": "Upgrade", "Upgrade": "talk"}


@dataclass
class Instance:
    """An app that says its name; asked for /wait it never answers, and asked for /talk it holds a tunnel in silence."""

    name: str
    held: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> ThreadingHTTPServer:
        instance = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/talk":
                    self.send_response(101)
                    for name, value in _UPGRADE.items():
                        self.send_header(name, value)
                    self.end_headers()
                if self.path != "/":
                    instance.held.release()
                    instance.over.wait()
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(instance.name)))
                self.end_headers()
                self.wfile.write(instance.name.encode())

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = listener
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@dataclass(frozen=True)
class WiredHaproxy:
    """HAProxy in a namespace, wired to the machine that will die."""

    namespace: str
    machine: str
    admin_socket: Path
    dying: Instance

    def request(self, method: str, path: str = "/") -> http.client.HTTPConnection:
        """Ask on a new connection; the answer is still to be read."""
        connection = http.client.HTTPConnection("influencer.flstr.lab", timeout=_ANSWERS_WITHIN_SECONDS)
        connection.sock = in_namespace(
            self.namespace, lambda: socket.create_connection(("127.0.0.1", _PORT), timeout=_ANSWERS_WITHIN_SECONDS)
        )
        connection.request(
            method, path, body=b"x" if method == "POST" else None, headers=_UPGRADE if path == "/talk" else {}
        )
        return connection

    def cut_power(self) -> None:
        """From now on the machine takes packets in silence, and sends none."""
        subprocess.run(["ip", "-netns", self.machine, "address", "flush", "dev", "eth0"], check=True)

    def ask(self, command: str) -> str:
        """What HAProxy answers on its socket."""
        with socket.socket(socket.AF_UNIX) as haproxy:
            haproxy.connect(str(self.admin_socket))
            haproxy.sendall(f"{command}\n".encode())
            return haproxy.makefile().read()

    def stat(self, instance: str, column: str) -> str:
        """A column of a server's statistics."""
        head, *rows = self.ask("show stat -1 4 -1").removeprefix("# ").strip().splitlines()
        values = next(row.split(",") for row in rows if row.startswith(f"{BACKEND},{instance},"))
        return values[head.split(",").index(column)]

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _ANSWERS_WITHIN_SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.ask("show stat -1 4 -1")
            time.sleep(0.02)


def can_be_wired() -> bool:
    return os.geteuid() == 0 and all(shutil.which(program) for program in ("haproxy", "ip"))


@contextmanager
def wired_haproxy(folder: Path) -> Iterator[WiredHaproxy]:
    """All of it, with both instances up in HAProxy's eyes."""
    namespace, machine = (f"flstr-test-{os.getpid()}-{end}" for end in ("haproxy", "machine"))
    instances = {name: Instance(name) for name in _ADDRESSES}
    servers = []
    try:
        _wire(namespace, machine)
        for at, name in ((namespace, LIVING), (machine, DYING)):
            listen = partial(socket.create_server, (_ADDRESSES[name], _INSTANCE_PORT))
            servers.append(instances[name].serve(in_namespace(at, listen)))
        wired = WiredHaproxy(namespace, machine, folder / "admin.sock", instances[DYING])
        with _haproxy(wired, folder):
            yield wired
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for instance in instances.values():
            instance.over.set()
        for name in (namespace, machine):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _wire(namespace: str, machine: str) -> None:
    for name in (namespace, machine):
        subprocess.run(["ip", "netns", "add", name], check=True)
        subprocess.run(["ip", "-netns", name, "link", "set", "lo", "up"], check=True)
    _ip(namespace, f"link add eth0 type veth peer name eth0 address {_HARDWARE_ADDRESS} netns {machine}")
    _ip(namespace, f"address add {_ROUTER_ADDRESS}/30 dev eth0", "link set eth0 up")
    _ip(machine, f"address add {_ADDRESSES[DYING]}/30 dev eth0", "link set eth0 up")
    # Through a tunnel nobody hears that an address is not there; on a cable the kernel would ask for it.
    _ip(namespace, f"neighbour replace {_ADDRESSES[DYING]} lladdr {_HARDWARE_ADDRESS} dev eth0 nud permanent")


def _ip(namespace: str, *commands: str) -> None:
    subprocess.run(["ip", "-netns", namespace, "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True)


@contextmanager
def _haproxy(wired: WiredHaproxy, folder: Path) -> Iterator[None]:
    found = registered_keys()
    for name, address in _ADDRESSES.items():
        key = f"backend/influencer/instance/{name}"
        found[key] = found[key].replace(found[key].partition('"ip": "')[2].partition('"')[0], address)
    files = routing_files(parse(found), "ingress016")
    page, config = folder / "page.html", folder / "haproxy.cfg"
    page.write_text(files.pages[HAPROXY_PAGE])
    config.write_text(files.haproxy.replace(HAPROXY_PAGE, str(page)).replace(_ADMIN_SOCKET, str(wired.admin_socket)))
    command = ["ip", "netns", "exec", wired.namespace, "haproxy", "-db", "-f", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as haproxy:
        try:
            wired.wait_until(wired.admin_socket.exists)
            wired.wait_until(lambda: all(wired.stat(name, "check_status") == "L4OK" for name in _ADDRESSES))
            yield
        finally:
            haproxy.kill()
