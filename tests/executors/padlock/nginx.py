"""A real nginx on loopback: many ingresses in one process, each with an address of its own and the same ports."""

import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.executors.padlock.authority import HOST, Issued, key_pem, pem_of
from tests.ports import free_port

HSTS = 'add_header Strict-Transport-Security "max-age=31536000" always;'
HELLO = "default_type text/html; return 200 '<!doctype html><title>shop</title>hello';"


@dataclass(frozen=True)
class Setup:
    """One ingress. `{http}` and `{https}` in what nginx is told are its own addresses for the host.

    `chain` and `key` are PEM, as nginx reads them.
    """

    chain: bytes
    key: bytes
    https: str = HELLO
    http: str = "return 301 {https}$request_uri;"
    hsts: str = HSTS
    tls: str = "ssl_protocols TLSv1.2 TLSv1.3;"


def setup_of(issued: Issued, *above: Issued, **told: str) -> Setup:
    """An ingress that sends a certificate with those that are given after it."""
    chain = pem_of(issued.certificate, *(one.certificate for one in above))
    return Setup(chain, key_pem(issued.key), **told)


class Nginx:
    """Serves every set-up until it is stopped."""

    def __init__(self, folder: Path, setups: Mapping[str, Setup]) -> None:
        self._folder = folder
        self._addresses = {name: f"127.77.0.{number}" for number, name in enumerate(setups, start=1)}
        self.http_port, self.https_port = free_port(), free_port()
        servers = "".join(self._server(name, setup) for name, setup in setups.items())
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{_temporary(folder)}\n{servers}}}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def address(self, name: str) -> str:
        """Where a set-up is served."""
        return self._addresses[name]

    def start(self) -> None:
        """Listen."""
        command = ["nginx", "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")]
        with (self._folder / "out").open("wb") as out:
            self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=out, stderr=out)
        for address in self._addresses.values():
            for port in (self.http_port, self.https_port):
                self._await(address, port)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _server(self, name: str, setup: Setup) -> str:
        chain, key = self._folder / f"{name}.chain.pem", self._folder / f"{name}.key.pem"
        chain.write_bytes(setup.chain)
        key.write_bytes(setup.key)
        address = self._addresses[name]
        told = {"{http}": f"http://{HOST}:{self.http_port}", "{https}": f"https://{HOST}:{self.https_port}"}
        http, https = setup.http, setup.https
        for word, url in told.items():
            http, https = http.replace(word, url), https.replace(word, url)
        return (
            f"server {{ listen {address}:{self.http_port}; location / {{ {http} }} }}\n"
            f"server {{ listen {address}:{self.https_port} ssl; ssl_certificate '{chain}'; ssl_certificate_key '{key}';\n"
            f"{setup.tls} {setup.hsts} location / {{ {https} }} }}\n"
        )

    def _await(self, address: str, port: int) -> None:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex((address, port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError((self._folder / "out").read_text())


def _temporary(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
