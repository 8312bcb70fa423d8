"""Meshes and overlay in the plan: who joins, who is brought up to date, what is stopped, and what waits for what."""

from gitops.networked import mesh_digest, overlay_digest, wrongly_meshed
from gitops.plan import plan
from gitops.routed import routing_digest, routing_nodes
from model.names import Role
from model.registered import HostRecord, InstanceRecord, MeshMember, OverlayLease, Registered, WireGuardEnd
from model.steps import JoinOverlay, Plan, PlannedStep
from tests.gitops.scene import CLUSTER_YAML, WITHOUT_OVERLAY, instance, lease, manifests, registered, spec, walled

WITH_OVERLAY, MESHES_ONLY = manifests(), manifests(WITHOUT_OVERLAY)
OLD_SPEC = spec(cluster_yaml=WITHOUT_OVERLAY)
RUNNING = {f"1-{OLD_SPEC}": instance("worker101"), f"2-{OLD_SPEC}": instance("worker102")}
OVERLAY_NODES = ("ingress016", "worker101", "worker102")


def step(what: Plan, step_id: str) -> PlannedStep:
    return next(step for step in what.steps if step.id == step_id)


def ids(what: Plan) -> list[str]:
    return [step.id for step in what.steps]


def in_meshes(instances: dict[str, InstanceRecord] | None = None) -> Registered:
    """The tree of a cluster that has no overlay."""
    return registered(instances=instances, cluster_yaml=WITHOUT_OVERLAY)


def in_overlay(tree: Registered) -> Registered:
    """The tree with every machine of the overlay in it, and all of them up to date."""
    nodes, leases = dict(tree.nodes), {}
    for number, name in enumerate(OVERLAY_NODES, start=1):
        addresses = {**nodes[name].addresses, "overlay": f"10.5.{number}.0"}
        nodes[name] = nodes[name].model_copy(update={"addresses": addresses})
        leases[f"10.5.{number}.0/24"] = lease(name)
    overlaid = dict.fromkeys(OVERLAY_NODES, overlay_digest(WITH_OVERLAY.cluster, leases))
    inside = tree.model_copy(update={"nodes": nodes, "leases": leases, "overlaid": overlaid})
    routed = {node: routing_digest(inside, node) for node in routing_nodes(inside)}
    return walled(WITH_OVERLAY.cluster, inside.model_copy(update={"routed": routed}))


def carried() -> dict[str, InstanceRecord]:
    """Two instances that listen in the overlay."""
    return {f"{number}-{spec()}": instance(f"worker10{number}") for number in (1, 2)}


def test_new_machines_join_the_overlay_before_anything_is_built_there() -> None:
    change = plan(WITH_OVERLAY, Registered()).change
    assert step(change, "overlay").title == "join the overlay: ingress016, worker101, worker102"
    assert step(change, "overlay").after == ("join",)
    assert step(change, "build-influencer-worker101").after == ("join", "overlay")
    assert "overlay" in step(change, "route-influencer").after


def test_an_overlay_that_is_added_later_takes_the_instances_along_one_after_the_other() -> None:
    change = plan(WITH_OVERLAY, in_meshes(RUNNING)).change
    assert change.title.startswith("bring the overlay up to date; restart influencer with its new settings")
    assert step(change, "overlay").step == JoinOverlay(nodes=OVERLAY_NODES)
    assert not any(step_id.startswith("create-") for step_id in ids(change))
    replaced = [step_id for step_id in ids(change) if step_id.startswith("start-influencer")]
    assert len(replaced) == 2
    assert f"stop-influencer-1-{OLD_SPEC}" in step(change, replaced[1]).after


def test_machines_that_stand_join_an_overlay_without_waiting_for_those_that_are_to_be_rented() -> None:
    more = manifests(CLUSTER_YAML.replace("count: 2", "count: 3"))
    change = plan(more, in_meshes(RUNNING)).change
    first, second = step(change, "overlay-standing"), step(change, "overlay")
    assert (first.step, first.after) == (JoinOverlay(nodes=OVERLAY_NODES), ())
    assert (second.step, second.after) == (JoinOverlay(nodes=("worker103",)), ("join", "overlay-standing"))
    assert second.tolerant
    assert step(change, "build-influencer-worker101").after == ("overlay-standing",)


def test_a_cluster_that_is_all_in_its_overlay_needs_nothing() -> None:
    tree = in_overlay(in_meshes(carried()))
    assert ids(plan(WITH_OVERLAY, tree).change) == []


def test_a_machine_with_old_peers_is_given_the_new_ones() -> None:
    tree = in_overlay(in_meshes(carried()))
    stale = tree.model_copy(update={"overlaid": {**tree.overlaid, "worker102": "0" * 16}})
    change = plan(WITH_OVERLAY, stale).change
    assert [step.title for step in change.steps] == ["bring the overlay of worker102 up to date"]


