"""The plans of what is added or replaced; they destroy nothing, and go at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gitops import desired, placement
from gitops.manifests import Manifests
from gitops.placement import Change, Placed
from gitops.plan.networks import add_join, add_networks, add_retirement, network_titles, not_in_every_mesh
from gitops.plan.rollout import AppId, Rollout, StepList, start_id, take_out
from gitops.plan.routes import Rolled, add_routes
from gitops.releases import Wanted, fallback_spec
from gitops.routed import wrongly_routed
from model import keys
from model.app import App
from model.names import InstanceId, NodeName
from model.registered import InstanceRecord, Registered, RegisteredApp
from model.steps import MACHINES, CreateNode, Plan, StartInstance, WriteKeys, app_lock


def change_plans(wanted: Wanted, registered: Registered, busy: frozenset[str] = frozenset()) -> tuple[Plan, ...]:
    """Machines, keys and instances that are added or replaced; and instances that the count no longer asks for.

    Where machines or networks change, everything is one plan, as apps wait for them; otherwise each app has its own.
    """
    apps = frozenset(app_id for app_id in _app_ids(wanted.manifests, registered) if app_lock(app_id[1]) not in busy)
    if MACHINES not in busy:
        whole = _Scope(wanted, registered, apps, machines=True, alone=not busy).plan()
        if MACHINES in whole.locks:
            return (whole,)
    plans = (_Scope(wanted, registered, frozenset({app_id}), machines=False).plan() for app_id in sorted(apps))
    return tuple(plan for plan in plans if plan.steps)


def _app_ids(manifests: Manifests, registered: Registered) -> set[AppId]:
    held = {(record.kind, record.app) for record in registered.ports.values()}
    return {*manifests.apps, *registered.apps, *held}


@dataclass(frozen=True)
class _Scope:
    """What a plan is about: some apps, and the machines with their networks or not.

    `alone` says that nobody else changes the routing meanwhile, so that what is wrong with it was left behind.
    """

    wanted: Wanted
    registered: Registered
    apps: frozenset[AppId]
    machines: bool
    alone: bool = False

    def plan(self) -> Plan:
        steps, titles, waits = StepList(), list[str](), {}
        cluster = self.wanted.manifests.cluster
        if self.machines:
            new_nodes = _add_nodes(steps, self.wanted.manifests, self.registered)
            waits = dict(add_networks(steps, cluster, self.registered, alone=self.alone))
            titles += [f"add {', '.join(new_nodes)}"] if new_nodes else []
            titles += network_titles(steps, bool(new_nodes))
        overdue = self.alone and bool(wrongly_routed(self.registered))
        of_machines = overdue or bool(steps.all())
        touched = self._register(steps)
        rolled: dict[AppId, Rolled] = {}
        for app_id, app in sorted(self.wanted.manifests.apps.items()):
            if app_id in self.apps and app_id not in self.wanted.held:
                titles += self._roll(steps, app_id, app, waits, rolled)
        touched |= {app_id for app_id, one in rolled.items() if one.last}
        touched |= add_routes(steps, self.wanted.manifests, self.registered, rolled, self.apps, overdue=overdue)
        touched |= (left := self._clean_up(steps))
        if self.machines:
            of_machines = add_retirement(steps, cluster, self.registered) or of_machines
        locks = ([MACHINES] if of_machines else []) + sorted(app_lock(name) for _, name in touched)
        if left and not titles:
            titles.append(f"clean up {', '.join(sorted(name for _, name in left))}")
        return Plan(title="; ".join(titles) or "bring the routing up to date", steps=steps.all(), locks=tuple(locks))

    def _roll(
        self, steps: StepList, app_id: AppId, app: App, waits: Mapping[NodeName, Collection[str]],
        rolled: dict[AppId, Rolled],
    ) -> list[str]:  # fmt: skip
        found = self.registered.apps.get(app_id, RegisteredApp())
        change = self._placed(app, found)
        rollout = Rollout(steps, app, {node: tuple(after) for node, after in waits.items()})
        # Those of a dead machine serve nobody: they are not waited for, and each has its successor at once.
        dead = [pair for pair in change.replace if pair[0].node in self.registered.dead]
        alive = [pair for pair in change.replace if pair not in dead]
        new = (*(placed for _, placed in dead), *change.start)
        proved = rollout.prove(self._unproven(app, change, found))
        replaced, started = rollout.replace(alive, proved), rollout.start(new)
        lost = rollout.remove(old for old, _ in dead)
        removed = rollout.remove(change.remove, proved)
        last = (*replaced, *(start_id(app, one) for one in new), *lost, *removed)
        rolled[app_id] = Rolled(rollout, started, new, last)
        return _title(app, change, found.instances, app_id in self.wanted.reverted)

    def _placed(self, app: App, found: RegisteredApp) -> Change:
        manifests, registered = self.wanted.manifests, self.registered
        at = placement.places(manifests.cluster, registered)
        # Whoever does not wait for new machines is placed on those that stand.
        workers = [node for node in at.workers if self.machines or node in registered.nodes]
        fallback = fallback_spec(manifests, app, found)
        return placement.change(app.count, manifests.spec(app), found.instances, workers, at.keep, fallback=fallback)

    def _unproven(self, app: App, change: Change, found: RegisteredApp) -> list[Placed]:
        """Instances of a release that never served as a whole, while old ones are to make room for it."""
        spec = self.wanted.manifests.spec(app)
        going = [*(old for old, _ in change.replace), *change.remove]
        if (found.stable is not None and found.stable.spec == spec) or all(old.spec == spec for old in going):
            return []
        kept = [Placed(name, record.node) for name, record in sorted(found.instances.items())]
        return [placed for placed in kept if placed.spec == spec and placed not in going]

    def _register(self, steps: StepList) -> set[AppId]:
        """Tell what others need to know of each app; the apps concerned."""
        there = {
            keys.meta_data(kind, name): app.meta_data.to_json()
            for (kind, name), app in self.registered.apps.items()
            if app.meta_data is not None
        }
        mine = (app for app_id, app in self.wanted.manifests.apps.items() if app_id in self.apps)
        put = {key: value for key, value in sorted(desired.app_keys(mine).items()) if there.get(key) != value}
        if put:
            names = ", ".join(key.removesuffix("/meta_data") for key in put)
            steps.add("register", f"register {names}", WriteKeys(put=put))
        return {app_id for app_id in self.apps if keys.meta_data(*app_id) in put}

    def _clean_up(self, steps: StepList) -> set[AppId]:
        """Stop what holds a port without serving, left behind by an operation that ended in the middle; its apps."""
        touched: set[AppId] = set()
        wanted = {
            (step.step.app.kind, step.step.app.app, step.step.instance, step.step.node)
            for step in steps.all()
            if isinstance(step.step, StartInstance)
        }
        there = self.wanted.manifests.cluster.nodes().keys() - self.registered.dead.keys()
        for (node, _), held in sorted(self.registered.ports.items()):
            app_id = (held.kind, held.app)
            instances = self.registered.apps.get(app_id, RegisteredApp()).instances
            serves = held.instance in instances and instances[held.instance].node == node
            if serves or (*app_id, held.instance, node) in wanted or node not in there or app_id not in self.apps:
                continue
            touched.add(app_id)
            # Its last connections may still be there.
            take_out(steps, app_id, Placed(held.instance, node), ["route"])
        return touched


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


def _title(app: App, change: Change, instances: Mapping[InstanceId, InstanceRecord], reverted: bool) -> list[str]:
    titles = []
    old = {instances[before.instance].commit for before, _ in change.replace}
    if reverted:
        titles.append(f"revert {app.app} to {app.commit[:8]}")
    elif change.moved == change.replace:
        nodes = sorted({old.node for old, _ in change.moved})
        titles += [f"move {app.app} off {', '.join(nodes)}"] if nodes else []
    elif old == {app.commit}:
        titles.append(f"restart {app.app} with its new settings")
    else:
        titles.append(f"deploy {app.app}@{app.commit[:8]}")
    if change.start and not instances and not reverted:
        titles.append(f"deploy {app.app}@{app.commit[:8]}")
    if instances and len(instances) != app.count and not reverted:
        titles.append(f"stop {app.app}" if app.stopped else f"scale {app.app} from {len(instances)} to {app.count}")
    return titles
