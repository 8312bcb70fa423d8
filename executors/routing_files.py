"""What a machine's HAProxy and nginx are to say, purely from what is registered."""

from collections.abc import Mapping
from dataclasses import dataclass

from executors.addresses import plain_address
from executors.templates import render
from model.errors import StepFailed
from model.names import AppKind, AppName, InstanceId, NodeName
from model.registered import IngressLocation, IngressRecord, InstanceRecord, Registered

HAPROXY_CONFIG = "/etc/haproxy/haproxy.cfg"
HAPROXY_PAGE = "/etc/haproxy/unavailable.html"
NGINX_CONFIG = "/etc/nginx/nginx.conf"
PAGES_FOLDER = "/var/www/flstr"
UNAVAILABLE = "unavailable.html"
ACME_FOLDER = "/var/www/acme"
ACME_PATH = "/.well-known/acme-challenge/"
# Port 80 answers on every ingress, also before the first app: strangers get 404, certificates their challenge.
HTTP_PORT = 80


@dataclass(frozen=True)
class RoutingFiles:
    """A machine's routing: whole configurations, and the files they refer to."""

    haproxy: str
    nginx: str | None
    pages: Mapping[str, str]


@dataclass(frozen=True)
class _Server:
    instance: InstanceId
    ip: str
    port: int


@dataclass(frozen=True)
class _App:
    name: str
    port: int
    protocol: str
    servers: tuple[_Server, ...]

    @property
    def mode(self) -> str:
        """HAProxy looks into plain HTTP only; TLS and the rest pass as they are."""
        return "http" if self.protocol == "http" else "tcp"

    @property
    def scheme(self) -> str:
        """How nginx speaks to it."""
        return "https" if self.protocol == "https" else "http"


@dataclass(frozen=True)
class _Location:
    match: str
    upstream: str
    scheme: str


@dataclass(frozen=True)
class _Host:
    name: str
    port: int
    locations: tuple[_Location, ...]


def backend_name(kind: AppKind, app: AppName) -> str:
    """What HAProxy calls an app."""
    return f"{kind}-{app}"


def plain_ingresses(registered: Registered) -> tuple[IngressRecord, ...]:
    """The public addresses that are served; one with TLS waits for its certificate."""
    return tuple(record for _, record in sorted(registered.ingress.items()) if not record.publish.ssl)


def routing_files(registered: Registered, node: NodeName) -> RoutingFiles:
    """The routing of one registered machine."""
    apps = _apps(registered)
    page = render("routing/unavailable.html")
    addresses = [plain_address(address) for _, address in sorted(registered.nodes[node].addresses.items())]
    haproxy = render("routing/haproxy.cfg.j2", apps=apps.values(), addresses=addresses, unavailable_page=HAPROXY_PAGE)
    if registered.nodes[node].role != "ingress":
        return RoutingFiles(haproxy, None, {HAPROXY_PAGE: page})
    ingresses = plain_ingresses(registered)
    hosts = [_Host(one.publish.host_name, one.publish.port, _locations(one.location, apps)) for one in ingresses]
    ports = tuple(sorted({HTTP_PORT, *(one.publish.port for one in ingresses)}))
    routed = {location.upstream for host in hosts for location in host.locations}
    nginx = render(
        "routing/nginx.conf.j2",
        upstreams=[app for name, app in apps.items() if name in routed],
        hosts=hosts,
        ports=ports,
        acme_folder=ACME_FOLDER,
        acme_path=ACME_PATH,
        pages_folder=PAGES_FOLDER,
        unavailable_name=UNAVAILABLE,
    )
    return RoutingFiles(haproxy, nginx, {HAPROXY_PAGE: page, f"{PAGES_FOLDER}/{UNAVAILABLE}": page})


def _apps(registered: Registered) -> dict[str, _App]:
    apps = (
        _App(
            backend_name(kind, name),
            found.meta_data.publish.port,
            found.meta_data.env.protocol,
            tuple(_server(instance, record) for instance, record in sorted(found.instances.items())),
        )
        for (kind, name), found in sorted(registered.apps.items())
        if found.meta_data is not None
    )
    return {app.name: app for app in apps}


def _server(instance: InstanceId, record: InstanceRecord) -> _Server:
    try:
        address = plain_address(record.ip)
    except ValueError as error:
        raise StepFailed(f"instance {instance} is registered at {record.ip!r}, which is no IP address") from error
    return _Server(instance, address, record.port)


def _locations(locations: tuple[IngressLocation, ...], apps: Mapping[str, _App]) -> tuple[_Location, ...]:
    """A path answers for itself and for what is below it, not for what merely begins with the same letters."""
    found: dict[str, _App] = {}
    for one in locations:
        app = apps.get(backend_name(one.type, one.name))
        if app is not None:
            found[one.location.rstrip("/")] = app
    matches = []
    for path, app in sorted(found.items()):
        if path:
            matches.append(_Location(f"= {path}", app.name, app.scheme))
        if f"{path}/" != ACME_PATH:
            matches.append(_Location(f"{path}/", app.name, app.scheme))
    return tuple(matches)
