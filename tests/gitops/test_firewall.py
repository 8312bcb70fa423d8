"""Who may reach what on a machine of each role: manifest and registry in, zones out."""

from gitops.firewall import firewall_digest, wrongly_walled, zones_in_role, zones_of
from gitops.firewall_openings import Opening
from gitops.registered_tree import parse
from model import keys
from model.names import Role
from model.registered import (
    InstanceRecord,
    MeshMember,
    NodeRecord,
    OverlayLease,
    Registered,
    RegisteredApp,
    RegisteredService,
    ServiceInstance,
    WireGuardEnd,
)
from tests.executors.clusters import cluster, members
from tests.executors.example import registered

NODES: dict[Role, str] = {
    "controller": "controller001", "ingress": "ingress016", "worker": "worker101", "service": "service101",
}  # fmt: skip


IP = "198.51.100.3"
CONTROLLER = NodeRecord(name="controller001", ip="198.51.100.1", services=(), role="controller", pool="controller")


def openings(role: Role, of: str = "small", tree: Registered | None = None) -> dict[str, set[str]]:
    """By zone, what is let in from everywhere."""
    zones = zones_in_role(NODES[role], role, cluster(of), tree or registered())
    return {zone.name: {f"{one.ports}/{one.protocol}" for one in zone.openings if not one.sources} for zone in zones}


def test_a_worker_shows_the_public_ssh_and_its_networks_and_its_apps_to_the_mesh_that_carries_them() -> None:
    assert openings("worker") == {
        "public": {"22/tcp", "760/tcp", "760/udp", "762/tcp", "762/udp"},
        "vpn_ctrl": {"5001/tcp"},
        "vpn_ingr": {"5001/tcp", "20000-29999/tcp"},
    }


def test_where_there_is_an_overlay_it_carries_the_apps() -> None:
    tree = registered().without(["vpn_ingr"])
    assert openings("worker", "overlay", tree) == {
        "public": {"22/tcp", "760/tcp", "760/udp", "51820/udp"},
        "vpn_ctrl": {"5001/tcp"},
        "overlay": {"5001/tcp", "20000-29999/tcp"},
    }


def test_an_ingress_serves_the_public_what_it_publishes() -> None:
    assert openings("ingress")["public"] == {"22/tcp", "80/tcp", "443/tcp", "760/tcp", "760/udp", "762/tcp", "762/udp"}
    several = openings("ingress", tree=registered("several"))["public"]
    assert "8080/tcp" in several
    assert not any(port.startswith("2000") for zone in openings("ingress").values() for port in zone)


def test_an_ingress_lets_in_what_it_serves_itself_and_nothing_that_another_one_does() -> None:
    tree = registered("secure")

    def public(node: str) -> set[str]:
        (zone, *_) = zones_in_role(node, "ingress", cluster("small"), tree)
        return {one.ports for one in zone.openings} - {"22", "760", "762"}

    assert public("ingress016") == {"80", "443", "8080"}
    assert public("edge101") == {"80", "443", "8443"}
    # One that has not joined yet serves nothing of its own.
    assert public("edge102") == {"80", "443"}


def test_services_are_offered_inside_like_apps() -> None:
    worker = openings("worker", tree=registered("secure"))
    assert {"6379/tcp", "9200/tcp", "5001/tcp"} <= worker["vpn_ctrl"]
    assert not any(port.startswith(("6379", "9200")) for port in worker["public"])


def test_a_service_is_let_in_to_on_its_own_machine_where_it_listens() -> None:
    meta = registered().apps["backend", "influencer"].meta_data
    tree = registered()
    address = tree.nodes["worker101"].addresses["vpn_ingr"]
    main = ServiceInstance(node="worker101", ip=address, port=7000)
    redis = RegisteredService(meta_data=meta, instances={"main": main})

    def of_redis(node: str, service: RegisteredService = redis) -> list[str]:
        more = tree.model_copy(update={"services": {"redis": service}})
        return [zone.name for zone in zones_of(node, cluster("small"), more) if Opening("7000", "tcp") in zone.openings]

    assert of_redis("worker101") == ["vpn_ingr"]
    assert of_redis("worker102") == []
    assert of_redis("worker101", redis.model_copy(update={"meta_data": None})) == []


