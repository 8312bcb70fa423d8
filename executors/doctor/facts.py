"""What the look at a machine printed, as data. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from executors.overlay_files import OVERLAY_DEVICE
from model.names import MeshName, NodeName

_KEY = re.compile(r"-----BEGIN RSA PUBLIC KEY-----(.*?)-----END RSA PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True)
class LogLine:
    """A line of tincd's; `at` is in seconds of the machine's own clock."""

    at: float
    text: str


@dataclass(frozen=True)
class Unit:
    """Whether a unit of systemd runs, and starts at boot."""

    active: bool
    enabled: bool


@dataclass(frozen=True)
class Device:
    """A network device; `address` has its length, everything is empty or 0 where there is no such device."""

    address: str = ""
    mtu: int = 0
    routes: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostFile:
    """What `/etc/tinc/<mesh>/hosts/<node>` says; `key` is a fingerprint, and empty where the file has none."""

    address: str = ""
    port: str = ""
    subnets: frozenset[str] = frozenset()
    key: str = ""


@dataclass(frozen=True)
class Reach:
    """How another machine answers through a network; `milliseconds` is None where a ping does not come back."""

    milliseconds: float | None
    large: bool = True
    tcp: bool = True


@dataclass(frozen=True)
class MeshFacts:
    """A machine's end of one mesh. `key` is the fingerprint of the public half of its private key."""

    key: str
    name: str
    listens: bool
    let_in: bool
    unit: Unit
    device: Device
    hosts: Mapping[NodeName, HostFile] = field(default_factory=dict)
    log: tuple[LogLine, ...] = ()


@dataclass(frozen=True)
class WireGuardPeer:
    """A peer as `wg show dump` has it; `handshake` is in seconds since 1970, 0 for never."""

    key: str
    endpoint: str
    allowed: str
    handshake: float


@dataclass(frozen=True)
class OverlayFacts:
    """A machine's end of the overlay; `key` is empty where the device is no WireGuard."""

    key: str
    port: str
    device: Device
    uplink_mtu: int
    peers: tuple[WireGuardPeer, ...] = ()
    units: Mapping[str, Unit] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """Everything seen of a machine. `now` is its own clock at the look, in seconds since 1970; `clock` is how far that
    is ahead of the controller's: at least, and at most."""

    firewalld: bool
    names: frozenset[str]
    meshes: Mapping[MeshName, MeshFacts]
    reach: Mapping[tuple[str, NodeName], Reach]
    overlay: OverlayFacts | None = None
    now: float = 0.0
    clock: tuple[float, float] = (0.0, 0.0)
    complete: bool = True


def fingerprint(public_key: str, ed25519: str = "") -> str:
    """Sixteen digits of an RSA public key in PEM, or tinc 1.1's Ed25519 key as it is; empty where there is none."""
    found = _KEY.search(public_key)
    body = "".join(found[1].split()) if found else ""
    return hashlib.sha256(body.encode()).hexdigest()[:16] if body else ed25519


def parse(output: str) -> Facts:
    """The facts in what `look_script` printed. Lines that say nothing to it are left out."""
    seen = [["" if word == "-" else word for word in line.split("\t")] for line in output.splitlines()]
    units = {words[1]: Unit(*(word == "yes" for word in words[2:4])) for words in _about(seen, "unit", 4)}
    devices = {words[1]: _device(words) for words in _about(seen, "device", 5)}
    meshes = {
        words[1]: MeshFacts(
            key=words[2],
            name=words[3],
            listens=words[4] == "yes",
            let_in=words[5] == "yes",
            unit=units.get(f"tinc@{words[1]}", Unit(False, False)),
            device=devices.get(words[1], Device()),
            hosts={host[2]: _host(host) for host in _about(seen, "host", 8) if host[1] == words[1]},
            log=tuple(
                LogLine(float(line[2]), "\t".join(line[3:])) for line in _about(seen, "log", 4) if line[1] == words[1]
            ),
        )
        for words in _about(seen, "mesh", 6)
    }
    return Facts(
        firewalld=any(words[1] == "yes" for words in _about(seen, "firewalld", 2)),
        names=frozenset(" ".join(words[1].split()) for words in _about(seen, "name", 2)),
        meshes=meshes,
        reach={(words[1], words[2]): _reach(words) for words in _about(seen, "reach", 6)},
        overlay=_overlay(seen, devices, units),
        now=float(next((words[1] for words in _about(seen, "now", 2)), "0")),
        complete=bool(_about(seen, "end", 1)),
    )


def _about(seen: list[list[str]], what: str, fields: int) -> list[list[str]]:
    return [words for words in seen if words[0] == what and len(words) >= fields]


def _device(words: list[str]) -> Device:
    return Device(words[2], int(words[3] or 0), tuple(words[4].split(",")) if words[4] else ())


def _host(words: list[str]) -> HostFile:
    return HostFile(words[3], words[4], frozenset(words[5].split(",")) - {""}, words[6] or words[7])


def _reach(words: list[str]) -> Reach:
    return Reach(float(words[3]) if words[3] else None, words[4] == "yes", words[5] == "answers")


def _overlay(seen: list[list[str]], devices: Mapping[str, Device], units: Mapping[str, Unit]) -> OverlayFacts | None:
    uplinks = _about(seen, "uplink", 2)
    if not uplinks:
        return None
    own = next(iter(_about(seen, "wireguard", 3)), ["", "", ""])
    return OverlayFacts(
        key=own[1],
        port=own[2],
        device=devices.get(OVERLAY_DEVICE, Device()),
        uplink_mtu=int(uplinks[0][1] or 0),
        peers=tuple(
            WireGuardPeer(words[1], words[2], words[3], float(words[4] or 0)) for words in _about(seen, "wgpeer", 5)
        ),
        units={name: unit for name, unit in units.items() if not name.startswith("tinc@")},
    )
