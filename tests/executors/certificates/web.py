"""An nginx on loopback, and machines that are this one: what scripts for an ingress do is done here, in a folder."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from executors.remote import OnLine
from executors.script import wrapped
from gitops.executor import Cancellation, HostFence
from model.errors import StepFailed
from tests.executors.one_by_one import OneByOne
from tests.ports import free_port

# systemd is not there; nginx is, and is told to reload as its unit would tell it.
SYSTEMCTL = """
systemctl() {{
    case $1 in
    is-active) kill -0 "$(cat {pid})" ;;
    show) cat {pid} ;;
    reload) nginx -s reload -c {config} ;;
    --no-reload) ;;
    *) return 1 ;;
    esac
}}
"""


class Web:
    """nginx that answers challenges over HTTP, and serves the certificates it is given over TLS, a host each."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("nginx") is None:
            pytest.skip("needs Debian's nginx-light")
        self.folder = folder
        self.certificates = folder / "certificates"
        self.acme_folder = folder / "acme"
        self.config = folder / "nginx.conf"
        self.port, self.tls_port = free_port(), free_port()
        for one in (self.certificates, self.acme_folder):
            one.mkdir(parents=True)
        self.write_config({})
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "nginx", "-c", str(self.config), "-g", "daemon off;"],
            stderr=(folder / "stderr").open("wb"),
        )
        self._await()

    def write_config(self, hosts: Mapping[str, str]) -> None:
        """Hosts by name, each with the file of its certificate."""
        self.config.write_text(self.config_of(hosts))

    def config_of(self, hosts: Mapping[str, str]) -> str:
        """What nginx is told of hosts."""
        servers = "".join(
            f"server {{ listen 127.0.0.1:{self.tls_port} ssl; server_name {name}; "
            f"ssl_certificate {path}; ssl_certificate_key {path}; }}\n"
            for name, path in hosts.items()
        )
        # The port is held from the beginning, whoever else looks for a free one.
        servers += f"server {{ listen 127.0.0.1:{self.tls_port} ssl; ssl_reject_handshake on; }}\n"
        return (
            f"user root;\nworker_processes 1;\npid {self.folder}/pid;\nerror_log {self.folder}/error.log;\n"
            "events {}\nhttp {\naccess_log off;\n"
            f"server {{ listen 127.0.0.1:{self.port}; location ^~ /.well-known/acme-challenge/ "
            f"{{ root {self.acme_folder}; default_type text/plain; }} location / {{ return 404; }} }}\n{servers}}}\n"
        )

    def challenges(self) -> list[str]:
        """The files that are answered now."""
        return sorted(path.name for path in self.acme_folder.rglob("*") if path.is_file())

    def serial(self, host: str) -> str:
        """Of the certificate that is served for a host."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", self.tls_port), 5)
        with context.wrap_socket(raw, server_hostname=host) as connection:
            sent = connection.getpeercert(binary_form=True)
        assert sent is not None
        command = ["openssl", "x509", "-inform", "DER", "-noout", "-serial"]
        printed = subprocess.run(command, input=sent, check=True, capture_output=True).stdout.decode()
        return printed.strip().removeprefix("serial=").lower().lstrip("0")

    def comes_to_serve(self, host: str, serial: str) -> bool:
        """Whether a host gets this certificate; the old workers accept connections for a moment beside the new ones."""
        deadline = time.monotonic() + 10
        while self.serial(host) != serial:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _await(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0 and (self.folder / "pid").exists():
                    return
            time.sleep(0.02)
        self.stop()
        raise AssertionError((self.folder / "stderr").read_text())


class HereRemote(OneByOne):
    """A `Remote` whose machines are this one; those that are `dead` are not reached."""

    def __init__(self, web: Web, dead: Sequence[str] = ()) -> None:
        self._web = web
        self.dead = tuple(dead)

    def run(
        self,
        node: str,
        script: str,
        fence: HostFence,
        timeout: float = 60.0,
        on_line: OnLine | None = None,
        cancellation: Cancellation | None = None,
    ) -> str:
        if node in self.dead:
            raise StepFailed(f"{node}: no SSH connection to 192.0.2.1 port 22 (no answer)")
        systemctl = SYSTEMCTL.format(pid=self._web.folder / "pid", config=self._web.config)
        text = wrapped(f"{systemctl}{script}", fence, str(self._web.folder / "state"))
        ran = subprocess.run(["bash", "-s"], input=text, capture_output=True, text=True, timeout=timeout, check=False)
        if ran.returncode:
            last = [*ran.stderr.splitlines(), f"exited {ran.returncode}"][-2 if ran.stderr else -1]
            raise StepFailed(f"{node}: {last}", ran.stderr, ran.returncode)
        return ran.stdout
