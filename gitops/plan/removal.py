"""The plan of what no manifest wants any more: moved off, taken out, given back. It waits for an approval.

So does a backup that takes the place of what a service holds.
"""

from collections.abc import Sequence

from gitops import desired, placement
from gitops.manifests import Manifests
from gitops.placement import Placed
from gitops.plan.control import add_departure, in_order_of_departure
from gitops.plan.farewell import add_farewells, add_give_backs, handed_over, unwanted_floating_ips
from gitops.plan.orphans import add_orphans
from gitops.plan.rollout import Rollout, StepList, drain_seconds, take_out
from gitops.plan.service_removal import (
    add_restoration,
    add_service_removal,
    machines_of_services,
    removed_services,
    restored_in_words,
    restored_services,
)
from model import keys
from model.locks import MACHINES, NAMES, app_lock, floating_ip_lock, service_lock
from model.names import AppId, AppName, NodeName
from model.networks import OVERLAY
from model.registered import Registered, RegisteredApp
from model.steps import (
    ApplyRouting,
    DestroyNode,
    LeaveMeshes,
    LeaveOverlay,
    Losses,
    Plan,
    StartInstance,
    StopInstance,
    WriteKeys,
)


def removal_plan(manifests: Manifests, registered: Registered) -> Plan:
    """Machines, apps, services and floating IPs that no manifest wants any more: moved off, taken out, given back."""
    steps = StepList()
    wanted = manifests.cluster.nodes()
    leaving = _leaving(manifests, registered)
    gone = desired.unwanted_apps(manifests.apps, registered)
    floating = unwanted_floating_ips(manifests.cluster, registered)
    # Nobody is led to what leaves any more by the time it does.
    told = add_farewells(steps, manifests.cluster, registered, leaving)
    moved = _move_instances(steps, manifests, registered, frozenset(leaving))
    if gone:
        _remove_apps(steps, gone, manifests, registered)
    services, restored = removed_services(manifests, registered), restored_services(manifests, registered)
    without_apps = ("route",) if gone else ()
    off = [add_service_removal(steps, name, manifests, registered, without_apps) for name in services]
    for name, backup in restored.items():
        add_restoration(steps, name, backup)
    left: tuple[str, ...] = ()
    for node in leaving:
        stops = [step.id for step in steps.all() if isinstance(step.step, StopInstance) and step.step.node == node]
        drained = [*told, *stops, *off]
        if departed := add_departure(steps, node, registered, drained, left):
            # One controller after the other; each is out of its meshes before the next one begins.
            drained.extend(departed)
            left = (f"leave-{node}",)
        if _has_subnet(node, registered):
            title = f"take {node} out of the overlay"
            drained.append(steps.add(f"leave-overlay-{node}", title, LeaveOverlay(node=node), drained))
        steps.add(f"leave-{node}", f"take {node} out of the meshes and deregister it", LeaveMeshes(node=node), drained)
        steps.add(f"destroy-{node}", f"destroy {node}", DestroyNode(node=node), [f"leave-{node}"])
    add_give_backs(steps, manifests.cluster, floating, told)
    orphans = add_orphans(steps, registered)
    if not any((leaving, gone, services, restored, floating, orphans)):
        return Plan(title="")
    pools = {registered.nodes[node].pool for node in leaving if node in registered.nodes}
    losses = Losses(
        nodes=leaving,
        apps=tuple(name for _, name in gone),
        services=services,
        restored=tuple(restored_in_words(name, backup) for name, backup in restored.items()),
        floating_ips=floating,
        orphans=orphans,
        moved=tuple(moved),
        remaining=tuple(
            sorted(node for node, record in registered.nodes.items() if record.pool in pools and node in wanted)
        ),
    )
    titles = [f"destroy {node}" for node in leaving] + [f"remove {name}" for _, name in gone]
    titles += [f"remove service {name}" for name in services]
    titles += [f"restore {restored_in_words(name, backup)}" for name, backup in restored.items()]
    titles += [f"give back floating IP {name}" for name in floating]
    title = "; ".join([*titles, *(f"give back {orphan}" for orphan in orphans)])
    locks = _locks(steps, gone, (*services, *restored), bool(leaving or orphans))
    return Plan(title=title, steps=steps.all(), losses=losses, locks=locks)


