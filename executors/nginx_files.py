"""What an ingress's nginx is to say, purely from what is registered."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from executors.certificates.ingress_files import certificate_path
from executors.templates import render
from gitops.bindings import served_by
from model.app import HTTP_PORT, HTTPS_PORT
from model.names import CertificateHost, NodeName
from model.registered import IngressLocation, IngressRecord, Registered

NGINX_CONFIG = "/etc/nginx/nginx.conf"
ACME_FOLDER = "/var/www/acme"
ACME_PATH = "/.well-known/acme-challenge/"
HSTS_SECONDS = 365 * 86400


class Upstream(Protocol):
    """An app, as nginx needs it."""

    @property
    def name(self) -> str:
        """What HAProxy calls it."""

    @property
    def port(self) -> int:
        """Where HAProxy offers it."""

    @property
    def scheme(self) -> str:
        """How it is spoken to."""


@dataclass(frozen=True)
class _Location:
    match: str
    app: Upstream


@dataclass(frozen=True)
class _Site:
    """A host at a port. `certificate` is the file of a host that is served by https."""

    name: CertificateHost
    port: int
    locations: tuple[_Location, ...]
    answers_all: bool
    certificate: str | None = None
    hsts_seconds: int = 0


@dataclass(frozen=True)
class _Forwarding:
    """A host on port 80 that is served by https elsewhere; `port` is None while it has no certificate."""

    name: CertificateHost
    port: int | None

    @property
    def authority(self) -> str:
        """What follows the host in its address."""
        return "" if self.port == HTTPS_PORT else f":{self.port}"


def nginx_config(
    node: NodeName, registered: Registered, certified: Collection[CertificateHost], apps: Mapping[str, Upstream]
) -> str:
    """The whole configuration of an ingress; of its https hosts those are served whose certificate is there."""
    records = served_by(node, registered)
    secure = [one for one in records if one.publish.ssl]
    # Lint keeps them apart; while a change is under way, nothing that was to be encrypted is served in plain.
    plain = [one for one in records if not one.publish.ssl and one.publish.port not in _ports(secure)]
    served = [one for one in secure if one.publish.host_name in certified]
    sites = [_site(one, apps) for one in (*plain, *served)]
    routed = {location.app.name for site in sites for location in site.locations}
    return render(
        "routing/nginx.conf.j2",
        upstreams=[app for name, app in apps.items() if name in routed],
        sites=sites,
        forwardings=_forwardings(secure, plain, certified),
        # Port 80 answers on every ingress, also before the first app: strangers get 404, certificates their challenge.
        plain_ports=sorted({HTTP_PORT, *_ports(plain)}),
        # A name that still waits is not for a wildcard beside it to answer.
        secure_ports={
            port: [one.publish.host_name for one in secure if one.publish.port == port and one not in served]
            for port in sorted(_ports(served))
        },
        acme_folder=ACME_FOLDER,
        acme_path=ACME_PATH,
        unavailable_page=render("routing/unavailable.html"),
    )


def _ports(records: Iterable[IngressRecord]) -> set[int]:
    return {one.publish.port for one in records}


def _forwardings(
    secure: Iterable[IngressRecord], plain: Iterable[IngressRecord], certified: Collection[CertificateHost]
) -> list[_Forwarding]:
    """Port 80 of the hosts that are served by https only."""
    ports: dict[CertificateHost, set[int]] = {}
    for one in secure:
        ports.setdefault(one.publish.host_name, set()).add(one.publish.port)
    for one in plain:
        if one.publish.port == HTTP_PORT:
            ports.pop(one.publish.host_name, None)
    usual = {name: HTTPS_PORT if HTTPS_PORT in found else min(found) for name, found in sorted(ports.items())}
    return [_Forwarding(name, port if name in certified else None) for name, port in usual.items()]


def _site(record: IngressRecord, apps: Mapping[str, Upstream]) -> _Site:
    publish, locations = record.publish, _locations(record.location, apps)
    answers_all = any(one.match == "/" for one in locations)
    if not publish.ssl:
        return _Site(publish.host_name, publish.port, locations, answers_all)
    hsts_seconds = HSTS_SECONDS if publish.hsts else 0
    certificate = certificate_path(publish.host_name)
    return _Site(publish.host_name, publish.port, locations, answers_all, certificate, hsts_seconds)


def _locations(locations: tuple[IngressLocation, ...], apps: Mapping[str, Upstream]) -> tuple[_Location, ...]:
    """A path answers for itself and for what is below it, not for what merely begins with the same letters."""
    found: dict[str, Upstream] = {}
    for one in locations:
        app = apps.get(f"{one.type}-{one.name}")
        if app is not None:
            found[one.location.rstrip("/")] = app
    matches = []
    for path, app in sorted(found.items()):
        if path:
            matches.append(_Location(f"= {path}", app))
        if f"{path}/" != ACME_PATH:
            matches.append(_Location(f"{path}/", app))
    return tuple(matches)
