"""What a machine's HAProxy and nginx are to say, purely from what is registered."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from executors.addresses import plain_address
from executors.nginx_files import nginx_config
from executors.service_checks import ServiceCheck, check_of
from executors.templates import render
from gitops.routed import certificates_of, routed_instances
from model.errors import StepFailed
from model.names import AppKind, AppName, CertificateHost, NodeName
from model.registered import InstanceRecord, MetaData, Registered, ServiceInstance

HAPROXY_CONFIG = "/etc/haproxy/haproxy.cfg"
HAPROXY_PAGE = "/etc/haproxy/unavailable.html"


@dataclass(frozen=True)
class RoutingFiles:
    """A machine's routing: whole configurations, and the files they refer to."""

    haproxy: str
    nginx: str | None
    pages: Mapping[str, str]


@dataclass(frozen=True)
class _Server:
    instance: str
    ip: str
    port: int


@dataclass(frozen=True)
class _App:
    name: str
    port: int
    protocol: str
    servers: tuple[_Server, ...]
    # Of a service that flstr installs.
    check: ServiceCheck | None = None

    @property
    def mode(self) -> str:
        """HAProxy looks into plain HTTP only; TLS and the rest pass as they are."""
        return "http" if self.protocol == "http" else "tcp"

    @property
    def options(self) -> tuple[str, ...]:
        """What its servers have besides what every server has."""
        return () if self.check is None else self.check.options

    @property
    def scheme(self) -> str:
        """How nginx speaks to it."""
        return "https" if self.protocol == "https" else "http"


def backend_name(kind: AppKind, app: AppName) -> str:
    """What HAProxy calls an app."""
    return f"{kind}-{app}"


def service_name(service: AppName) -> str:
    """What HAProxy calls a service."""
    return f"service-{service}"


def routing_files(
    registered: Registered, node: NodeName, certified: Collection[CertificateHost] | None = None
) -> RoutingFiles:
    """The routing of one registered machine. An ingress serves those of its https hosts whose certificate it has or is
    given, which are `certified`, or else all that have one.

    Raises `StepFailed` where a service publishes a port that is another's: HAProxy would take it, and send connections
    now to the one and now to the other.
    """
    services = list(_services(registered))
    apps = {app.name: app for app in (*_apps(registered), *services)}
    for service in services:
        _see_that_its_port_is_its_own(service, apps.values())
    addresses = [_address(address, node) for _, address in sorted(registered.nodes[node].addresses.items())]
    haproxy = render("routing/haproxy.cfg.j2", apps=apps.values(), addresses=addresses, unavailable_page=HAPROXY_PAGE)
    nginx = None
    if registered.nodes[node].role == "ingress":
        there = certificates_of(node, registered) if certified is None else certified
        nginx = nginx_config(node, registered, there, apps)
    return RoutingFiles(haproxy, nginx, {HAPROXY_PAGE: render("routing/unavailable.html")})


def _apps(registered: Registered) -> Iterator[_App]:
    for (kind, name), found in sorted(registered.apps.items()):
        if found.meta_data is not None:
            routed = routed_instances(found.instances, registered.not_ready)
            yield _app(backend_name(kind, name), found.meta_data, routed)


def _services(registered: Registered) -> Iterator[_App]:
    for name, found in sorted(registered.services.items()):
        if found.meta_data is not None:
            routed = routed_instances(found.serving(), registered.not_ready)
            check = None if found.record is None else check_of(found.record.service)
            yield _app(service_name(name), found.meta_data, routed, check)


def _see_that_its_port_is_its_own(service: _App, apps: Iterable[_App]) -> None:
    """Among manifests it is for lint to see to, which does not know what was registered by hand."""
    for other in apps:
        if other.port == service.port and other.name != service.name:
            sentence = f"{other.name} and {service.name} both publish port {service.port}; give one of them another"
            raise StepFailed(sentence)


def _app(
    name: str,
    meta_data: MetaData,
    instances: Mapping[str, InstanceRecord | ServiceInstance],
    check: ServiceCheck | None = None,
) -> _App:
    servers = tuple(_server(instance, record) for instance, record in sorted(instances.items()))
    return _App(name, meta_data.publish.port, meta_data.env.protocol, servers, check)


def _server(instance: str, record: InstanceRecord | ServiceInstance) -> _Server:
    return _Server(instance, _address(record.ip, f"instance {instance}"), record.port)


def _address(text: str, of: str) -> str:
    """An IP address; what may follow a % in one could be anything."""
    try:
        return plain_address(text)
    except ValueError as error:
        raise StepFailed(f"{of} is registered at {text!r}, which is no IP address") from error