def test_etcd_is_for_the_mesh_and_its_peers_port_for_controllers() -> None:
    tree = Registered(members=members(cluster("two-hubs")))
    zones = {zone.name: zone for zone in zones_in_role("controller001", "controller", cluster("two-hubs"), tree)}
    assert zones["vpn_ctrl"].openings == (Opening("2379", "tcp"), Opening("2380", "tcp", ("10.110.0.2",)))
    assert {one.ports for one in zones["public"].openings} == {"22", "760"}


def test_a_new_worker_changes_nothing_on_a_controller() -> None:
    before = zones_in_role("controller001", "controller", cluster("small"), registered())
    member = MeshMember(node="worker109", role="worker", endpoint="198.51.100.9", address="10.110.0.9", public_key="K")
    more = registered().model_copy(update={"members": {"vpn_ctrl": {"worker109": member}}})
    assert zones_in_role("controller001", "controller", cluster("small"), more) == before


def test_a_machine_that_nothing_is_known_of_is_left_alone() -> None:
    assert zones_of("worker199", cluster("small"), parse({keys.CLUSTER: "{}"})) == ()


def worker_at(of: str, listens: str) -> dict[str, set[str]]:
    """What a worker lets in that has addresses in three networks, and whose instance listens in one of them."""
    addresses = {"vpn_ctrl": "10.110.0.3", "vpn_ingr": "10.111.0.3", "overlay": "10.5.3.0"}
    node = NodeRecord(name="worker101", ip=IP, services=(), role="worker", pool="worker", addresses=addresses)
    instance = InstanceRecord(node="worker101", ip=addresses[listens], port=20000, commit="1" * 40)
    app = RegisteredApp(instances={"1-aaaaaaaa": instance})
    member = MeshMember(node="worker101", role="worker", endpoint=IP, address="10.111.0.3", port=762, public_key="K")
    lease = OverlayLease(public_ip=IP, backend_data=WireGuardEnd(public_key="K", port=51821))
    tree = Registered(
        nodes={"worker101": node},
        apps={("backend", "influencer"): app},
        members={"vpn_ingr": {"worker101": member}},
        leases={"10.5.3.0/24": lease},
    )
    return openings("worker", of, tree)


INSTANCES = "20000-29999/tcp"


def test_an_overlay_that_is_added_leaves_instances_reachable_where_they_still_listen() -> None:
    zones = worker_at("overlay", "vpn_ingr")
    assert INSTANCES in zones["overlay"] & zones["vpn_ingr"]
    assert INSTANCES not in zones["vpn_ctrl"]
    moved = worker_at("overlay", "overlay")
    assert INSTANCES in moved["overlay"]
    assert INSTANCES not in moved["vpn_ingr"]


def test_an_overlay_that_is_taken_out_carries_on_until_no_machine_has_an_address_there() -> None:
    zones = worker_at("small", "overlay")
    assert INSTANCES in zones["overlay"] & zones["vpn_ingr"]
    assert "51821/udp" in zones["public"]


def test_a_mesh_that_is_taken_out_carries_on_by_the_port_that_its_members_were_registered_with() -> None:
    zones = worker_at("overlay", "vpn_ingr")
    assert {"762/tcp", "762/udp"} <= zones["public"]


def test_a_controller_that_nothing_else_changes_for_is_told_from_its_firewall() -> None:
    of = cluster("two-hubs")
    tree = Registered(nodes={"controller001": CONTROLLER}, members=members(of))
    noted = tree.model_copy(update={"walled": {"controller001": firewall_digest("controller001", of, tree)}})
    assert wrongly_walled(of, noted) == ()
    alone = {
        mesh: {name: one for name, one in found.items() if name != "controller002"}
        for mesh, found in tree.members.items()
    }
    assert wrongly_walled(of, noted.model_copy(update={"members": alone})) == ("controller001",)
