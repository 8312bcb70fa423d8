"""The keys that should exist, from the manifests: the desired half of the tree that is compared with etcd."""

from collections.abc import Collection, Iterable, Mapping

from gitops.bindings import serving_nodes
from model import keys
from model.app import HTTPS_PORT, App, IngressBinding
from model.names import AppKind, AppName, CertificateHost
from model.registered import IngressLocation, IngressPublish, IngressRecord, MetaData, Registered


def meta_data(app: App) -> MetaData:
    """What others need to know of an app."""
    return MetaData(publish=app.publish, env_prefix=app.env_prefix, env=app.env)


def app_keys(apps: Iterable[App]) -> dict[str, str]:
    """The meta_data keys of these apps."""
    return {keys.meta_data(app.kind, app.app): meta_data(app).to_json() for app in apps}


def ingress_records(apps: Iterable[App]) -> dict[str, IngressRecord]:
    """The public addresses of these apps, by `host:port`, longest location first."""
    bindings: dict[tuple[str, int], list[tuple[IngressBinding, App]]] = {}
    for app in apps:
        for binding in app.ingress:
            bindings.setdefault((binding.host, binding.public_port), []).append((binding, app))
    return {
        f"{host}:{port}": IngressRecord(
            publish=_publish(host, port, bound[0][0]),
            pool=bound[0][0].pool,
            nodes=bound[0][0].nodes,
            location=tuple(
                IngressLocation(location=binding.location, type=app.kind, name=app.app)
                for binding, app in sorted(bound, key=lambda pair: (-len(pair[0].location), pair[0].location))
            ),
        )
        for (host, port), bound in sorted(bindings.items())
    }


def _publish(host: str, port: int, binding: IngressBinding) -> IngressPublish:
    """Every binding of one address says the same of it, as lint sees to."""
    return IngressPublish(port=port, ssl=binding.ssl, host_name=host, hsts=binding.ssl and binding.hsts)


def ingress_keys(records: Mapping[str, IngressRecord]) -> dict[str, str]:
    """The keys of these public addresses."""
    return {f"{keys.INGRESSES}{address}": record.to_json() for address, record in records.items()}


def with_held_apps(
    records: Mapping[str, IngressRecord],
    registered: Mapping[str, IngressRecord],
    held: frozenset[tuple[AppKind, AppName]],
) -> dict[str, IngressRecord]:
    """The public addresses while `held` apps still await their removal: what leads to them stays."""
    merged = dict(records)
    for address, record in registered.items():
        kept = tuple(location for location in record.location if (location.type, location.name) in held)
        if not kept:
            continue
        wanted = merged.get(address, record.model_copy(update={"location": ()}))
        paths = {location.location for location in wanted.location}
        both = (*wanted.location, *(location for location in kept if location.location not in paths))
        ordered = tuple(sorted(both, key=lambda location: (-len(location.location), location.location)))
        merged[address] = wanted.model_copy(update={"location": ordered})
    return merged


def with_plain_until_certified(
    records: Mapping[str, IngressRecord], registered: Registered
) -> dict[str, IngressRecord]:
    """The public addresses while hosts that were served in plain have no certificate in place: they still are."""
    merged = dict(records)
    for address, record in registered.ingress.items():
        host = record.publish.host_name
        secure = [one for one in records.values() if one.publish.ssl and one.publish.host_name == host]
        if record.publish.ssl or address in records or not secure or _is_certified(host, secure, registered):
            continue
        follows = min(secure, key=lambda one: one.publish.port != HTTPS_PORT)
        merged[address] = follows.model_copy(update={"publish": record.publish})
    return merged


def _is_certified(host: CertificateHost, secure: Collection[IngressRecord], registered: Registered) -> bool:
    """Whether every ingress of a host has got its certificate."""
    nodes = {node for record in secure for node in serving_nodes(record, registered)} - registered.dead.keys()
    return bool(nodes) and all(host in registered.certified.get(node, {}) for node in nodes)


def unwanted_apps(
    apps: Collection[tuple[AppKind, AppName]], registered: Registered
) -> tuple[tuple[AppKind, AppName], ...]:
    """Registered apps that no manifest describes any more."""
    return tuple(sorted(app_id for app_id in registered.apps if app_id not in apps))
