"""The steps before machines and floating IPs are given back: whoever is led to them is led elsewhere first."""

from collections.abc import Collection, Sequence

from gitops.floating import moves
from gitops.plan.floating import add_hold
from gitops.plan.rollout import StepList
from model.cluster import Cluster
from model.names import FloatingIpName, NodeName
from model.registered import Registered
from model.steps import GiveBackFloatingIp, HoldFloatingIp, PlannedStep, PointNames


def unwanted_floating_ips(cluster: Cluster, registered: Registered) -> tuple[FloatingIpName, ...]:
    """Rented floating IPs that the manifest no longer has."""
    return tuple(sorted(registered.floating_ips.keys() - cluster.floating_ips.keys()))


def add_farewells(
    steps: StepList, cluster: Cluster, registered: Registered, leaving: Sequence[NodeName]
) -> tuple[str, ...]:
    """Hand the floating IPs of machines that leave to others, then take their names out of DNS.

    Returns the ids of the steps that have to be done before a machine leaves.
    """
    handed = [move for move in moves(cluster, registered, leaving) if move.holder in leaving]
    before = [add_hold(steps, move, cluster) for move in handed]
    if leaving and (cluster.dns is not None or registered.names):
        title = f"take {', '.join(leaving)} out of DNS"
        before.append(steps.add("names", title, PointNames(without=tuple(leaving)), before))
    return tuple(before)


def add_give_backs(steps: StepList, cluster: Cluster, names: Collection[FloatingIpName], before: Sequence[str]) -> None:
    """Give floating IPs back, once no name leads to them."""
    after = [*before]
    if names and cluster.dns is not None and not steps.has("names"):
        after.append(steps.add("names", "bring the DNS names up to date", PointNames(), before))
    for name in sorted(names):
        steps.add(f"give-back-{name}", f"give back floating IP {name}", GiveBackFloatingIp(name=name), after)


def handed_over(planned: Sequence[PlannedStep]) -> tuple[FloatingIpName, ...]:
    """The floating IPs that the steps of a plan are about."""
    of = [planned.step.name for planned in planned if isinstance(planned.step, HoldFloatingIp | GiveBackFloatingIp)]
    return tuple(sorted(of))
