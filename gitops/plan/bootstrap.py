"""The plan of a bootstrap: from nothing to controllers that carry themselves. Pure."""

from gitops.plan.networks import add_join, not_in_every_mesh
from gitops.plan.rollout import StepList
from model.cluster import Cluster
from model.locks import MACHINES
from model.names import NodeName
from model.pools import Pool
from model.registered import Registered
from model.steps import CreateNode, FoundEtcd, HandOver, InstallController, Plan


def controllers(cluster: Cluster) -> dict[NodeName, Pool]:
    """The controllers that the manifest wants, in order."""
    return {node: pool for node, pool in cluster.nodes().items() if pool.role == "controller"}


def bootstrap_plan(cluster: Cluster, registered: Registered) -> Plan:
    """The steps that are left; what is done already and may be done twice is done again, and changes nothing then."""
    steps, wanted = StepList(), controllers(cluster)
    creates = [_create(steps, node, pool, cluster) for node, pool in wanted.items() if node not in registered.nodes]
    outside = {node for node in not_in_every_mesh(cluster, registered) if node in wanted}
    joining = sorted(outside | (wanted.keys() - registered.nodes.keys()))
    add_join(steps, joining, creates, cluster)
    installs = [
        steps.add(f"install-{node}", f"install flstr on {node}", InstallController(node=node), [f"create-{node}"])
        for node in wanted
    ]
    nodes = tuple(wanted)
    if registered.etcd_members.keys() != wanted.keys():
        steps.add("etcd", f"found etcd on {', '.join(nodes)}", FoundEtcd(nodes=nodes), ["join"])
    steps.add("hand-over", "hand the cluster over", HandOver(nodes=nodes), [*installs, "join", "etcd"])
    return Plan(title=f"bootstrap {cluster.cluster}", steps=steps.all(), locks=(MACHINES,))


def _create(steps: StepList, node: NodeName, pool: Pool, cluster: Cluster) -> str:
    location = pool.location or cluster.cloud.location
    step = CreateNode(
        node=node,
        pool=cluster.pool_of(node) or "",
        role=pool.role,
        server_type=pool.server_type,
        location=location,
        image=cluster.cloud.image,
        otherwise=pool.otherwise,
        spread=pool.is_spread(),
    )
    return steps.add(f"create-{node}", f"rent {node} ({pool.server_type}, {location})", step)
