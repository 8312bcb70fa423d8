"""The registered tree, made of what etcd's keys hold. Pure."""

import functools
from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError

from gitops.overlay_leases import parse_leases
from model import keys, service_keys
from model.base import Frozen
from model.certificates import CertificateRecord
from model.errors import Unreadable
from model.names import AppKind, AppName, CertificateHost, InstanceId, MeshName, NodeName
from model.registered import (
    Authority,
    EtcdMember,
    FloatingRecord,
    HostRecord,
    IngressRecord,
    InstanceRecord,
    MeshMember,
    MetaData,
    NodeRecord,
    Orphan,
    PortRecord,
    Quarantine,
    Registered,
    RegisteredApp,
    RegisteredService,
    ServiceInstance,
    ServiceRecord,
    Stable,
)

R = TypeVar("R", bound=Frozen)

REMEMBERED = 4096
KINDS: tuple[AppKind, ...] = ("backend", "frontend")


def parse(found: Mapping[str, str]) -> Registered:
    """The registered tree from etcd's keys and values. Raises `Unreadable` where one of them is not what it may be."""
    try:
        return _tree(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unreadable(f"etcd holds a name that there cannot be: {where} ({first['msg']})") from error


def _tree(found: Mapping[str, str]) -> Registered:
    ports = records_in(found, keys.PORTS, PortRecord)
    return Registered(
        nodes=records_in(found, keys.NODES, NodeRecord),
        hosts=records_in(found, keys.HOSTS, HostRecord),
        apps=_apps(found),
        services=_services(found),
        ingress=records_in(found, keys.INGRESSES, IngressRecord),
        certificates=records_in(found, keys.CERTIFICATES, CertificateRecord),
        due=_under(found, keys.DUE),
        names={name: tuple(value.split()) for name, value in _under(found, keys.NAMES).items()},
        left_names=_under(found, keys.LEFT_NAMES),
        floating_ips=records_in(found, keys.FLOATING_IPS, FloatingRecord),
        floated={node: tuple(value.split()) for node, value in _under(found, keys.FLOATED).items()},
        unreachable={node: float(since) for node, since in _under(found, keys.UNREACHABLE).items()},
        certified={node: _serials(value) for node, value in _under(found, keys.CERTIFIED).items()},
        ports={(name.partition("/")[0], int(name.partition("/")[2])): held for name, held in ports.items()},
        routed=_under(found, keys.ROUTED),
        members=_members(found),
        meshed=_under(found, keys.MESHED),
        leases=parse_leases(found),
        overlaid=_under(found, keys.OVERLAID),
        walled=_under(found, keys.WALLED),
        dead=times_in(found, keys.DEAD),
        not_ready=times_in(found, keys.NOT_READY),
        etcd_members=records_in(found, keys.ETCD_MEMBERS, EtcdMember),
        authority=_authority(found),
        installed=_under(found, keys.INSTALLED),
        enrolled=_under(found, keys.ENROLLED),
        orphans=records_in(found, keys.ORPHANS, Orphan),
    )


@functools.lru_cache(maxsize=REMEMBERED)
def _parsed(model: type[R], text: str) -> R:
    """A record; most of them are as they were when they were last read, and none ever changes."""
    return model.model_validate_json(text)


def record_in(model: type[R], key: str, text: str) -> R:
    """What a key holds, as a record. Raises `Unreadable`."""
    try:
        record: R = _parsed(model, text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unreadable(f"etcd: {key} cannot be read ({where + ': ' if where else ''}{first['msg']})") from error
    return record


def _under(found: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): found[key] for key in sorted(key for key in found if key.startswith(prefix))}


def _serials(value: str) -> dict[CertificateHost, str]:
    pairs = (one.partition("=") for one in value.split())
    return {name: serial for name, _, serial in pairs}


def times_in(found: Mapping[str, str], prefix: str) -> dict[NodeName, float]:
    """The times that stand under a prefix, by machine."""
    return {node: float(since) for node, since in _under(found, prefix).items()}


def _authority(found: Mapping[str, str]) -> str:
    text = found.get(keys.AUTHORITY)
    return "" if text is None else record_in(Authority, keys.AUTHORITY, text).certificate


def records_in(found: Mapping[str, str], prefix: str, model: type[R]) -> dict[str, R]:
    """The records under a prefix, by what comes after it. Raises `Unreadable`."""
    return {name: record_in(model, f"{prefix}{name}", value) for name, value in _under(found, prefix).items()}


def _members(found: Mapping[str, str]) -> dict[MeshName, dict[NodeName, MeshMember]]:
    members: dict[MeshName, dict[NodeName, MeshMember]] = {}
    for name, value in _under(found, keys.MESHES).items():
        match name.split("/"):
            case [mesh, "member", node]:
                members.setdefault(mesh, {})[node] = record_in(MeshMember, f"{keys.MESHES}{name}", value)
    return members


def _apps(found: Mapping[str, str]) -> dict[tuple[AppKind, AppName], RegisteredApp]:
    meta: dict[tuple[AppKind, AppName], MetaData] = {}
    instances: dict[tuple[AppKind, AppName], dict[InstanceId, InstanceRecord]] = {}
    for kind in KINDS:
        for name, value in _under(found, f"{kind}/").items():
            match name.split("/"):
                case [app, "meta_data"]:
                    meta[kind, app] = record_in(MetaData, f"{kind}/{name}", value)
                case [app, "instance", instance]:
                    record = record_in(InstanceRecord, f"{kind}/{name}", value)
                    instances.setdefault((kind, app), {})[instance] = record
    stable, quarantine = _stable(found), _quarantine(found)
    return {
        name: RegisteredApp(
            meta_data=meta.get(name),
            instances=instances.get(name, {}),
            stable=stable.get(name),
            quarantine=quarantine.get(name, {}),
        )
        for name in sorted(meta.keys() | instances.keys())
    }


def _services(found: Mapping[str, str]) -> dict[AppName, RegisteredService]:
    meta: dict[AppName, MetaData] = {}
    instances: dict[AppName, dict[str, ServiceInstance]] = {}
    for name, value in _under(found, service_keys.SERVICES).items():
        match name.split("/"):
            case [service, "meta_data"]:
                meta[service] = record_in(MetaData, f"{service_keys.SERVICES}{name}", value)
            case [service, "instance", instance]:
                record = record_in(ServiceInstance, f"{service_keys.SERVICES}{name}", value)
                instances.setdefault(service, {})[instance] = record
    installed = records_in(found, service_keys.INSTALLED, ServiceRecord)
    return {
        name: RegisteredService(meta_data=meta.get(name), instances=instances.get(name, {}), record=installed.get(name))
        for name in sorted(meta.keys() | instances.keys() | installed.keys())
    }


def _stable(found: Mapping[str, str]) -> dict[tuple[AppKind, AppName], Stable]:
    return {
        (kind, app): record
        for kind in KINDS
        for app, record in records_in(found, f"{keys.STABLE}{kind}/", Stable).items()
    }


def _quarantine(found: Mapping[str, str]) -> dict[tuple[AppKind, AppName], dict[str, Quarantine]]:
    apps: dict[tuple[AppKind, AppName], dict[str, Quarantine]] = {}
    for kind in KINDS:
        for name, record in records_in(found, f"{keys.QUARANTINE}{kind}/", Quarantine).items():
            app, _, spec = name.partition("/")
            apps.setdefault((kind, app), {})[spec] = record
    return apps
