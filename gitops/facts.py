"""What to know before a plan that destroys is approved: facts for its card. Pure, but for `gather`."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from urllib.parse import urlsplit

from gitops.store import Member, Store
from model.errors import StepFailed, Unreadable
from model.names import AppName, ClusterName, NodeName
from model.networks import OVERLAY
from model.operation import Fact
from model.registered import Registered
from model.steps import GiveBackOrphan, Losses, Plan, RemoveEtcdMember, StartInstance

# What each of a cluster's machines costs a month, in euros before tax; one that the cloud does not have is left out.
# Raises `StepFailed` where the cloud does not say.
Prices = Callable[[ClusterName, Collection[NodeName]], Mapping[NodeName, Decimal]]


def gather(
    plan: Plan, registered: Registered, cluster: ClusterName, prices: Prices | None, store: Store
) -> tuple[Fact, ...]:
    """The facts of a plan as the cloud and etcd say them now; what they do not say is a fact as well."""
    nodes = [*(plan.losses or Losses()).nodes, *_servers_of(plan)]
    costs: Mapping[NodeName, Decimal] | None = None
    members: Sequence[Member] | None = None
    if nodes and prices is not None:
        try:
            costs = prices(cluster, nodes)
        except StepFailed:
            costs = None
    if nodes:
        try:
            members = store.members()
        except Unreadable:
            members = None
    return facts(plan, registered, costs, members)


def facts(
    plan: Plan,
    registered: Registered,
    costs: Mapping[NodeName, Decimal] | None,
    members: Sequence[Member] | None,
) -> tuple[Fact, ...]:
    """What a plan takes away, and what is left then; None is what could not be read."""
    losses = plan.losses or Losses()
    found = [Fact(title="Instances that move", text="; ".join(losses.moved) or "none")]
    found += _routes(plan, losses, registered)
    found += _services(losses, registered)
    servers = [*losses.nodes, *_servers_of(plan)]
    if servers:
        found = [_cost(servers, costs), *found]
    if losses.nodes:
        found = [*found, *_networks(losses.nodes, registered)]
        found.append(_etcd(plan, losses.nodes, registered, members))
    return tuple(found)


def _services(losses: Losses, registered: Registered) -> list[Fact]:
    """Where the services are that lose their data, and which apps go without them."""
    names = [*losses.services, *(one.partition(" ")[0] for one in losses.restored)]
    records = {name: registered.services[name].record for name in names if name in registered.services}
    on = [f"{name} on {', '.join(record.nodes)}" for name, record in records.items() if record is not None]
    needing = sorted(
        app
        for (_, app), found in registered.apps.items()
        if found.stable and {*names}.intersection(found.stable.app.needs)
    )
    told = [Fact(title="Apps that need them", text=", ".join(needing) or "none")] if names else []
    return [*([Fact(title="Services", text="; ".join(on))] if on else []), *told]


def _servers_of(plan: Plan) -> list[str]:
    """The servers that nobody knows among what a plan gives back."""
    orphans = [planned.step.orphan for planned in plan.steps if isinstance(planned.step, GiveBackOrphan)]
    return [orphan.name for orphan in orphans if orphan.kind == "server"]


def _cost(nodes: Sequence[NodeName], costs: Mapping[NodeName, Decimal] | None) -> Fact:
    known = [costs[node] for node in nodes if node in costs] if costs is not None else []
    if not known:
        return Fact(title="Cost a month", text="the cloud does not say what is saved")
    unknown = [node for node in nodes if costs is None or node not in costs]
    of_others = f"; the cloud does not say for {', '.join(unknown)}" if unknown else ""
    return Fact(title="Cost a month", text=f"{sum(known):.2f} € less{of_others}")


def _routes(plan: Plan, losses: Losses, registered: Registered) -> list[Fact]:
    """Where the traffic of each app that is touched can go afterwards, and where the public comes in."""
    moved: dict[AppName, list[NodeName]] = {}
    for planned in plan.steps:
        if isinstance(planned.step, StartInstance):
            moved.setdefault(planned.step.app.app, []).append(planned.step.node)
    replaced = {text.split()[1] for text in losses.moved if len(text.split()) > 1}
    said = []
    for (_, app), record in sorted(registered.apps.items()):
        gone = [name for name, at in record.instances.items() if at.node in losses.nodes or name in replaced]
        if app in losses.apps:
            said.append(f"{app} none")
        elif gone or app in moved:
            stay = [at.node for name, at in record.instances.items() if name not in gone]
            said.append(_left(app, [*stay, *moved.get(app, [])]))
    found = [Fact(title="Routes left", text="; ".join(said))] if said else []
    ingresses = {name for name, node in registered.nodes.items() if node.role == "ingress"}
    if ingresses.intersection(losses.nodes):
        left = sorted(ingresses.difference(losses.nodes))
        found.append(Fact(title="Ingresses left", text=", ".join(left) or "none: the public reaches no app"))
    return found


def _left(app: AppName, nodes: Sequence[NodeName]) -> str:
    machines = len(set(nodes))
    return f"{app} {len(nodes)} on {machines} machine{'' if machines == 1 else 's'}"


def _networks(nodes: Collection[NodeName], registered: Registered) -> list[Fact]:
    before = Counter(name for node in registered.nodes.values() for name in node.addresses)
    after = Counter(name for node, at in registered.nodes.items() if node not in nodes for name in at.addresses)
    touched = [name for name in sorted(before, key=lambda name: (name == OVERLAY, name)) if before[name] != after[name]]
    said = "; ".join(f"{name} {after[name]} of {before[name]}" for name in touched)
    return [Fact(title="Mesh peers after", text=said)] if said else []


def _etcd(plan: Plan, nodes: Collection[NodeName], registered: Registered, members: Sequence[Member] | None) -> Fact:
    """Of the members that go, those that the plan takes out of etcd beforehand make it smaller; others are missed."""
    if members is None:
        return Fact(title="etcd members after", text="etcd does not say")
    lost = [member for member in members if _runs_on(member, nodes, registered)]
    left = len(members) - len(lost)
    if not lost:
        return Fact(title="etcd members after", text=f"{left} of {len(members)}")
    spare = max(0, (left - 1) // 2)
    failures = "no failure" if spare == 0 else f"{spare} failure{'' if spare == 1 else 's'}"
    taken_out = {one.step.node for one in plan.steps if isinstance(one.step, RemoveEtcdMember)}
    voters = left + sum(not _runs_on(member, taken_out, registered) for member in lost)
    stands = f"which {'stand' if left != 1 else 'stands'} {failures}"
    stands = stands if left > voters // 2 else "too few to go on: flstr stops working"
    goes = f"{', '.join(sorted(member.name for member in lost))} {'goes' if len(lost) == 1 else 'go'}"
    return Fact(title="etcd members after", text=f"{left} of {len(members)}, {stands}; {goes}")


def _runs_on(member: Member, nodes: Collection[NodeName], registered: Registered) -> bool:
    hosts = {urlsplit(url).hostname for url in member.urls}
    records = [registered.nodes[node] for node in nodes if node in registered.nodes]
    addresses = {address for record in records for address in (record.ip, *record.addresses.values())}
    return member.name in nodes or not hosts.isdisjoint(addresses)
