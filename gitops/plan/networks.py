"""The steps that bring machines into the meshes and the overlay, and that stop what is not wanted any more."""

from collections.abc import Iterable, Mapping, Sequence

from gitops.firewall import wrongly_walled
from gitops.networked import overlay_nodes, without_subnet, wrongly_meshed, wrongly_overlaid
from gitops.plan.rollout import StepList
from gitops.routed import wrongly_routed
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY
from model.registered import Registered
from model.steps import CreateNode, JoinMeshes, JoinOverlay, RefreshMeshes, RetireMeshes, RetireOverlay

# What an app's steps on a machine wait for, by machine.
Waits = Mapping[NodeName, Sequence[str]]


def not_in_every_mesh(cluster: Cluster, registered: Registered) -> list[NodeName]:
    """Machines that joined before a mesh of their role was added."""
    return [
        node
        for node, pool in cluster.nodes().items()
        if node in registered.nodes and set(cluster.meshes_of(pool.role)) - registered.nodes[node].addresses.keys()
    ]


def add_join(steps: StepList, joining: Sequence[NodeName], creates: Iterable[str], cluster: Cluster) -> None:
    """Bring new machines, and those that a new mesh is for, into their meshes."""
    if not joining:
        return
    wanted = cluster.nodes()
    meshes = sorted({mesh for node in joining for mesh in cluster.meshes_of(wanted[node].role)})
    title = f"join {', '.join(meshes) or 'no mesh'}: {', '.join(joining)}"
    steps.add("join", title, JoinMeshes(nodes=tuple(joining)), creates, tolerant=True)


def add_networks(steps: StepList, cluster: Cluster, registered: Registered, *, alone: bool) -> Waits:
    """Bring every machine's networks to what they should be; says who has to wait for which step.

    Where others change apps meanwhile (not `alone`), firewalls differ until they are done, and by nobody's fault.
    """
    joining = _nodes_of(steps)
    outdated = [node for node in wrongly_meshed(cluster, registered) if node not in joining]
    if outdated:
        title = f"bring the meshes of {', '.join(outdated)} up to date"
        steps.add("refresh", title, RefreshMeshes(nodes=tuple(outdated)))
    waits: dict[NodeName, tuple[str, ...]] = dict.fromkeys(joining, ("join", "overlay"))
    waits.update(_add_overlay(steps, cluster, registered, joining))
    if alone:
        for node in _add_firewall(steps, cluster, registered, joining.union(outdated)):
            waits[node] = (*waits.get(node, ()), "firewall")
    return {node: tuple(step for step in after if steps.has(step)) for node, after in waits.items()}


def _add_overlay(
    steps: StepList, cluster: Cluster, registered: Registered, joining: frozenset[NodeName]
) -> Mapping[NodeName, tuple[str, ...]]:
    """Machines that stand do not wait for those that are still to be rented; says what they wait for."""
    wanted = cluster.nodes()
    without = set(without_subnet(cluster, registered))
    created = {node for node in _created(steps) if cluster.has_overlay(wanted[node].role)}
    standing, new = sorted(without - joining), sorted(created | (without & joining))
    first = "overlay-standing" if new else "overlay"
    if standing:
        steps.add(first, f"join the overlay: {', '.join(standing)}", JoinOverlay(nodes=tuple(standing)))
    if new:
        # One after the other, because each gives every machine its peers.
        title = f"join the overlay: {', '.join(new)}"
        steps.add("overlay", title, JoinOverlay(nodes=tuple(new)), ("join", first), tolerant=bool(standing))
    if not standing and not new and (outdated := wrongly_overlaid(cluster, registered)):
        steps.add("overlay", f"bring the overlay of {', '.join(outdated)} up to date", JoinOverlay())
    return dict.fromkeys(standing, (first,))


def _add_firewall(
    steps: StepList, cluster: Cluster, registered: Registered, seen_to: frozenset[NodeName]
) -> Sequence[NodeName]:
    """Machines whose firewall comes with no other step of the plan; each script of networks or routing brings it.

    Until theirs has come, what starts on them may answer nobody.
    """
    walled = wrongly_walled(cluster, registered)
    if not walled:
        return ()
    seen_to = seen_to.union(wrongly_routed(registered))
    if steps.has("overlay") or steps.has("overlay-standing"):
        seen_to = seen_to.union(overlay_nodes(cluster, registered))
    outdated = [node for node in walled if node not in seen_to]
    if outdated:
        title = f"bring the firewall of {', '.join(outdated)} up to date"
        steps.add("firewall", title, RefreshMeshes(nodes=tuple(outdated)))
    return outdated


def add_retirement(steps: StepList, cluster: Cluster, registered: Registered) -> bool:
    """Stop what the manifest no longer has, once nothing is carried by it any more; says whether there is any."""
    inside = {network for node in registered.nodes.values() for network in node.addresses}
    before = [step.id for step in steps.all()]
    if gone := sorted(inside - cluster.meshes.keys() - {OVERLAY}):
        steps.add("retire", f"stop {', '.join(gone)}", RetireMeshes(meshes=tuple(gone)), before)
    if OVERLAY in inside and cluster.overlay is None:
        # Each writes the whole record of a machine.
        steps.add("retire-overlay", "stop the overlay", RetireOverlay(), [*before, "retire"])
    return len(steps.all()) > len(before)


def network_titles(steps: StepList, has_new_nodes: bool) -> list[str]:
    """What the plan does to networks, unless it follows from the machines that it adds."""
    titles = {
        "join": "join a new mesh",
        "refresh": "bring the meshes up to date",
        "firewall": "bring the firewall up to date",
        "overlay": "bring the overlay up to date",
        "enrol": "have machines register themselves",
    }
    told = ("refresh", "firewall") if has_new_nodes else titles.keys()
    return [title for step, title in titles.items() if steps.has(step) and step in told]


def _created(steps: StepList) -> list[NodeName]:
    return [planned.step.node for planned in steps.all() if isinstance(planned.step, CreateNode)]


def _nodes_of(steps: StepList) -> frozenset[NodeName]:
    return frozenset(
        node for planned in steps.all() if isinstance(planned.step, JoinMeshes) for node in planned.step.nodes
    )
