"""Where lab hosts fetch a stand-in for flanneld, and where the stand-in asks for its subnet.

The stand-in is installed, started and kept by flstr as the real one would be. What it does to etcd is done here, by
`tests.gitops.flanneld`; it makes a device without WireGuard, and writes `subnet.env`.
"""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from typing import Any

from tests.gitops.flanneld import Flanneld

STAND_IN = b"""#!/bin/sh
# A stand-in for flanneld: what it is started with goes to the etcd it is given, which says what to do.
for argument in "$@"; do case $argument in --etcd-endpoints=*) etcd=${argument#*=} ;; esac; done
ip link add flannel-wg type dummy
ip link set flannel-wg up
curl --silent --fail --data "$*" "$etcd/lease" >/run/flannel/subnet.env
. /run/flannel/subnet.env
ip address replace "${FLANNEL_SUBNET%.1/*}.0/32" dev flannel-wg
exec sleep infinity
"""
CHECKSUM = hashlib.sha256(STAND_IN).hexdigest()


class FlanneldServer:
    """Serves at `address`; `started` holds the arguments of each flanneld by the host's address."""

    def __init__(self, address: str, etcd: Any) -> None:
        self.started: dict[str, str] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(STAND_IN)

            def do_POST(self) -> None:
                ip = self.client_address[0]
                server.started[ip] = self.rfile.read(int(self.headers["Content-Length"])).decode()
                subnet = IPv4Network(Flanneld(etcd, ip).acquire())
                gateway = subnet.network_address + 1
                self._answer(f"FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET={gateway}/24\n".encode())

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{address}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Serve nothing more."""
        self._server.shutdown()
        self._server.server_close()
