"""What the manifests of services must agree on with the cluster, the apps and each other. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from gitops.lint_playbooks import playbook_faults, variable_faults
from gitops.lint_service_ports import port_faults
from gitops.manifests import Fault, Manifests, parse, service_path
from gitops.schedules import why_wrong
from gitops.services import nodes_of
from model.cluster import Cluster
from model.names import AppName, NodeName
from model.service import Service

Where = tuple[str | int, ...]
Found = Iterator[tuple[Where, str]]


def service_faults(files: Mapping[str, str], manifests: Manifests) -> Iterator[Fault]:
    """Everything that is wrong with the services of a revision."""
    services = sorted(manifests.services.values(), key=lambda service: service.service)
    for index, service in enumerate(services):
        path = service_path(service.service)
        document = parse(path, files[path])
        machines = len(nodes_of(service, manifests.cluster))
        found = (
            *_faults(service, services[:index], manifests),
            *variable_faults(service, machines),
            *playbook_faults(service, files),
        )
        for where, sentence in found:
            yield Fault(path, document.line(where), sentence)


def _faults(service: Service, before: Sequence[Service], manifests: Manifests) -> Found:
    cluster = manifests.cluster
    yield from _name(service, manifests)
    yield from _machines(service, cluster)
    yield from _network(service, cluster)
    yield from port_faults(service, before, manifests)
    yield from _users(service, manifests)
    yield from _health(service)
    yield from _backups(service, cluster)


def _name(service: Service, manifests: Manifests) -> Found:
    if manifests.app_named(service.service) is not None:
        yield ("service",), f"there is an app called {service.service} as well; give one another name"


def _machines(service: Service, cluster: Cluster) -> Found:
    name, known = service.service, cluster.nodes()
    if service.pool is not None:
        pool = cluster.pools.get(service.pool)
        if pool is None:
            yield ("pool",), f"{name} is to run on pool {service.pool}, which is not in cluster.yaml; add it there"
        elif pool.role != "service":
            yield ("pool",), f"pool {service.pool} has the role {pool.role}; {name} needs one of role service"
        elif pool.count == 0:
            yield ("pool",), f"pool {service.pool} has no machine for {name}; give it a count above 0"
    for number, node in enumerate(service.nodes):
        if node in service.nodes[:number]:
            yield ("nodes", number), f"{node} is there twice; take it out once"
        elif node not in known:
            yield ("nodes", number), _why_unknown(name, node, cluster)
        elif known[node].role != "service":
            yield ("nodes", number), f"{node} has the role {known[node].role}; {name} needs machines of role service"


def _why_unknown(name: AppName, node: NodeName, cluster: Cluster) -> str:
    pool = next((pool for pool, found in cluster.pools.items() if node in found.without), None)
    if pool is None:
        return f"{name} is to run on {node}, which is in no pool; raise a count in cluster.yaml"
    return f"pool {pool} leaves {node} out; name another machine in nodes, or take it out of `without`"


def _network(service: Service, cluster: Cluster) -> Found:
    name, network = service.service, cluster.app_network()
    if network is None:
        yield ("service",), f"{name} is in no mesh; let a mesh or the overlay have the roles worker and service"
    elif "service" not in cluster.roles_of(network):
        yield ("service",), f"apps reach {name} through {network}, where no service is; give {network} the role service"


def _users(service: Service, manifests: Manifests) -> Found:
    name, ours = service.service, service.ours
    if service.users and ours is not None and not ours.has_users:
        yield ("users",), f"{service.playbook} makes no users; take them out, its apps get its own password"
    seen: dict[str, str] = {}
    for user, found in service.users.items():
        for number, app in enumerate(found.apps):
            known = manifests.app_named(app)
            where = ("users", user, "apps", number)
            if known is None:
                yield where, f"{app} is to come as {user}, and no manifest describes it"
            elif name not in known.needs:
                yield where, f"{app} is to come as {user}, and does not need {name}; write {name} under its needs"
            if app in seen:
                yield where, f"{app} comes as {seen[app]} already; let it be one of {seen[app]} and {user}"
            seen.setdefault(app, user)
    if ours is not None and ours.has_users:
        needing = (app.app for app in manifests.apps.values() if name in app.needs)
        for app in sorted(set(needing) - seen.keys()):
            yield ("users",), f"{app} needs {name} and comes as no user; list it under the apps of one of its users"


def _health(service: Service) -> Found:
    """A manifest that is made from etcd says every field, so that what is usual is no mistake."""
    if service.ours is not None and service.health != Service.model_fields["health"].default:
        sentence = f"health is for playbooks of the cluster repo; of {service.playbook} it is known, take it out"
        yield ("health",), sentence


def _backups(service: Service, cluster: Cluster) -> Found:
    name, at = service.service, service.backup.at
    no_place = "and there is no place for backups; write `backups` with its `to` in cluster.yaml"
    for field in [field for field, said in (("backup", at), ("restored", service.restored)) if said]:
        if not service.has_data:
            yield (field,), f"{name} has no data; where {service.playbook} backs some up, write keeps_data: true"
    if not service.has_data:
        return
    if at is not None and (why := why_wrong(at)):
        yield ("backup", "at"), f"'{at}' is no time for backups of {name}: {why}; write one such as 0 3 * * *"
    if at is not None and cluster.backups is None:
        yield ("backup", "at"), f"{name} is to be backed up, {no_place}"
    if service.restored is None:
        return
    if cluster.backups is None:
        yield ("restored",), f"{name} is to have its data from a backup, {no_place}"
    if not service.restored.startswith(f"{cluster.cluster}.service-{name}."):
        yield ("restored",), f"{service.restored} is no backup of {name}; `flstr service backups {name}` lists them"
