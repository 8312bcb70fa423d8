"""What a service is to be, from its manifest and the machines that are registered. Pure."""

import hashlib
import json
from collections.abc import Sequence

from gitops.playbook_files import digest_of
from model.cluster import Cluster
from model.names import AppName, NodeName, ServiceInstanceId
from model.registered import MetaData, Registered, ServiceInstance
from model.service import Service

# What of a manifest its playbook is told, and by what HAProxy sees who serves; the rest is for the apps.
_TOLD = {"service", "playbook", "port", "variables", "users", "passwords", "health", "env", "keeps_data"}


def nodes_of(service: Service, cluster: Cluster) -> tuple[NodeName, ...]:
    """The machines that a manifest wants it on, in order, whether or not they are there yet."""
    if service.pool is None:
        return service.nodes
    pool = cluster.pools.get(service.pool)
    return () if pool is None else cluster.names_of(service.pool, pool)


def meta_data_of(service: Service) -> MetaData:
    """What apps need to know of it."""
    return MetaData(publish=service.publish, env_prefix=service.env_prefix, env=service.env)


def instances_of(
    service: Service, nodes: Sequence[NodeName], cluster: Cluster, registered: Registered
) -> dict[ServiceInstanceId, ServiceInstance]:
    """Its instances on machines that have an address in the apps' network, each called after its machine."""
    network, peer_port = cluster.app_network() or "", None if service.ours is None else service.ours.peer_port
    found = {node: registered.nodes[node].addresses.get(network) for node in nodes if node in registered.nodes}
    return {
        node: ServiceInstance(node=node, ip=ip, port=service.listens_at, peer_port=peer_port)
        for node, ip in found.items()
        if ip is not None
    }


def is_there_for(app: AppName, service: Service, registered: Registered) -> bool:
    """Whether an app finds what it is told of a service: it is offered there, and the password was made."""
    found = registered.services.get(service.service)
    if found is None or found.record is None or found.meta_data != meta_data_of(service):
        return False
    brought = found.record.service
    wanted = (service.user_of(app), service.credentials_for(app))
    return (brought.user_of(app), brought.credentials_for(app)) == wanted


def told(service: Service) -> dict[str, object]:
    """What its playbook is told of a manifest."""
    return service.model_dump(mode="json", include=_TOLD)


def told_digest(
    service: Service,
    instances: dict[ServiceInstanceId, ServiceInstance],
    leaving: Sequence[NodeName],
    leader: NodeName | None,
    silent: Sequence[NodeName],
    source: str,
) -> str:
    """Sixteen digits that change with anything that its playbook is told, and with the playbook itself."""
    all_of_it = {
        "service": told(service),
        "instances": {name: one.model_dump(mode="json") for name, one in instances.items()},
        "leaving": list(leaving),
        "leader": leader,
        **({"silent": sorted(silent)} if silent else {}),
        "source": source if service.ours is None else digest_of(service.playbook),
    }
    return hashlib.sha256(json.dumps(all_of_it, sort_keys=True).encode()).hexdigest()[:16]
