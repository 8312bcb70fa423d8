"""Whether the routing of every machine is what is registered, certificates and all. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from gitops.bindings import served_by
from model.certificates import IssuedCertificate
from model.names import CertificateHost, NodeName
from model.registered import IngressRecord, InstanceRecord, Registered, RegisteredService, ServiceInstance

Instance = TypeVar("Instance", bound=InstanceRecord | ServiceInstance)

ROUTING_ROLES = frozenset({"worker", "ingress", "service"})
# One more where the files come to say something else of the same records, so that every machine gets them anew.
EDITION = 4


def routing_nodes(registered: Registered) -> tuple[NodeName, ...]:
    """The machines that run HAProxy. A dead one is not waited for: it is brought up to date once it answers again."""
    nodes = sorted(registered.nodes.items())
    return tuple(name for name, node in nodes if node.role in ROUTING_ROLES and name not in registered.dead)


def routed_instances(instances: Mapping[str, Instance], silent: Collection[NodeName]) -> dict[str, Instance]:
    """Those that get traffic: not those of silent machines, unless all of them are on such.

    Who seems silent may serve all the same; where nobody else does, nothing is lost by trying.
    """
    heard = {name: record for name, record in instances.items() if record.node not in silent}
    return heard or dict(instances)


def routing_digest(registered: Registered, node: NodeName) -> str:
    """Twice sixteen digits that change with anything that a machine's routing is made from, and with nothing else.

    The first half is of what it serves the public.
    """
    return f"{_public_digest(registered, node)}-{_inner_digest(registered, node)}"


def serves_publicly(node: NodeName, registered: Registered) -> bool:
    """Whether a machine was last brought to serve just the hosts that it is to serve, whatever else has changed."""
    return registered.routed.get(node, "").partition("-")[0] == _public_digest(registered, node)


def _public_digest(registered: Registered, node: NodeName) -> str:
    parts = [f"edition {EDITION}"]
    for record in served_by(node, registered):
        waits = record.publish.ssl and certificate_of(record, registered) is None
        parts.append(f"{'waiting ' if waits else ''}{record.publish.to_json()}")
        parts += [location.to_json() for location in record.location]
    return _digest(parts)


def _inner_digest(registered: Registered, node: NodeName) -> str:
    silent = registered.not_ready
    parts = [f"{network} {address}" for network, address in sorted(registered.nodes[node].addresses.items())]
    for (kind, name), app in sorted(registered.apps.items()):
        if app.meta_data is not None:
            parts += [f"{kind} {name} {app.meta_data.to_json()}", *_in_words(routed_instances(app.instances, silent))]
    for name, service in sorted(registered.services.items()):
        if service.meta_data is not None:
            routed = routed_instances(service.serving(), silent)
            parts += [f"service {name} {service.meta_data.to_json()} {_checked(service)}", *_in_words(routed)]
    return _digest(parts)


def _checked(service: RegisteredService) -> str:
    """By what HAProxy is told to see that it serves; of one that was registered by hand, by a connection alone."""
    record = service.record
    return "" if record is None else f"{record.service.playbook} {record.service.health} {record.service.env.path}"


def _in_words(instances: Mapping[str, InstanceRecord] | Mapping[str, ServiceInstance]) -> list[str]:
    return [f"{instance} {record.to_json()}" for instance, record in sorted(instances.items())]


def certificate_of(record: IngressRecord, registered: Registered) -> IssuedCertificate | None:
    """The certificate by which a public address is served; None before there is one."""
    found = registered.certificates.get(record.publish.host_name)
    return None if found is None else found.issued


def certificates_of(node: NodeName, registered: Registered) -> dict[CertificateHost, IssuedCertificate]:
    """The certificates that an ingress needs: of the hosts that it serves by https, as far as there are any."""
    secured = (record for record in served_by(node, registered) if record.publish.ssl)
    found = {record.publish.host_name: certificate_of(record, registered) for record in secured}
    return {name: issued for name, issued in sorted(found.items()) if issued is not None}


def rightly_certified(registered: Registered, node: NodeName) -> bool:
    """Whether a machine was last given the certificates that it needs, and no others."""
    wanted = {name: issued.serial for name, issued in certificates_of(node, registered).items()}
    return registered.certified.get(node, {}) == wanted


def wrongly_routed(registered: Registered) -> tuple[NodeName, ...]:
    """The machines whose routing was last brought to something else, or never to anything; the same of certificates."""
    return tuple(
        node
        for node in routing_nodes(registered)
        if registered.routed.get(node) != routing_digest(registered, node) or not rightly_certified(registered, node)
    )


def routing_target(registered: Registered) -> str:
    """Sixteen digits that change with what the routing of any machine should be."""
    parts = []
    for node in routing_nodes(registered):
        serials = " ".join(issued.serial for issued in certificates_of(node, registered).values())
        parts.append(f"{node} {routing_digest(registered, node)} {serials}")
    return _digest(parts)


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
