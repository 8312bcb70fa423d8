"""The ports of services: where they are published, where they listen, where their machines talk. Pure."""

from collections.abc import Iterator, Sequence

from gitops.lint_networks import OWN_PORTS
from gitops.manifests import Manifests
from gitops.services import nodes_of
from model.cluster import Cluster
from model.names import NodeName, Port
from model.service import Service

Where = tuple[str | int, ...]
Found = Iterator[tuple[Where, str]]


def port_faults(service: Service, before: Sequence[Service], manifests: Manifests) -> Found:
    """Ports that are somebody else's; `before` are the services that come first by name."""
    yield from _published(service, before, manifests)
    yield from _listening(service, manifests)
    yield from _of_peers(service, manifests)
    for other in before:
        if shared := _shared(service, other, manifests.cluster):
            yield from _beside(service, other, shared[0])


def _published(service: Service, before: Sequence[Service], manifests: Manifests) -> Found:
    name, port, where = service.service, service.publish.port, ("publish", "port")
    for other in (*_apps(manifests), *((one.service, one.publish.port) for one in before)):
        if other[1] == port:
            yield where, f"{other[0]} and {name} both publish port {port}; give one another"
    # That of MongoDB is among those of instances, none of which is given a port that a service publishes.
    yield from ((where, f"{why}; publish {name} on another") for why in _of_the_machine(port, manifests.cluster))


def _listening(service: Service, manifests: Manifests) -> Found:
    """It listens in the apps' network, as HAProxy does at the ports of apps, and others on the same machine.

    HAProxy offers services at the machine's own address alone, so that one may listen where it is published.
    """
    name, port, where = service.service, service.listens_at, _where(service)
    for app, published in _apps(manifests):
        if published == port:
            yield where, f"port {port} belongs to {app} on every machine; let {name} listen at another port"
    yield from (
        (where, f"{why}; let {name} listen at another port") for why in _of_the_machine(port, manifests.cluster)
    )
    if port == _peer_port(service):
        sentence = f"port {port} is where the machines of {name} talk to one another; let it listen at another port"
        yield where, sentence


def _of_peers(service: Service, manifests: Manifests) -> Found:
    """A manifest cannot say another one, so that the others have to give way."""
    port, talk = _peer_port(service), f"where the machines of {service.service} talk to one another"
    for app, published in _apps(manifests):
        if published == port:
            yield ("playbook",), f"{app} publishes port {port}, {talk}; publish {app} on another"
    for mesh, found in manifests.cluster.meshes.items():
        if found.port == port:
            yield ("playbook",), f"mesh {mesh} has port {port}, {talk}; give mesh {mesh} another"


def _beside(service: Service, other: Service, node: NodeName) -> Found:
    """Two on one machine."""
    name, where = service.service, _where(service)
    if other.listens_at == service.listens_at:
        sentence = f"{other.service} and {name} both listen at port {other.listens_at} of {node}"
        yield where, f"{sentence}; give one another port"
    if service.listens_at == _peer_port(other):
        sentence = f"port {service.listens_at} of {node} is where the machines of {other.service} talk to one another"
        yield where, f"{sentence}; let {name} listen at another port"
    if other.listens_at == _peer_port(service):
        sentence = f"{other.service} listens at port {other.listens_at} of {node}, where the machines of {name} talk"
        yield ("playbook",), f"{sentence} to one another; let {other.service} listen at another port"
    # Two of one playbook have the same port for their peers, and are no two on a machine.
    if other.playbook == service.playbook and service.ours is not None and service.ours.one_a_machine:
        yield (
            ("pool",) if service.pool is not None else ("nodes",),
            f"{other.service} and {name} are both on {node}, which has room for one {service.playbook}; "
            "give one another machine",
        )


def _of_the_machine(port: Port, cluster: Cluster) -> Iterator[str]:
    """Why a port is none for services on any machine."""
    yield from (f"port {port} belongs to mesh {mesh}" for mesh, found in cluster.meshes.items() if found.port == port)
    if port in OWN_PORTS:
        yield f"port {port} is used by the node itself"


def _where(service: Service) -> Where:
    """Where the manifest says the port at which it listens."""
    return ("port",) if service.port is not None else ("playbook",)


def _peer_port(service: Service) -> Port | None:
    return None if service.ours is None else service.ours.peer_port


def _shared(one: Service, other: Service, cluster: Cluster) -> list[NodeName]:
    return sorted(set(nodes_of(one, cluster)).intersection(nodes_of(other, cluster)))


def _apps(manifests: Manifests) -> list[tuple[str, int]]:
    return [(app.app, app.publish.port) for app in sorted(manifests.apps.values(), key=lambda app: app.app)]
