"""Which machines register themselves at the cluster's etcd, and what they have to know for it. Pure."""

import hashlib

from gitops.control import etcd_endpoints, is_bootstrapped
from model.cluster import Cluster
from model.names import NodeName
from model.registered import Registered

# One more where the files come to say something else of the same records, so that every machine gets them anew.
EDITION = 1


def enrolment_digest(registered: Registered) -> str:
    """Sixteen digits that change with where etcd is, and with who certifies there."""
    parts = (f"edition {EDITION}", registered.authority, *sorted(etcd_endpoints(registered)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def may_enrol(cluster: Cluster) -> frozenset[NodeName]:
    """The wanted machines whose role is in the mesh on which etcd listens."""
    mesh = cluster.control_mesh()
    return frozenset(node for node, pool in cluster.nodes().items() if mesh in cluster.meshes_of(pool.role))


def wrongly_enrolled(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """Machines in that mesh that were last told something else, or never anything; no dead ones."""
    if not is_bootstrapped(registered):
        return ()
    mesh, digest = cluster.control_mesh(), enrolment_digest(registered)
    there = (may_enrol(cluster) & registered.nodes.keys()) - registered.dead.keys()
    return tuple(
        node
        for node in sorted(there)
        if mesh in registered.nodes[node].addresses and registered.enrolled.get(node) != digest
    )


def living_by_themselves(registered: Registered) -> frozenset[NodeName]:
    """The machines that say themselves that they live; one that was told otherwise cannot, and has to be asked."""
    if not is_bootstrapped(registered):
        return frozenset()
    digest = enrolment_digest(registered)
    return frozenset(node for node in registered.nodes if registered.enrolled.get(node) == digest)