def test_a_machine_whose_lease_is_gone_joins_anew() -> None:
    tree = in_overlay(in_meshes(carried()))
    left = {subnet: lease for subnet, lease in tree.leases.items() if subnet != "10.5.3.0/24"}
    change = plan(WITH_OVERLAY, tree.model_copy(update={"leases": left})).change
    assert step(change, "overlay").step == JoinOverlay(nodes=("worker102",))


def test_a_machine_with_old_mesh_files_is_brought_up_to_date_and_nothing_waits_for_it() -> None:
    tree = in_meshes()
    stale = tree.model_copy(update={"meshed": {**tree.meshed, "controller001": "0" * 16}})
    change = plan(MESHES_ONLY, stale).change
    assert step(change, "refresh").title == "bring the meshes of controller001 up to date"
    assert not any("refresh" in step.after for step in change.steps)


def test_a_mesh_that_is_gone_is_stopped_after_everything_else() -> None:
    without = manifests(WITHOUT_OVERLAY.replace("vpn_ctrl:\n", "vpn_new:\n"))
    change = plan(without, in_meshes(RUNNING)).change
    assert ids(change)[-1] == "retire"
    assert step(change, "retire").title == "stop vpn_ctrl"
    assert set(step(change, "retire").after) == set(ids(change)[:-1])


def test_an_overlay_that_is_gone_is_stopped_once_the_instances_listen_in_a_mesh() -> None:
    tree = in_overlay(in_meshes(carried()))
    change = plan(MESHES_ONLY, tree).change
    assert ids(change)[-1] == "retire-overlay"
    assert {step_id for step_id in ids(change) if step_id.startswith("stop-")} <= set(
        step(change, "retire-overlay").after
    )


def test_where_instances_move_to_another_network_the_firewall_lets_them_in_before_one_starts() -> None:
    change = plan(MESHES_ONLY, in_overlay(in_meshes(carried()))).change
    assert step(change, "firewall").title == "bring the firewall of worker101, worker102 up to date"
    starts = [planned for planned in change.steps if planned.id.startswith("start-influencer")]
    assert len(starts) == 2
    for worker, start in zip(("worker101", "worker102"), starts, strict=True):
        assert f"build-influencer-{worker}" in start.after
        assert step(change, f"build-influencer-{worker}").after == ("firewall",)


def test_a_machine_that_goes_leaves_the_overlay_before_it_leaves_its_meshes() -> None:
    tree = in_overlay(in_meshes())
    fewer = manifests(CLUSTER_YAML.replace("count: 2", "count: 1"))
    removal = plan(fewer, tree).removal
    assert ids(removal) == ["leave-overlay-worker102", "leave-worker102", "destroy-worker102"]
    assert step(removal, "leave-worker102").after == ("leave-overlay-worker102",)


def test_a_lease_of_a_machine_that_never_registered_goes_as_well() -> None:
    host = HostRecord(node="worker109", host_key="ssh-ed25519 AAAA", ip="198.51.100.9")
    lease = OverlayLease(public_ip="198.51.100.9", backend_data=WireGuardEnd(public_key="its key"))
    tree = in_overlay(in_meshes())
    tree = tree.model_copy(
        update={"hosts": {**tree.hosts, "worker109": host}, "leases": {**tree.leases, "10.5.9.0/24": lease}}
    )
    assert ids(plan(WITH_OVERLAY, tree).removal)[0] == "leave-overlay-worker109"


def member(node: str, role: Role) -> MeshMember:
    return MeshMember(node=node, role=role, endpoint="198.51.100.1", address="10.110.0.9", public_key=f"key of {node}")


def test_a_new_member_changes_what_hubs_and_itself_are_made_from_and_nobody_else() -> None:
    tree = registered()
    cluster = manifests().cluster
    first = {node: member(node, record.role) for node, record in tree.nodes.items()}
    meshed = {node: mesh_digest(node, cluster, {"vpn_ctrl": first}) for node in first}
    settled = tree.model_copy(update={"members": {"vpn_ctrl": first}, "meshed": meshed})
    assert wrongly_meshed(cluster, settled) == ()
    more = {**first, "worker103": member("worker103", "worker")}
    assert wrongly_meshed(cluster, settled.model_copy(update={"members": {"vpn_ctrl": more}})) == ("controller001",)
    other_key = {**first, "controller001": first["controller001"].model_copy(update={"public_key": "another"})}
    changed = wrongly_meshed(cluster, settled.model_copy(update={"members": {"vpn_ctrl": other_key}}))
    assert changed == ("controller001", "ingress016", "worker101", "worker102")
