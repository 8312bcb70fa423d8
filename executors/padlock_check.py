"""`padlock <host>`: every ingress asked by its own address, and what was seen told in findings."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from executors.padlock import PortSeen, report
from executors.padlock_probe import is_open, see_http, see_tls
from executors.routing_files import ingress_nodes
from gitops.registry import Registry
from model.errors import Refused
from model.registered import IngressRecord, Registered

HTTPS_PORT = 443
SIDE_BY_SIDE = 16


class PadlockCheck:
    """A `HostCheck`. `authority` is a CA file to trust instead of the system's, such as the lab's."""

    def __init__(self, authority: Path | None = None) -> None:
        self._authority = authority

    def __call__(self, arguments: tuple[str, ...], registry: Registry) -> str:
        """The findings for one host, as Slack mrkdwn. Raises `Refused` for a host that is not registered."""
        registered = registry.read()
        host = arguments[0].lower().rstrip(".") if arguments else ""
        bindings = [one for one in registered.ingress.values() if one.publish.host_name == host]
        if not bindings:
            raise Refused(_unknown(host, registered))
        nodes = ingress_nodes(registered)
        if not nodes:
            raise Refused(f"No ingress is registered that could serve {host}.")
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="padlock") as pool:
            asked = [
                pool.submit(self._see, node, registered.nodes[node].ip, port, binding)
                for node in nodes
                for port, binding in _ports(bindings).items()
            ]
            seen = [one for one in (answer.result() for answer in asked) if one is not None]
        return report(host, seen, datetime.now(UTC))

    def _see(self, node: str, address: str, port: int, binding: IngressRecord) -> PortSeen | None:
        host = binding.publish.host_name
        path = binding.location[0].location if binding.location else "/"
        tls_expected = binding.publish.ssl and port == binding.publish.port
        if port == binding.publish.port and not tls_expected:
            return PortSeen(node, port, see_http(address, port, host, path))
        if not tls_expected and not is_open(address, port):
            return None
        tls = see_tls(address, port, host, self._authority)
        return PortSeen(node, port, see_http(address, port, host, path, tls=True), tls)


def _ports(bindings: list[IngressRecord]) -> dict[int, IngressRecord]:
    """The ports to look at: those registered, and https, which may be served before it is registered."""
    return {HTTPS_PORT: bindings[0]} | {one.publish.port: one for one in bindings}


def _unknown(host: str, registered: Registered) -> str:
    known = sorted({one.publish.host_name for one in registered.ingress.values()})
    there_are = f"There are {', '.join(known)}." if known else "No app has a public address yet."
    return f"No app is published at {host or 'an empty name'}. {there_are}"
