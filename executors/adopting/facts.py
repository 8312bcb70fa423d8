"""What a machine says of itself: one script that reads, and what it prints. Pure."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface

from executors.certificates.ingress_files import CERTIFICATES_FOLDER
from executors.control.member_files import FOLDER as ETCD_FOLDER
from executors.control.member_files import HERE as ETCD_HERE
from executors.firewall import ZONES_FOLDER
from executors.floating_files import UNIT as FLOATING_UNIT
from executors.host_paths import UNITS_FOLDER
from executors.nginx_files import NGINX_CONFIG
from executors.overlay_files import OVERLAY_FILES
from executors.routing_files import HAPROXY_CONFIG
from executors.script import STATE_FOLDER
from executors.templates import render
from model.errors import StepFailed
from model.names import AppKind, AppName, CommitHash, InstanceId, MeshName

NONE = "-"

_PEM = re.compile(r"-----BEGIN RSA PUBLIC KEY-----\n(?:[A-Za-z0-9+/=]+\n)+-----END RSA PUBLIC KEY-----\n")
_UNIT = re.compile(r"flstr-(?P<kind>backend|frontend)-(?P<app>[a-z][a-z0-9-]*)-(?P<id>[0-9]+-[0-9a-f]{8})\.service")
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
_ED25519 = re.compile(r"[A-Za-z0-9+/=]{40,60}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class MeshFact:
    """A machine's own end of a mesh, as its files say; `same` says whether its private key is of that public one."""

    mesh: MeshName
    name: str
    address: str
    port: int
    public_key: str
    ed25519: str
    same: bool


@dataclass(frozen=True)
class OverlayFact:
    """A machine's own end of the overlay."""

    public_key: str
    address: str
    port: int


@dataclass(frozen=True)
class InstanceFact:
    """A unit of an instance, and whether it runs."""

    kind: AppKind
    app: AppName
    instance: InstanceId
    commit: CommitHash
    address: str
    port: int
    runs: bool

    @property
    def spec(self) -> str:
        """What its release and settings are known by."""
        return self.instance.partition("-")[2]


@dataclass(frozen=True)
class Facts:
    """Everything that a machine said; `files` are digests by path, `certificates` are chain and key by host.

    By service, `serving` are the instances that it routes to, and `kept_services` what it keeps of its own.

    `etcd_answers` says that it carries the cluster's etcd, which has most of its members.
    """

    meshes: tuple[MeshFact, ...] = ()
    overlay: OverlayFact | None = None
    instances: tuple[InstanceFact, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    active: frozenset[str] = frozenset()
    pending: tuple[str, ...] = ()
    fences: Mapping[str, int] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict, repr=False)
    floats: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    serving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kept_services: Mapping[str, str] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    etcd_answers: bool = False


def look_script() -> str:
    """The script; it reads, and changes nothing, so it has no fence."""
    return render(
        "adopt/look.sh.j2",
        **{name: OVERLAY_FILES[name] for name in ("key_file", "conf_file", "up_file", "peers_file")},
        state_folder=STATE_FOLDER,
        units_folder=UNITS_FOLDER,
        zones_folder=ZONES_FOLDER,
        certificates_folder=CERTIFICATES_FOLDER,
        haproxy_config=HAPROXY_CONFIG,
        nginx_config=NGINX_CONFIG,
        floating_unit=FLOATING_UNIT,
        etcd_folder=ETCD_FOLDER,
        etcd_here=ETCD_HERE,
    )


def parse(printed: str) -> Facts:
    """What the script printed. What cannot be right is left out, and named. Raises `StepFailed` where the end lacks."""
    lines = [line.split("\t") for line in printed.splitlines()]
    if not lines or lines[-1] != ["end"]:
        raise StepFailed("it did not say everything of itself")
    found = _Found()
    for about, *fields in lines[:-1]:
        try:
            found.take(about, fields)
        except (ValueError, KeyError, TypeError):
            # No more of it: there are keys among the fields.
            found.unclear.append(" ".join([about, *fields[:1]])[:120])
    return found.facts()


@dataclass
class _Found:
    meshes: list[MeshFact] = field(default_factory=list)
    overlay: list[OverlayFact] = field(default_factory=list)
    instances: list[InstanceFact] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    pending: list[str] = field(default_factory=list)
    fences: dict[str, int] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)
    floats: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    serving: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kept_services: dict[str, str] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)
    etcd: list[str] = field(default_factory=list)

    def take(self, about: str, fields: list[str]) -> None:
        """One line. Raises `ValueError` where it is not as it should be."""
        match about, fields:
            case "mesh", [mesh, name, subnet, port, pem, ed25519, same]:
                self.meshes.append(_mesh(mesh, name, subnet, port, (pem, ed25519), same))
            case "overlay", [key, address, port]:
                self.overlay.append(OverlayFact(_as(_KEY, key), _address(address), _port(port)))
            case "instance", [unit, runs, app, instance, commit, address, port]:
                self.instances.append(_instance(unit, runs, (app, instance), commit, (address, port)))
            case "file", [digest, path]:
                self.files[path] = _as(_SUM, digest)
            case "fence", [name, token]:
                self.fences[name] = int(token)
            case "certificate", [file, pem]:
                self.certificates[file.removesuffix(".pem").replace("_", "*")] = _decoded(pem)
            case "serving", [service, instance]:
                self.serving[service] = (*self.serving.get(service, ()), instance)
            case "kept", [file, text]:
                self.kept_services[file.removesuffix(".json")] = _decoded(text)
            case _, [one]:
                self._take_one(about, one)
            case _:
                raise ValueError(about)

    def _take_one(self, about: str, value: str) -> None:
        match about:
            case "active":
                self.active.add(value)
            case "pending":
                self.pending.append(value)
            case "floats":
                self.floats.append(str(IPv4Address(value)))
            case "service":
                self.services.append(value)
            case "etcd":
                self.etcd.append(value)
            case _:
                raise ValueError(about)

    def facts(self) -> Facts:
        """All of it."""
        return Facts(
            tuple(self.meshes),
            next(iter(self.overlay), None),
            tuple(self.instances),
            self.files,
            frozenset(self.active),
            tuple(self.pending),
            self.fences,
            self.certificates,
            tuple(sorted(self.floats)),
            tuple(self.services),
            self.serving,
            self.kept_services,
            tuple(self.unclear),
            etcd_answers="answers" in self.etcd,
        )


def _mesh(mesh: str, name: str, subnet: str, port: str, keys: tuple[str, str], same: str) -> MeshFact:
    # tinc leaves room around it.
    pem, ed25519 = f"{_decoded(keys[0]).strip()}\n", "" if keys[1] == NONE else _as(_ED25519, keys[1])
    return MeshFact(mesh, name, _address(subnet), _port(port), _as(_PEM, pem), ed25519, same == "yes")


def _instance(unit: str, runs: str, of: tuple[str, str], commit: str, at: tuple[str, str]) -> InstanceFact:
    match = _UNIT.fullmatch(unit)
    if match is None or (match["app"], match["id"]) != of:
        raise ValueError(unit)
    kind: AppKind = "backend" if match["kind"] == "backend" else "frontend"
    address, port = at
    return InstanceFact(
        kind, match["app"], match["id"], _as(_COMMIT, commit), _address(address), _port(port), runs == "yes"
    )


def _as(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError("not as it should be")
    return text


def _address(text: str) -> str:
    return str(IPv4Interface(text).ip)


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:
        raise ValueError(text)
    return port


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()
