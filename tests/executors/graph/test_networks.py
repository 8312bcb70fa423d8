"""What was seen of a cluster, as nodes and links."""

from executors.doctor.facts import Reach
from executors.doctor.findings import Finding
from executors.graph.networks import Link, Network, State, networks
from model.cluster import Cluster
from model.registered import Registered
from tests.executors.graph.clusters_seen import OVERLAID, SMALL, TWO_HUBS, joined, seen


def drawn(of: Cluster = SMALL, **what: object) -> dict[str, Network]:
    return {one.name: one for one in networks(of, joined(of), seen(of, **what))}  # type: ignore[arg-type]


def links(network: Network) -> dict[tuple[str, str], State]:
    return {link.ends: link.state for link in network.links}


def test_a_mesh_is_a_star_around_its_hub() -> None:
    both = drawn()
    assert list(both) == ["vpn_ctrl", "vpn_ingr"]
    assert [node.name for node in both["vpn_ctrl"].hubs] == ["controller001"]
    assert [link.ends for link in both["vpn_ctrl"].links] == [
        ("controller001", "ingress016"),
        ("controller001", "worker101"),
        ("controller001", "worker102"),
    ]
    assert [node.name for node in both["vpn_ingr"].members] == ["worker101", "worker102"]


def test_hubs_are_linked_with_each_other() -> None:
    assert ("controller001", "controller002") in links(drawn(TWO_HUBS)["vpn_ctrl"])
    assert len(drawn(TWO_HUBS)["vpn_ctrl"].links) == 5


def test_in_the_overlay_each_talks_to_each() -> None:
    overlay = drawn(OVERLAID)["overlay"]
    assert overlay.hubs == ()
    assert list(links(overlay)) == [
        ("ingress016", "service201"),
        ("ingress016", "worker101"),
        ("ingress016", "worker102"),
        ("service201", "worker101"),
        ("service201", "worker102"),
        ("worker101", "worker102"),
    ]


def test_the_time_of_a_link_is_that_of_its_quicker_direction() -> None:
    tree = seen(SMALL)
    reach = dict(tree.machines["worker101"].reach)
    reach["vpn_ctrl", "controller001"] = Reach(0.4)
    object.__setattr__(tree.machines["worker101"], "reach", reach)
    [mesh, _] = networks(SMALL, joined(SMALL), tree)
    assert Link(("controller001", "worker101"), State.WELL, 0.4) in mesh.links


def test_a_machine_that_does_not_answer_is_down_with_its_links() -> None:
    mesh = drawn(silent=["worker102"])["vpn_ctrl"]
    assert {node.name: node.state for node in mesh.nodes}["worker102"] is State.DOWN
    assert links(mesh)["controller001", "worker102"] is State.DOWN
    assert links(mesh)["controller001", "worker101"] is State.WELL
    assert mesh.down() == ()


def test_a_tunnel_that_carries_nothing_is_down_between_machines_that_are_up() -> None:
    lost = [("vpn_ctrl", "controller001", "worker101"), ("vpn_ctrl", "worker101", "controller001")]
    both = drawn(lost=lost)
    assert [link.ends for link in both["vpn_ctrl"].down()] == [("controller001", "worker101")]
    assert both["vpn_ingr"].down() == ()


def test_one_that_answers_in_one_direction_only_is_ill() -> None:
    mesh = drawn(lost=[("vpn_ctrl", "controller001", "worker101")])["vpn_ctrl"]
    assert links(mesh)["controller001", "worker101"] is State.ILL


def test_a_finding_makes_its_machine_and_its_tunnel_ill_in_its_own_network() -> None:
    finding = Finding("error", "ingress016", "text", "mend", "worker101", "vpn_ingr")
    both = drawn(found=[finding])
    assert {node.name for node in both["vpn_ingr"].nodes if node.state is State.ILL} == {"ingress016"}
    assert {ends for ends, state in links(both["vpn_ingr"]).items() if state is State.ILL} == {
        ("ingress016", "worker101")
    }
    assert all(one.state is State.WELL for one in (*both["vpn_ctrl"].nodes,))


def test_a_warning_leaves_its_machine_well() -> None:
    mesh = drawn(found=[Finding("warning", "worker101", "text", "mend")])["vpn_ctrl"]
    assert {node.state for node in mesh.nodes} == {State.WELL}


def test_networks_that_nobody_has_joined_are_left_out() -> None:
    assert networks(OVERLAID, Registered(), seen(OVERLAID)) == ()
