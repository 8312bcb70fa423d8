"""The plans of what is added or replaced; they destroy nothing, and go at once."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gitops import desired, placement
from gitops.manifests import Manifests
from gitops.placement import Change, Placed
from gitops.plan.certificates import certificate_plans
from gitops.plan.control import add_controllers
from gitops.plan.enrolment import add_enrolment
from gitops.plan.installs import add_installs
from gitops.plan.networks import add_join, add_networks, add_retirement, network_titles, not_in_every_mesh
from gitops.plan.rollout import Rollout, StepList, drain_seconds, start_id, take_out
from gitops.plan.routes import Rolled, add_routes
from gitops.releases import Wanted, fallback_spec
from gitops.routed import wrongly_routed
from gitops.services import is_there_for
from model import keys
from model.app import App
from model.locks import MACHINES, app_lock
from model.names import AppId, InstanceId, NodeName
from model.registered import InstanceRecord, Registered, RegisteredApp
from model.steps import CreateNode, JoinMeshes, JoinOverlay, Plan, RetireMeshes, RetireOverlay, StartInstance, WriteKeys


def change_plans(wanted: Wanted, registered: Registered, busy: frozenset[str] = frozenset()) -> tuple[Plan, ...]:
    """Machines, keys, instances and certificates that are added or replaced; and instances that the count no longer
    asks for.

    Where machines or networks change, everything is one plan, as apps wait for them; otherwise each app has its own.
    Certificates wait for nobody.
    """
    return (*_app_plans(wanted, registered, busy), *certificate_plans(registered, busy))


def _app_plans(wanted: Wanted, registered: Registered, busy: frozenset[str]) -> tuple[Plan, ...]:
    free = (app_id for app_id in _app_ids(wanted.manifests, registered) if app_lock(app_id[1]) not in busy)
    # A service comes after its machines, and an app after the service; neither is waited for by anybody else.
    apps = frozenset(app_id for app_id in free if not _waits_for_services(app_id, wanted.manifests, registered))
    alone = not busy
    if MACHINES not in busy:
        whole = _Scope(wanted, registered, apps, machines=True, alone=alone).plan()
        if MACHINES in whole.locks:
            tied = _tied(whole, registered)
            machines = whole if tied is None else _Scope(wanted, registered, tied, machines=True, alone=alone).plan()
            return (machines, *(() if tied is None else _each(apps - tied, wanted, registered)))
    return _each(apps, wanted, registered)


def _each(apps: frozenset[AppId], wanted: Wanted, registered: Registered) -> tuple[Plan, ...]:
    """A plan for each app by itself; one that needs what is about to move is planned once that has moved."""
    load = _load(registered)
    ready = (app_id for app_id in sorted(apps) if not _waits_for_others(app_id, wanted.manifests, registered))
    plans = [_Scope(wanted, registered, frozenset({app_id}), machines=False, load=load).plan() for app_id in ready]
    return tuple(plan for plan in plans if plan.steps)


def _tied(whole: Plan, registered: Registered) -> frozenset[AppId] | None:
    """The apps that wait for the machines of a plan; None where networks change, for which all of them wait."""
    for planned in whole.steps:
        match planned.step:
            case JoinMeshes(nodes=nodes) | JoinOverlay(nodes=nodes) if not registered.nodes.keys().isdisjoint(nodes):
                return None
            case JoinOverlay(nodes=()) | RetireMeshes() | RetireOverlay():
                return None
    starts = [planned.step for planned in whole.steps if isinstance(planned.step, StartInstance)]
    return frozenset((step.app.kind, step.app.app) for step in starts if step.node not in registered.nodes)


def _waits_for_others(app_id: AppId, manifests: Manifests, registered: Registered) -> bool:
    """Whether an app needs one that is registered otherwise than it is to be: it would be told the wrong place."""
    app = manifests.apps.get(app_id)
    needed = (manifests.app_named(name) for name in (() if app is None else app.needs))
    return any(
        other is not None
        and registered.apps.get((other.kind, other.app), RegisteredApp()).meta_data != desired.meta_data(other)
        for other in needed
    )


def _waits_for_services(app_id: AppId, manifests: Manifests, registered: Registered) -> bool:
    """Whether an app needs a service that is not installed as it is to be: what it is told is not there yet."""
    app = manifests.apps.get(app_id)
    needed = (manifests.services[name] for name in (() if app is None else app.needs) if name in manifests.services)
    return any(not is_there_for(app_id[1], service, registered) for service in needed)


def _load(registered: Registered) -> Counter[NodeName]:
    """How many instances of any app each machine runs."""
    return Counter(record.node for app in registered.apps.values() for record in app.instances.values())


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
    load: Counter[NodeName] = field(default_factory=Counter)

    def plan(self) -> Plan:
        steps, titles, waits = StepList(), list[str](), {}
        if self.machines:
            self.load.update(_load(self.registered))
        cluster = self.wanted.manifests.cluster
        if self.machines:
            new_nodes = _add_nodes(steps, self.wanted.manifests, self.registered)
            waits = dict(add_networks(steps, cluster, self.registered, alone=self.alone))
            add_enrolment(steps, cluster, self.registered)
            titles += [f"add {', '.join(new_nodes)}"] if new_nodes else []
            titles += network_titles(steps, bool(new_nodes))
            titles += add_controllers(steps, cluster, self.registered)
            titles += add_installs(steps, cluster, self.registered)
        overdue = self.alone and bool(wrongly_routed(self.registered))
        of_machines = overdue or bool(steps.all())
        touched = self._register(steps)
        rolled: dict[AppId, Rolled] = {}
        for app_id, app in sorted(self.wanted.manifests.apps.items()):
            if app_id in self.apps and app_id not in self.wanted.held:
                titles += self._roll(steps, app_id, app, waits, rolled)
            elif app_id in self.apps and app.update.auto_revert:
                titles += self._take_back(steps, app_id, app, rolled)
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
        last = (*proved, *replaced, *(start_id(app, one) for one in new), *lost, *removed)
        rolled[app_id] = Rolled(rollout, started, new, last)
        titles = _title(app, change, found.instances, app_id in self.wanted.reverted)
        return titles or ([f"watch {app.app}"] if proved else [])

    def _take_back(self, steps: StepList, app_id: AppId, app: App, rolled: dict[AppId, Rolled]) -> list[str]:
        """Of a release that failed and has none to give way to, the instances go, where others serve."""
        found = self.registered.apps.get(app_id, RegisteredApp())
        placed = [Placed(name, record.node) for name, record in sorted(found.instances.items())]
        bad = [one for one in placed if one.spec in found.quarantine]
        if not bad or len(bad) == len(placed):
            return []
        rollout = Rollout(steps, app)
        rolled[app_id] = Rolled(rollout, (), (), tuple(rollout.remove(bad)))
        return [f"take back {app.app}@{app.commit[:8]}"]

    def _placed(self, app: App, found: RegisteredApp) -> Change:
        manifests, registered = self.wanted.manifests, self.registered
        at = placement.places(manifests.cluster, registered)
        # Whoever does not wait for new machines is placed on those that stand.
        workers = [node for node in at.workers if self.machines or node in registered.nodes]
        fallback = fallback_spec(manifests, app, found)
        spec, load = manifests.spec(app), self.load
        change = placement.change(app.count, spec, found.instances, workers, at.keep, fallback=fallback, load=load)
        load.update(placed.node for placed in change.start)
        return change

    def _unproven(self, app: App, change: Change, found: RegisteredApp) -> list[Placed]:
        """Instances of a release that was never seen to serve as a whole; an operation left them behind."""
        spec = self.wanted.manifests.spec(app)
        going = [*(old for old, _ in change.replace), *change.remove]
        if found.stable is not None and found.stable.spec == spec:
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

    def _drain_seconds(self, app_id: AppId) -> float:
        app = self.wanted.manifests.apps.get(app_id)
        return app.update.drain if app is not None else drain_seconds(self.registered.apps.get(app_id))

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
            take_out(steps, app_id, Placed(held.instance, node), ["route"], self._drain_seconds(app_id))
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
            image=cluster.cloud.image, otherwise=pool.otherwise, spread=pool.is_spread(),
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