def _locks(steps: StepList, gone: Sequence[AppId], services: Sequence[AppName], machines: bool) -> tuple[str, ...]:
    moved = {step.step.app.app for step in steps.all() if isinstance(step.step, StartInstance)}
    apps = sorted(app_lock(name) for name in moved.union(name for _, name in gone))
    public = [NAMES] if steps.has("names") else []
    public += [floating_ip_lock(name) for name in handed_over(steps.all())]
    return (*([MACHINES] if machines else []), *apps, *map(service_lock, sorted(services)), *public)


def _leaving(manifests: Manifests, registered: Registered) -> tuple[NodeName, ...]:
    """Machines that no pool wants; one that runs instances stays until there is another worker to take them, one that
    a service is on until that has left it, and a controller as long as etcd cannot do without it."""
    wanted = manifests.cluster.nodes().keys() | machines_of_services(manifests, registered)
    unwanted = sorted((registered.nodes.keys() | registered.hosts.keys()) - wanted)
    unwanted = [*in_order_of_departure(unwanted, manifests.cluster, registered)]
    if _workers(manifests, registered):
        return tuple(unwanted)
    busy = {record.node for app in registered.apps.values() for record in app.instances.values()}
    return tuple(node for node in unwanted if node not in busy)


def _has_subnet(node: NodeName, registered: Registered) -> bool:
    """A machine that was given a subnet and died before it was registered has its lease all the same."""
    record, host = registered.nodes.get(node), registered.hosts.get(node)
    leased = host is not None and any(lease.public_ip == host.ip for lease in registered.leases.values())
    return leased or (record is not None and OVERLAY in record.addresses)


def _workers(manifests: Manifests, registered: Registered) -> list[NodeName]:
    """Those that stay, stand, and may run instances."""
    return [node for node in placement.places(manifests.cluster, registered).workers if node in registered.nodes]


def _move_instances(
    steps: StepList, manifests: Manifests, registered: Registered, leaving: frozenset[NodeName]
) -> list[str]:
    workers = _workers(manifests, registered)
    moved = []
    for app_id, app in sorted(manifests.apps.items()):
        instances = registered.apps.get(app_id, RegisteredApp()).instances
        pairs = placement.moves(app.count, manifests.spec(app), instances, workers, leaving)
        rollout = Rollout(steps, app)
        rollout.replace(pairs)
        moved += [f"{app.app} {old.instance} from {old.node} to {new.node}" for old, new in pairs]
    return moved


def _keys_of(app_id: AppId, registered: RegisteredApp) -> list[str]:
    """What is remembered of an app beside its instances."""
    quarantined = [keys.quarantine(*app_id, spec) for spec in registered.quarantine]
    kept = [keys.stable(*app_id)] if registered.stable else []
    return [keys.meta_data(*app_id), keys.attempt(app_lock(app_id[1])), *kept, *quarantined]


def _remove_apps(steps: StepList, gone: Sequence[AppId], manifests: Manifests, registered: Registered) -> None:
    names = ", ".join(name for _, name in gone)
    wanted = desired.ingress_keys(desired.ingress_records(manifests.apps.values()))
    theirs = {
        f"{keys.INGRESSES}{address}"
        for address, record in registered.ingress.items()
        if any((location.type, location.name) in gone for location in record.location)
    }
    put = {key: wanted[key] for key in sorted(theirs & wanted.keys())}
    unpublish = WriteKeys(put=put, delete=tuple(sorted(theirs - wanted.keys())))
    steps.add("unpublish", f"take the public addresses off {names}", unpublish)
    steps.add("route-without", f"route no more to {names}", ApplyRouting(), ["unpublish"])
    stops = [
        take_out(
            steps, app_id, Placed(instance, record.node), ["route-without"], drain_seconds(registered.apps[app_id])
        )
        for app_id in gone
        for instance, record in sorted(registered.apps[app_id].instances.items())
    ]
    forget = WriteKeys(delete=tuple(key for app_id in gone for key in _keys_of(app_id, registered.apps[app_id])))
    steps.add("forget", f"deregister {names}", forget, ["route-without", *stops])
    steps.add("route", "bring HAProxy and nginx up to date", ApplyRouting(), ["forget"])
