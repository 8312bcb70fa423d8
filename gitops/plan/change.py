"""The plan of what is added or replaced; it destroys nothing, and goes at once."""

from collections.abc import Mapping

from gitops import desired, placement
from gitops.manifests import Manifests
from gitops.placement import Change
from gitops.plan.networks import add_join, add_networks, add_retirement, network_titles, not_in_every_mesh
from gitops.plan.rollout import AppId, Rollout, StepList, start_id
from gitops.plan.routes import Rolled, add_routes
from model import keys
from model.app import App
from model.names import InstanceId, NodeName
from model.registered import InstanceRecord, Registered, RegisteredApp
from model.steps import CreateNode, Plan, StartInstance, StopInstance, WriteKeys


def change_plan(manifests: Manifests, registered: Registered) -> Plan:
    """Machines, keys and instances that are added or replaced; and instances that the count no longer asks for."""
    steps = StepList()
    titles: list[str] = []
    new_nodes = _add_nodes(steps, manifests, registered)
    waits = add_networks(steps, manifests.cluster, registered)
    if new_nodes:
        titles.append(f"add {', '.join(new_nodes)}")
    titles += network_titles(steps, bool(new_nodes))
    _register(steps, manifests, registered)
    at = placement.places(manifests.cluster, registered)
    rolled: dict[AppId, Rolled] = {}
    for app_id, app in sorted(manifests.apps.items()):
        instances = registered.apps.get(app_id, RegisteredApp()).instances
        wanted = placement.change(app.instances, manifests.spec(app), instances, at.workers, at.keep)
        rollout = Rollout(steps, app, waits)
        replaced, started = rollout.replace(wanted.replace), rollout.start(wanted.start)
        starts = [start_id(app, placed) for placed in wanted.start]
        rolled[app_id] = Rolled(started, (*replaced, *starts, *rollout.remove(wanted.remove)))
        titles += _title(app, wanted, instances)
    add_routes(steps, manifests, registered, rolled)
    _clean_up(steps, manifests, registered)
    add_retirement(steps, manifests.cluster, registered)
    return Plan(title="; ".join(titles) or "bring the routing up to date", steps=steps.all())


def _add_nodes(steps: StepList, manifests: Manifests, registered: Registered) -> list[NodeName]:
    cluster = manifests.cluster
    wanted = {node: (name, pool) for name, pool in cluster.pools.items() for node in cluster.names_of(name, pool)}
    new = sorted(wanted.keys() - registered.nodes.keys())
    creates = []
    for node in new:
        pool_name, pool = wanted[node]
        location = pool.location or cluster.cloud.location
        step = CreateNode(
            node=node, pool=pool_name, role=pool.role, server_type=pool.server_type, location=location,
            image=cluster.cloud.image,
        )  # fmt: skip
        creates.append(steps.add(f"create-{node}", f"rent {node} ({pool.server_type}, {location})", step))
    add_join(steps, sorted([*new, *not_in_every_mesh(cluster, registered)]), creates, cluster)
    return new


def _register(steps: StepList, manifests: Manifests, registered: Registered) -> None:
    there = {
        keys.meta_data(kind, name): app.meta_data.to_json()
        for (kind, name), app in registered.apps.items()
        if app.meta_data is not None
    }
    wanted = desired.app_keys(manifests.apps.values())
    put = {key: value for key, value in sorted(wanted.items()) if there.get(key) != value}
    if put:
        names = ", ".join(key.removesuffix("/meta_data") for key in put)
        steps.add("register", f"register {names}", WriteKeys(put=put))


def _clean_up(steps: StepList, manifests: Manifests, registered: Registered) -> None:
    """Stop what holds a port without serving: left behind by an operation that ended in the middle."""
    wanted = {
        (step.step.app.kind, step.step.app.app, step.step.instance, step.step.node)
        for step in steps.all()
        if isinstance(step.step, StartInstance)
    }
    nodes = manifests.cluster.nodes()
    for (node, _), held in sorted(registered.ports.items()):
        app = registered.apps.get((held.kind, held.app), RegisteredApp())
        serves = held.instance in app.instances and app.instances[held.instance].node == node
        if serves or (held.kind, held.app, held.instance, node) in wanted or node not in nodes:
            continue
        if node in registered.dead:
            continue
        step = StopInstance(app_kind=held.kind, app=held.app, instance=held.instance, node=node)
        steps.add(f"stop-{held.app}-{held.instance}", f"clean up {held.app} {held.instance} on {node}", step, ["route"])


def _title(app: App, change: Change, instances: Mapping[InstanceId, InstanceRecord]) -> list[str]:
    titles = []
    if change.moved == change.replace:
        nodes = sorted({old.node for old, _ in change.moved})
        titles += [f"move {app.app} off {', '.join(nodes)}"] if nodes else []
    else:
        old = {instances[before.instance].commit for before, _ in change.replace}
        same = old == {app.commit}
        titles.append(f"restart {app.app} with its new settings" if same else f"deploy {app.app}@{app.commit[:8]}")
    if change.start and not instances:
        titles.append(f"deploy {app.app}@{app.commit[:8]}")
    if instances and len(instances) != app.instances:
        titles.append(f"scale {app.app} from {len(instances)} to {app.instances}")
    return titles
