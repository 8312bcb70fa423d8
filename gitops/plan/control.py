"""The steps by which controllers come to carry the cluster's etcd, and leave it; never fewer that live than a quorum.

All of it is for a cluster that its controllers carry themselves. Pure.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gitops.control import full_members, is_bootstrapped
from gitops.plan.rollout import StepList
from model.cluster import Cluster
from model.names import NodeName
from model.registered import EtcdMember, Registered
from model.steps import AddEtcdMember, InstallController, RemoveEtcdMember, RetireController


@dataclass(frozen=True)
class Departures:
    """Controllers that no pool wants: those that may go, in the order in which they do, and those that have to stay."""

    going: tuple[NodeName, ...]
    staying: tuple[NodeName, ...]


def departures(cluster: Cluster, registered: Registered) -> Departures:
    """Who may leave etcd: one after the other, the silent first, as long as enough are left that live."""
    wanted, voters = wanted_controllers(cluster), set(full_members(registered))
    silent = _silent(registered)
    going, staying = list[NodeName](), list[NodeName]()
    leaving = registered.etcd_members.keys() - set(wanted)
    for node in sorted(leaving, key=lambda name: (name not in silent, name)):
        left = voters - {node}
        if node in voters and not _has_quorum(left, silent):
            staying.append(node)
        else:
            voters = left
            going.append(node)
    return Departures(tuple(going), tuple(staying))


def add_controllers(steps: StepList, cluster: Cluster, registered: Registered) -> list[str]:
    """Bring flstr and etcd to controllers that have joined, or do so in this plan; what the plan's title says of it.

    They come into etcd one after the other, and none while a member is silent: etcd would refuse.
    """
    if not is_bootstrapped(registered) or cluster.dissolved:
        return []
    before, added = "", []
    members, waits = full_members(registered), bool(why_waits(cluster, registered))
    for node in wanted_controllers(cluster):
        comes = node in registered.nodes or steps.has(f"create-{node}")
        if node in members or node in _silent(registered) or not comes:
            continue
        if node not in registered.installed:
            # A machine that stands does not wait for those that are still to be rented.
            joins = [] if node in registered.nodes else [f"create-{node}", "join"]
            steps.add(f"install-{node}", f"install flstr on {node}", InstallController(node=node), joins)
        if waits:
            continue
        after = ["join", f"install-{node}", before]
        before = steps.add(f"etcd-{node}", f"have {node} carry etcd", AddEtcdMember(node=node), after)
        added.append(node)
    standing = [node for node in added if node in registered.nodes]
    return [f"have {', '.join(standing)} carry etcd"] if standing else []


def add_departure(
    steps: StepList, node: NodeName, registered: Registered, after: Iterable[str], before: Collection[str]
) -> tuple[str, ...]:
    """Stop flstr on a controller that leaves, and take it out of etcd once those `before` it are; the steps to wait for
    then. Nothing for any other machine."""
    if not is_bootstrapped(registered) or not _is_controller(node, registered):
        return ()
    retired = steps.add(f"retire-{node}", f"stop flstr on {node}", RetireController(node=node), [*after, *before])
    if node not in registered.etcd_members:
        return (retired,)
    title = f"take {node} out of etcd"
    return (steps.add(f"etcd-without-{node}", title, RemoveEtcdMember(node=node), [retired]),)


def in_order_of_departure(
    leaving: Iterable[NodeName], cluster: Cluster, registered: Registered
) -> tuple[NodeName, ...]:
    """The machines that leave, without the controllers that have to stay; the silent ones among these come first."""
    if not is_bootstrapped(registered) or cluster.dissolved:
        return tuple(leaving)
    of_etcd = departures(cluster, registered)
    others = [node for node in leaving if node not in registered.etcd_members]
    return (*of_etcd.going, *others)


def why_breaks_quorum(cluster: Cluster, registered: Registered) -> str:
    """Why a manifest asks for more than etcd can lose, in one sentence; empty where it does not.

    Controllers that the manifest adds count, for they come before any leaves.
    """
    if not is_bootstrapped(registered) or cluster.dissolved:
        return ""
    if not wanted_controllers(cluster):
        return (
            "the manifests have no controller left, and the controllers carry this cluster's etcd; "
            "keep a pool of role controller with a count of 1 at least"
        )
    eventual = _with_additions(cluster, registered)
    found = departures(cluster, eventual)
    if not found.staying:
        return ""
    gone, silent = set(found.going), _silent(registered)
    left = full_members(eventual).keys() - gone - {found.staying[0]}
    living = left - silent
    if not left:
        return f"{found.staying[0]} has to stay: it carries the only member of etcd, and no other can come in"
    return (
        f"{', '.join(found.staying)} {'has' if len(found.staying) == 1 else 'have'} to stay: without "
        f"{found.staying[0]} {len(living)} of etcd's {len(left)} members would live, and {_quorum(left)} are needed; "
        f"bring {', '.join(sorted(left - living))} back, or destroy that first"
    )


def why_waits(cluster: Cluster, registered: Registered) -> str:
    """Why controllers that are wanted cannot come into etcd yet, in one sentence; empty where they can."""
    if not is_bootstrapped(registered) or cluster.dissolved:
        return ""
    members = full_members(registered)
    waiting = [node for node in wanted_controllers(cluster) if node not in members]
    silent = sorted(members.keys() & _silent(registered))
    if not waiting or not silent:
        return ""
    leaving = [node for node in silent if node not in wanted_controllers(cluster)]
    instead = "that goes once it is approved" if leaving == silent else "bring it back, or destroy it"
    return (
        f"{', '.join(waiting)} cannot come into etcd while {', '.join(silent)} is silent, "
        f"for etcd takes no member then; {instead}"
    )


def wanted_controllers(cluster: Cluster) -> tuple[NodeName, ...]:
    """The controllers that the manifests have, in order."""
    return tuple(sorted(node for node, pool in cluster.nodes().items() if pool.role == "controller"))


def _with_additions(cluster: Cluster, registered: Registered) -> Registered:
    """What is registered once the controllers that are wanted have come, where they can."""
    first = departures(cluster, registered).going
    silent = _silent(registered)
    left = {node: one for node, one in registered.etcd_members.items() if not (node in first and node in silent)}
    eventual = registered.model_copy(update={"etcd_members": left})
    if why_waits(cluster, eventual):
        return eventual
    come = {node: EtcdMember(node=node, address="", member_id="to come") for node in wanted_controllers(cluster)}
    members: Mapping[NodeName, EtcdMember] = {**come, **full_members(eventual)}
    return registered.model_copy(update={"etcd_members": {**left, **members}})


def _is_controller(node: NodeName, registered: Registered) -> bool:
    record = registered.nodes.get(node)
    return node in registered.etcd_members or (record is not None and record.role == "controller")


def _silent(registered: Registered) -> frozenset[NodeName]:
    return frozenset(registered.dead.keys() | registered.not_ready.keys())


def _has_quorum(voters: Collection[NodeName], silent: Collection[NodeName]) -> bool:
    return bool(voters) and len(set(voters) - set(silent)) >= _quorum(voters)


def _quorum(voters: Collection[NodeName]) -> int:
    return len(voters) // 2 + 1
