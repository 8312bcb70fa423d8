"""What can be wrong with a public host, worst first, and how findings of several machines become one line."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from executors.findings import Level

Broken = Literal[
    "unreachable",
    "key mismatch",
    "expired",
    "not yet valid",
    "self-signed",
    "wrong name",
    "incomplete chain",
    "untrusted",
    "redirect loop",
    "server error",
    "active mixed content",
    "weak key",
    "weak signature",
    "redirect to http",
    "CAA forbids",
]
Doubtful = Literal[
    "near expiry",
    "no redirect",
    "redirect elsewhere",
    "wrong order",
    "foreign certificate",
    "old TLS",
    "no HSTS",
    "passive mixed content",
    "not found",
    "CAA unknown",
    "not read whole",
]
Kind = Broken | Doubtful

BROKEN: tuple[Kind, ...] = get_args(Broken)
ORDER: tuple[Kind, ...] = (*BROKEN, *get_args(Doubtful))


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what mends it. One that concerns no machine has no `nodes`."""

    kind: Kind
    text: str
    mend: str
    hosts: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    port: int | None = None

    @property
    def level(self) -> Level:
        """An error is what people see, or what the next certificate fails by; all else is a warning."""
        return "error" if self.kind in BROKEN else "warning"

    @property
    def where(self) -> str:
        """The machines and the port, or nothing."""
        port = "" if self.port is None else f" port {self.port}"
        return f"{', '.join(self.nodes)}{port}" if self.nodes else ""


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Worst first; what is the same on several machines, or of several hosts, is one finding."""
    by_host = _joined(found, "nodes")
    return sorted(_joined(by_host, "hosts"), key=lambda one: ORDER.index(one.kind))


def _joined(found: Iterable[Finding], field: Literal["nodes", "hosts"]) -> list[Finding]:
    """Findings that differ in one field only, as one that has all of it."""
    same: dict[Finding, dict[str, None]] = {}
    for one in found:
        rest = replace(one, nodes=()) if field == "nodes" else replace(one, hosts=())
        same.setdefault(rest, {}).update(dict.fromkeys(one.nodes if field == "nodes" else one.hosts))
    return [
        replace(rest, nodes=tuple(names)) if field == "nodes" else replace(rest, hosts=tuple(names))
        for rest, names in same.items()
    ]
