"""What the look at a machine printed, as data. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from executors.overlay_files import OVERLAY_DEVICE
from model.names import MeshName, NodeName

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")


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
    up: bool = False


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
    """A peer as `wg show dump` has it, nothing being empty; `handshake` is in seconds since 1970, 0 for never."""

    key: str
    endpoint: str
    allowed: str
    handshake: float


@dataclass(frozen=True)
class OverlayFacts:
    """A machine's end of the overlay; `key` is empty where the device is no WireGuard, or has none."""

    key: str
    port: str
    device: Device
    uplink_mtu: int
    let_in: bool
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


def parse(output: str) -> Facts:
    """The facts in what `look_script` printed. Lines that say nothing to it are left out."""
    seen = [["" if word == "-" else word for word in line.split("\t")] for line in output.split("\n")]
    units = {words[1]: Unit(*(word == "yes" for word in words[2:4])) for words in _about(seen, "unit", 4)}
    devices = {words[1]: _device(words) for words in _about(seen, "device", 6)}
    meshes = {
        words[1]: MeshFacts(
            key=words[2],
            name=words[3],
            listens=words[4] == "yes",
            let_in=words[5] == "yes",
            unit=units.get(f"tinc@{words[1]}", Unit(False, False)),
            device=devices.get(words[1], Device()),
            hosts={host[2]: _host(host) for host in _about(seen, "host", 7) if host[1] == words[1]},
            log=tuple(
                LogLine(_number(line[2]), "\t".join(line[3:])) for line in _about(seen, "log", 4) if line[1] == words[1]
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
        now=_number(next((words[1] for words in _about(seen, "now", 2)), "")),
        complete=bool(_about(seen, "end", 1)),
    )


def _about(seen: list[list[str]], what: str, fields: int) -> list[list[str]]:
    return [words for words in seen if words[0] == what and len(words) >= fields]


def _device(words: list[str]) -> Device:
    routes = tuple(words[4].split(",")) if words[4] else ()
    return Device(words[2], int(_number(words[3])), routes, words[5] == "yes")


def _host(words: list[str]) -> HostFile:
    return HostFile(words[3], words[4], frozenset(words[5].split(",")) - {""}, words[6])


def _reach(words: list[str]) -> Reach:
    return Reach(_number(words[3]) if words[3] else None, words[4] == "yes", words[5] == "answers")


def _overlay(seen: list[list[str]], devices: Mapping[str, Device], units: Mapping[str, Unit]) -> OverlayFacts | None:
    looks = _about(seen, "overlay", 3)
    if not looks:
        return None
    own = next(iter(_about(seen, "wireguard", 3)), ["", "", ""])
    return OverlayFacts(
        key=_said(own[1]),
        port=own[2],
        device=devices.get(OVERLAY_DEVICE, Device()),
        uplink_mtu=int(_number(looks[0][1])),
        let_in=looks[0][2] == "yes",
        peers=tuple(
            WireGuardPeer(words[1], _said(words[2]), _said(words[3]), _number(words[4]))
            for words in _about(seen, "wgpeer", 5)
        ),
        units={name: unit for name, unit in units.items() if not name.startswith("tinc@")},
    )


def _said(word: str) -> str:
    """wg has a word for nothing."""
    return "" if word == "(none)" else word


def _number(word: str) -> float:
    """0 for what is none."""
    return float(word) if _NUMBER.fullmatch(word) else 0.0
