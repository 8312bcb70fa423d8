"""What a revision may not change under machines and apps that stand. Pure: manifests and what is registered in."""

from collections.abc import Iterator, Mapping

from gitops import desired
from gitops.manifests import CLUSTER_FILE, Document, Fault, FaultyManifests, Manifests, app_path, parse
from model.cluster import Cluster, Mesh
from model.names import MeshName, NodeName
from model.registered import Registered


def check_standing(
    files: Mapping[str, str], manifests: Manifests, registered: Registered, before: Cluster | None
) -> None:
    """Raise `FaultyManifests` where what is `registered` cannot follow; `before` is the cluster as it was accepted."""
    document = parse(CLUSTER_FILE, files[CLUSTER_FILE])
    faults = [*_roles(document, manifests.cluster, registered)]
    for name, inside in _inside(registered).items():
        faults += _mesh(document, name, inside, manifests.cluster, before)
    faults += _held_ports(files, manifests, registered)
    if faults:
        raise FaultyManifests(sorted(faults, key=lambda fault: (fault.path, fault.line)))


def _inside(registered: Registered) -> dict[MeshName, list[NodeName]]:
    found: dict[MeshName, list[NodeName]] = {}
    for name, node in sorted(registered.nodes.items()):
        for mesh in node.addresses:
            found.setdefault(mesh, []).append(name)
    return found


def _roles(document: Document, cluster: Cluster, registered: Registered) -> Iterator[Fault]:
    for name, pool in cluster.nodes().items():
        node = registered.nodes.get(name)
        if node is not None and node.role != pool.role:
            line = document.line(("pools", cluster.pool_of(name) or "", "role"))
            sentence = f"{name} was set up in role {node.role}; give machines of role {pool.role} a pool of their own"
            yield Fault(CLUSTER_FILE, line, sentence)


def _mesh(
    document: Document,
    name: MeshName,
    inside: list[NodeName],
    cluster: Cluster,
    before: Cluster | None,
) -> Iterator[Fault]:
    mesh = cluster.meshes.get(name)
    if mesh is None:
        yield Fault(CLUSTER_FILE, document.line(("meshes",)), f"mesh {name} has to stay while {_listed(inside)} in it")
        return
    wanted = cluster.nodes()
    left = [node for node in inside if node in wanted and wanted[node].role not in mesh.roles()]
    if left:
        sentence = f"mesh {name} has to keep the roles of its machines, and {_listed(left)} in it"
        yield Fault(CLUSTER_FILE, document.line(("meshes", name)), sentence)
    for field in _changed(mesh, None if before is None else before.meshes.get(name)):
        sentence = f"mesh {name} keeps its {field} while {_listed(inside)} in it; make a mesh of another name"
        yield Fault(CLUSTER_FILE, document.line(("meshes", name, field)), sentence)


def _changed(mesh: Mesh, before: Mesh | None) -> list[str]:
    if before is None:
        return []
    return [field for field in ("subnet", "port", "hubs") if getattr(mesh, field) != getattr(before, field)]


def _held_ports(files: Mapping[str, str], manifests: Manifests, registered: Registered) -> Iterator[Fault]:
    held = {}
    for kind, name in desired.unwanted_apps(manifests.apps, registered):
        meta_data = registered.apps[kind, name].meta_data
        if meta_data is not None:
            held[meta_data.publish.port] = f"{kind} {name}"
    for app in manifests.apps.values():
        port = app.publish.port
        if port in held:
            path = app_path(app.app)
            sentence = f"port {port} belongs to {held[port]} until that is removed; publish {app.app} on another"
            yield Fault(path, parse(path, files[path]).line(("publish", "port")), sentence)


def _listed(nodes: list[NodeName]) -> str:
    return f"{', '.join(nodes)} {'is' if len(nodes) == 1 else 'are'}"
