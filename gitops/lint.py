"""What manifests must agree on with each other. Pure: manifests and their files in, faults out."""

from collections.abc import Iterator, Mapping

from gitops.lint_bindings import binding_faults, holder_faults
from gitops.lint_drained import drain_faults, undrained_workers, without_faults
from gitops.lint_networks import OWN_PORTS, WEB_PORTS, network_faults
from gitops.lint_schedules import schedule_faults
from gitops.lint_services import service_faults
from gitops.lint_teams import team_faults
from gitops.lint_units import credential_faults, recipient_faults, unit_faults
from gitops.manifests import CLUSTER_FILE, Fault, FaultyManifests, Manifests, app_path, load, parse
from model.app import App, IngressBinding
from model.cluster import Cluster
from model.registered import INSTANCE_PORTS


def check(files: Mapping[str, str]) -> Manifests:
    """The manifests of a revision, once nothing is wrong with them. Raises `FaultyManifests`."""
    manifests = load(files)
    faults = sorted(_faults(files, manifests), key=lambda fault: (fault.path, fault.line))
    if faults:
        raise FaultyManifests(faults)
    return manifests


def _faults(files: Mapping[str, str], manifests: Manifests) -> Iterator[Fault]:
    cluster = parse(CLUSTER_FILE, files[CLUSTER_FILE])
    yield from network_faults(cluster, manifests.cluster)
    yield from drain_faults(cluster, manifests.cluster)
    yield from without_faults(cluster, manifests.cluster)
    yield from schedule_faults(cluster, manifests.cluster)
    yield from recipient_faults(cluster, manifests.cluster)
    yield from credential_faults(files, manifests)
    yield from team_faults(cluster, manifests.cluster)
    apps = sorted(manifests.apps.values(), key=lambda app: app.app)
    places = [_Place(files, app) for app in apps]
    yield from service_faults(files, manifests)
    yield from holder_faults(cluster, manifests.cluster)
    yield from binding_faults([(place.document, place.app) for place in places], manifests.cluster)
    for index, (app, place) in enumerate(zip(apps, places, strict=True)):
        yield from _reachable(place, manifests.cluster)
        yield from _own_port(place, manifests.cluster, apps[:index])
        yield from _public_ports(place, manifests, apps)
        yield from _own_addresses(place, apps[:index])
        yield from _distinct_variables(place, manifests)
        needed = [other for name in app.needs if (other := manifests.app_named(name))]
        services = [service for name in app.needs if (service := manifests.services.get(name))]
        yield from unit_faults(place.document, app, needed, services)


class _Place:
    """Where the fields of an app stand in its file."""

    def __init__(self, files: Mapping[str, str], app: App) -> None:
        self.app = app
        self.document = parse(app_path(app.app), files[app_path(app.app)])

    def fault(self, location: tuple[str | int, ...], sentence: str) -> Fault:
        return Fault(self.document.path, self.document.line(location), sentence)


def _reachable(place: _Place, cluster: Cluster) -> Iterator[Fault]:
    app, roles = place.app, {pool.role for pool in cluster.pools.values() if pool.count > 0}
    if app.instances and "worker" not in roles:
        yield place.fault(("instances",), f"{app.app} has no worker to run on; add a pool of role worker")
    elif app.count and not undrained_workers(cluster):
        yield place.fault(("instances",), f"{app.app} has no worker to run on: all are drained; undrain one of them")
    network = cluster.app_network()
    if app.instances and network is None:
        yield place.fault(("app",), f"{app.app} is in no mesh; let a mesh or the overlay have the role worker")
    elif app.ingress and network is not None and "ingress" not in cluster.roles_of(network):
        sentence = f"its instances listen in {network}, where no ingress is; give {network} the role ingress"
        yield place.fault(("ingress",), f"{app.app} cannot be served: {sentence}")
    if app.ingress and "ingress" not in roles:
        yield place.fault(("ingress",), f"{app.app} has no ingress to serve it; add a pool of role ingress")


def _own_port(place: _Place, cluster: Cluster, before: list[App]) -> Iterator[Fault]:
    app, port = place.app, place.app.publish.port
    where = ("publish", "port")
    for other in before:
        if other.publish.port == port:
            yield place.fault(where, f"{other.app} and {app.app} both publish port {port}; give one another")
    for name, mesh in cluster.meshes.items():
        if mesh.port == port:
            yield place.fault(where, f"port {port} belongs to mesh {name}; publish {app.app} on another")
    if port in OWN_PORTS or port in INSTANCE_PORTS:
        held = f"{INSTANCE_PORTS.start} to {INSTANCE_PORTS.stop - 1}"
        yield place.fault(
            where, f"port {port} is used by the node itself (so are {held}); publish {app.app} on another"
        )


def _public_ports(place: _Place, manifests: Manifests, apps: list[App]) -> Iterator[Fault]:
    """nginx cannot listen where HAProxy, tincd or the node itself does."""
    published = {service.publish.port: f"service {name}" for name, service in manifests.services.items()}
    published |= {app.publish.port: f"app {app.app}" for app in apps}
    meshes = {mesh.port: f"mesh {name}" for name, mesh in manifests.cluster.meshes.items()}
    own = dict.fromkeys((*INSTANCE_PORTS, *(OWN_PORTS - WEB_PORTS)), "the node itself")
    held = {**own, **meshes, **published}
    for number, binding in enumerate(place.app.ingress):
        port = binding.public_port
        if port in held:
            sentence = f"port {port} belongs to {held[port]}; serve {binding.host} on another"
            yield place.fault(("ingress", number, "port"), sentence)


def _own_addresses(place: _Place, before: list[App]) -> Iterator[Fault]:
    taken = {_served_at(b): other.app for other in before for b in other.ingress}
    for number, binding in enumerate(place.app.ingress):
        key = _served_at(binding)
        if key in taken:
            address = f"{binding.host}:{binding.public_port}{binding.location}"
            yield place.fault(("ingress", number), f"{address} already leads to {taken[key]}")
        taken[key] = place.app.app


def _served_at(binding: IngressBinding) -> tuple[str, int, str]:
    # A path answers with and without the slash at its end.
    return binding.host, binding.public_port, binding.location.rstrip("/")


def _distinct_variables(place: _Place, manifests: Manifests) -> Iterator[Fault]:
    """An instance is told of its own app and of each it needs by variables that begin with their prefixes."""
    taken = {place.app.env_prefix: place.app.app}
    for number, needed in enumerate(place.app.needs):
        app = manifests.app_named(needed) or manifests.services.get(needed)
        if app is None:
            yield place.fault(("needs", number), f"{place.app.app} needs {needed}, and no manifest describes it")
        elif taken.setdefault(app.env_prefix, needed) != needed:
            sentence = (
                f"{needed} and {taken[app.env_prefix]} have the same env_prefix {app.env_prefix}; give one another"
            )
            yield place.fault(("needs", number), sentence)
