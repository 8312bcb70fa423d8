"""The plans of floating IPs: each has its own, so that it waits for nothing else."""

from collections.abc import Collection, Iterator

from gitops.bindings import silent
from gitops.floating import NEVER, Move, Tried, moves, strays
from gitops.plan.rollout import StepList
from model.cluster import Cluster
from model.locks import floating_ip_lock
from model.names import FloatingIpName, NodeName
from model.registered import Registered
from model.steps import HoldFloatingIp, Plan, SettleFloatingIps


def floating_plans(
    cluster: Cluster, registered: Registered, busy: Collection[str] = (), tried: Tried = NEVER
) -> tuple[Plan, ...]:
    """Have every floating IP held by whom it should be, and no machine answer at one that it does not hold.

    What is `busy`, by the names of its locks, is left out; to whom a move was `tried` in vain comes last.
    """
    if cluster.dissolved:
        # Those that are there lead to whoever answers until they are given back; none is rented any more.
        kept = {name: held for name, held in cluster.floating_ips.items() if name in registered.floating_ips}
        cluster = cluster.model_copy(update={"floating_ips": kept})
    moving = {move.name: move for move in moves(cluster, registered, tried=tried)}
    plans = [
        _of_name(name, moving.get(name), cluster, registered)
        for name in sorted(cluster.floating_ips.keys() | registered.floating_ips.keys())
    ]
    # A machine that goes as well need not let go of an address that was given back.
    forgotten = () if cluster.dissolved else _forgotten(registered)
    return tuple(plan for plan in (*plans, *forgotten) if plan.steps and not set(busy).intersection(plan.locks))


def target(plan: Plan) -> NodeName | None:
    """To whom such a plan moves a floating IP; None where it moves none."""
    return next((planned.step.node for planned in plan.steps if isinstance(planned.step, HoldFloatingIp)), None)


def add_hold(steps: StepList, move: Move, cluster: Cluster) -> str:
    """Have an ingress hold a floating IP; returns the step's id."""
    location = cluster.floating_ips[move.name].location or cluster.cloud.location
    step = HoldFloatingIp(name=move.name, node=move.to, location=location)
    return steps.add(f"hold-{move.name}", move_title(move), step)


def move_title(move: Move) -> str:
    """`move floating IP public from ingress016 to ingress017`."""
    if move.holder is None:
        return f"have {move.to} hold floating IP {move.name}"
    return f"move floating IP {move.name} from {move.holder} to {move.to}"


def _of_name(name: FloatingIpName, move: Move | None, cluster: Cluster, registered: Registered) -> Plan:
    steps = StepList()
    if move is None and (record := registered.floating_ips.get(name)) and record.unsure:
        # Who is wrong is known only then.
        title = f"see where floating IP {name} leads to"
        steps.add("settle", title, SettleFloatingIps(nodes=(), names=(name,)))
        return _plan(name, steps, title)
    wrong = {node: held for (node, of), held in strays(registered).items() if of == name}
    titles = []
    if move is not None:
        add_hold(steps, move, cluster)
        titles.append(move_title(move))
        wrong.pop(move.to, None)
        if move.holder in registered.nodes and not silent(move.holder, registered):
            wrong[move.holder] = False
    if wrong:
        title = _title_of_wrong(name, wrong)
        step = SettleFloatingIps(nodes=tuple(sorted(wrong)), names=(name,))
        steps.add("settle", title, step, ["hold-" + name])
        titles = titles or [title]
    return _plan(name, steps, "; ".join(titles))


def _plan(name: str, steps: StepList, title: str) -> Plan:
    return Plan(title=title, steps=steps.all(), locks=(floating_ip_lock(name),))


def _title_of_wrong(name: FloatingIpName, wrong: dict[NodeName, bool]) -> str:
    nodes, holds = ", ".join(sorted(wrong)), all(wrong.values())
    return f"have {nodes} {'answer at' if holds else 'let go of'} floating IP {name}"


def _forgotten(registered: Registered) -> Iterator[Plan]:
    """Machines that still answer at what was given back."""
    for node, name in strays(registered):
        if name is None:
            steps = StepList()
            title = f"have {node} let go of old floating IPs"
            steps.add("settle", title, SettleFloatingIps(nodes=(node,)))
            yield _plan(node, steps, title)
