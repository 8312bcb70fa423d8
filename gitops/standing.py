"""What a revision may not change under machines and apps that stand. Pure: manifests and what is registered in."""

from collections.abc import Iterable, Iterator, Mapping

from gitops import desired
from gitops.manifests import CLUSTER_FILE, Document, Fault, FaultyManifests, Manifests, app_path, parse, service_path
from gitops.plan.control import wanted_controllers, why_breaks_quorum
from gitops.services import nodes_of
from model.base import Frozen
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY
from model.registered import Registered, RegisteredService


def check_standing(
    files: Mapping[str, str], manifests: Manifests, registered: Registered, before: Cluster | None
) -> None:
    """Raise `FaultyManifests` where what is `registered` cannot follow; `before` is the cluster as it was accepted."""
    document = parse(CLUSTER_FILE, files[CLUSTER_FILE])
    faults = [*_roles(document, manifests.cluster, registered), *_controllers(document, manifests.cluster, registered)]
    for name, inside in _inside(registered).items():
        faults += _network(document, name, inside, manifests.cluster, before)
    faults += _held_ports(files, manifests, registered)
    faults += _services(files, manifests, registered)
    if faults:
        raise FaultyManifests(sorted(faults, key=lambda fault: (fault.path, fault.line)))


def _inside(registered: Registered) -> dict[str, list[NodeName]]:
    found: dict[str, list[NodeName]] = {}
    for name, node in sorted(registered.nodes.items()):
        for network in node.addresses:
            found.setdefault(network, []).append(name)
    return found


def _roles(document: Document, cluster: Cluster, registered: Registered) -> Iterator[Fault]:
    for name, pool in cluster.nodes().items():
        node = registered.nodes.get(name)
        if node is not None and node.role != pool.role:
            line = document.line(("pools", cluster.pool_of(name) or "", "role"))
            sentence = f"{name} was set up in role {node.role}; give machines of role {pool.role} a pool of their own"
            yield Fault(CLUSTER_FILE, line, sentence)


def _controllers(document: Document, cluster: Cluster, registered: Registered) -> Iterator[Fault]:
    why = "" if wanted_controllers(cluster) else why_breaks_quorum(cluster, registered)
    if why:
        yield Fault(CLUSTER_FILE, document.line(("pools",)), why)


def _network(
    document: Document, name: str, inside: list[NodeName], cluster: Cluster, before: Cluster | None
) -> Iterator[Fault]:
    """One that is gone from the manifest is stopped by the plan; one that is there keeps what its machines stand on."""
    roles, wanted = cluster.roles_of(name), cluster.nodes()
    if not roles:
        return
    where: tuple[str, ...] = ("overlay",) if name == OVERLAY else ("meshes", name)
    words = "the overlay" if name == OVERLAY else f"mesh {name}"
    left = [node for node in inside if node in wanted and wanted[node].role not in roles]
    if left:
        sentence = f"{words} has to keep the roles of its machines, and {_listed(left)} in it"
        yield Fault(CLUSTER_FILE, document.line(where), sentence)
    for field in [] if before is None else _changed(name, cluster, before):
        instead = "take it out first" if name == OVERLAY else "make a mesh of another name"
        sentence = f"{words} keeps its {field} while {_listed(inside)} in it; {instead}"
        yield Fault(CLUSTER_FILE, document.line((*where, field)), sentence)


def _changed(name: str, cluster: Cluster, before: Cluster) -> list[str]:
    if name == OVERLAY:
        return _differing(("network", "subnet_length", "port"), before.overlay, cluster.overlay)
    return _differing(("subnet", "port"), before.meshes.get(name), cluster.meshes[name])


def _differing(fields: Iterable[str], before: Frozen | None, after: Frozen | None) -> list[str]:
    if before is None or after is None:
        return []
    return [field for field in fields if getattr(before, field) != getattr(after, field)]


def _held_ports(files: Mapping[str, str], manifests: Manifests, registered: Registered) -> Iterator[Fault]:
    """Whoever is still registered, by hand or until it is removed, keeps where it is published."""
    held = {}
    for kind, name in desired.unwanted_apps(manifests.apps, registered):
        meta_data = registered.apps[kind, name].meta_data
        if meta_data is not None:
            held[meta_data.publish.port] = f"{kind} {name}"
    for name, service in registered.services.items():
        if service.meta_data is not None and name not in manifests.services:
            held[service.meta_data.publish.port] = f"service {name}"
    published = [(app_path(app.app), app.app, app.publish.port) for app in manifests.apps.values()]
    published += [(service_path(name), name, one.publish.port) for name, one in manifests.services.items()]
    for path, name, port in published:
        if port in held:
            sentence = f"port {port} belongs to {held[port]} until that is removed; publish {name} on another"
            yield Fault(path, parse(path, files[path]).line(("publish", "port")), sentence)


def _services(files: Mapping[str, str], manifests: Manifests, registered: Registered) -> Iterator[Fault]:
    """What is installed is not another thing by the same name all at once, nor does another one take its port."""
    going = {
        (one.node, port): name
        for name, found in sorted(registered.services.items())
        for one in found.instances.values()
        for port in (one.port, one.peer_port)
        if name not in manifests.services
    }
    for name, service in sorted(manifests.services.items()):
        path = service_path(name)
        document, found = parse(path, files[path]), registered.services.get(name, RegisteredService())
        record = found.record
        for node in nodes_of(service, manifests.cluster):
            if (other := going.get((node, service.listens_at))) is not None:
                where = ("port",) if service.port is not None else ("playbook",)
                sentence = f"port {service.listens_at} of {node} belongs to service {other} until that is removed"
                yield Fault(path, document.line(where), f"{sentence}; let {name} listen at another")
        if record is None and found.meta_data is not None:
            sentence = (
                f"somebody has registered a service {name} by hand; give this one another name, or take that away"
            )
            yield Fault(path, document.line(("service",)), sentence)
        elif record is not None and record.service.playbook != service.playbook:
            sentence = f"{name} was installed by {record.service.playbook}; remove it first, or give this another name"
            yield Fault(path, document.line(("playbook",)), sentence)


def _listed(nodes: list[NodeName]) -> str:
    return f"{', '.join(nodes)} {'is' if len(nodes) == 1 else 'are'}"
