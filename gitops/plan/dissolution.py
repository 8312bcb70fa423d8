"""The plan that ends a cluster: everything that it has goes, and nothing is moved. It waits for an approval."""

from gitops.plan.orphans import add_orphans
from gitops.plan.rollout import StepList
from model import keys
from model.cluster import Cluster
from model.locks import MACHINES, NAMES, app_lock, floating_ip_lock, service_lock
from model.names import AppId, AppName, NodeName
from model.registered import Registered
from model.steps import DestroyNode, EndCluster, GiveBackFloatingIp, Losses, Plan, PointNames, WriteKeys


def dissolution_plan(cluster: Cluster, registered: Registered) -> Plan:
    """First nobody is led here any more, then nothing is served, then the machines go, and the controllers last.

    The controllers go with the very last step, which needs no etcd once it has begun with them.
    """
    nodes = tuple(sorted(registered.nodes.keys() | registered.hosts.keys()))
    floating = tuple(sorted(registered.floating_ips))
    if not nodes and not floating and not registered.orphans:
        return Plan(title="")
    steps, apps = StepList(), sorted(registered.apps)
    before = []
    if registered.names:
        title = "take every name of the cluster out of DNS"
        before = [steps.add("names", title, PointNames(without=tuple(sorted(registered.nodes))))]
    if deletes := _serving(registered):
        named = ", ".join(name for _, name in apps) or "nothing"
        before = [steps.add("unserve", f"serve {named} no more", WriteKeys(delete=deletes), before)]
    given_back = [
        steps.add(f"give-back-{name}", f"give back floating IP {name}", GiveBackFloatingIp(name=name), before)
        for name in floating
    ]
    orphans = add_orphans(steps, registered, before)
    given_back += [f"orphan-{key}" for key in registered.orphans]
    destroyed = [
        steps.add(f"destroy-{node}", f"destroy {node}", DestroyNode(node=node), before)
        for node in nodes
        if node not in last_machines(cluster, registered)
    ]
    last = ", ".join(last_machines(cluster, registered))
    title = f"destroy {last}, and give back whatever else bears the label" if last else "give back what is left"
    steps.add("end", title, EndCluster(), [*before, *given_back, *destroyed])
    services = tuple(name for name, found in sorted(registered.services.items()) if found.record is not None)
    losses = Losses(
        cluster=cluster.cluster, nodes=nodes, apps=tuple(name for _, name in apps), floating_ips=floating,
        services=services, orphans=orphans,
    )  # fmt: skip
    return Plan(
        title=f"end the cluster {cluster.cluster}",
        steps=steps.all(),
        losses=losses,
        locks=_locks(apps, services, floating),
    )


def last_machines(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """Those that go in the last step: the controllers, or all where there is none."""
    known = sorted(registered.nodes.keys() | registered.hosts.keys())
    return tuple(node for node in known if _is_controller(node, cluster, registered)) or tuple(known)


def _is_controller(node: NodeName, cluster: Cluster, registered: Registered) -> bool:
    if node in registered.nodes:
        return registered.nodes[node].role == "controller"
    pool = cluster.pools.get(node.rstrip("0123456789"))
    return pool is not None and pool.role == "controller"


def _serving(registered: Registered) -> tuple[str, ...]:
    """Everything by which apps are served and remembered: without it HAProxy has nobody to send to."""
    found = [f"{keys.INGRESSES}{address}" for address in registered.ingress]
    for (kind, name), app in registered.apps.items():
        found += [keys.instance(kind, name, instance) for instance in app.instances]
        found += [keys.quarantine(kind, name, spec) for spec in app.quarantine]
        found += [keys.meta_data(kind, name), keys.stable(kind, name)]
    return tuple(sorted(found))


def _locks(apps: list[AppId], services: tuple[AppName, ...], floating: tuple[str, ...]) -> tuple[str, ...]:
    of_apps, of_services = (app_lock(name) for _, name in apps), map(service_lock, services)
    return (MACHINES, *of_apps, *of_services, NAMES, *map(floating_ip_lock, floating))
