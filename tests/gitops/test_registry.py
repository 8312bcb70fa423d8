"""What is registered, on a real etcd: addresses and ports are allotted once, and freed when their holder goes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gitops.registry import Registry
from gitops.store import Store
from model import keys, service_keys
from model.app import Publish, ServiceEnv
from model.errors import Refused, StepFailed
from model.registered import HostRecord, MeshMember, MetaData, NodeRecord
from tests.gitops.flanneld import connect
from tests.gitops.scene import CLUSTER_YAML, app, instance, manifests


@pytest.fixture
def registry(store: Store) -> Registry:
    store.put(keys.CLUSTER, manifests().cluster.to_json())
    return Registry(store)


def test_before_the_first_revision_there_is_no_cluster(store: Store) -> None:
    with pytest.raises(Refused, match="no revision of the cluster repo was accepted yet"):
        Registry(store).cluster()


def test_a_machine_keeps_its_address_and_shares_it_with_nobody(registry: Registry) -> None:
    assert registry.allot_address("vpn_ctrl", "worker101") == "10.110.0.1"
    assert registry.allot_address("vpn_ctrl", "worker102") == "10.110.0.2"
    assert registry.allot_address("vpn_ctrl", "worker101") == "10.110.0.1"


def test_addresses_allotted_at_the_same_time_differ(registry: Registry) -> None:
    nodes = [f"worker{number}" for number in range(101, 121)]
    with ThreadPoolExecutor(8) as pool:
        addresses = list(pool.map(lambda node: registry.allot_address("vpn_ctrl", node), nodes))
    assert len(set(addresses)) == len(nodes)


def test_a_full_mesh_says_so(store: Store, registry: Registry) -> None:
    cluster = manifests(CLUSTER_YAML.replace("10.111.0.0/24", "10.111.0.0/29").replace("count: 2", "count: 1")).cluster
    store.put(keys.CLUSTER, cluster.to_json())
    for number in range(6):
        registry.allot_address("vpn_ingr", f"worker{number}")
    with pytest.raises(StepFailed, match="mesh vpn_ingr has no address left for worker109; give it a larger subnet"):
        registry.allot_address("vpn_ingr", "worker109")


def test_ports_are_allotted_once_for_each_instance(registry: Registry) -> None:
    first = registry.allot_port("worker101", app(), "1-aaaaaaaa")
    assert registry.allot_port("worker101", app(), "1-aaaaaaaa") == first
    assert registry.allot_port("worker101", app(), "2-aaaaaaaa") != first
    assert registry.allot_port("worker102", app(), "1-aaaaaaaa") == first
    registry.free_port("worker101", "backend", "influencer", "1-aaaaaaaa")
    assert registry.allot_port("worker101", app(), "3-aaaaaaaa") == first


def test_no_instance_is_given_a_port_that_a_service_publishes(registry: Registry) -> None:
    first = registry.allot_port("worker101", app(), "1-aaaaaaaa")
    offered = MetaData(publish=Publish(port=first + 1), env_prefix="DOCS", env=ServiceEnv(protocol="mongodb"))
    registry.store.put(service_keys.meta_data("docs"), offered.to_json())
    assert registry.allot_port("worker101", app(), "2-aaaaaaaa") == first + 2


def test_a_machine_that_leaves_frees_what_it_held(registry: Registry) -> None:
    address = registry.allot_address("vpn_ctrl", "worker101")
    member = MeshMember(node="worker101", role="worker", endpoint="10.77.0.9", address=address, public_key="K")
    registry.put_member("vpn_ctrl", member)
    registry.put_host(HostRecord(node="worker101", host_key="ssh-ed25519 AAAA"))
    registry.put_node(NodeRecord(name="worker101", ip="10.77.0.9", services=(), role="worker", pool="worker"))
    registry.allot_port("worker101", app(), "1-aaaaaaaa")
    registry.forget_node("worker101")
    assert registry.members("vpn_ctrl") == {}
    assert registry.allot_address("vpn_ctrl", "worker102") == address
    assert registry.host("worker101") is not None
    registry.forget_host("worker101")
    assert registry.host("worker101") is None
    assert registry.read().ports == {}


def test_the_tree_is_read_as_it_was_written(registry: Registry) -> None:
    registry.put_instance("backend", "influencer", "1-aaaaaaaa", instance("worker101"))
    tree = registry.read()
    assert tree.apps["backend", "influencer"].instances == {"1-aaaaaaaa": instance("worker101")}
    registry.delete_instance("backend", "influencer", "1-aaaaaaaa")
    assert registry.read().apps == {}


def test_a_dead_machine_is_known_as_such_until_it_answers_or_leaves(registry: Registry) -> None:
    for node in ("worker101", "worker102"):
        registry.store.put(keys.dead(node), "1700000000.25")
    assert registry.dead() == registry.read().dead == {"worker101": 1700000000.25, "worker102": 1700000000.25}
    registry.store.delete(keys.dead("worker101"))
    registry.forget_node("worker102")
    assert registry.dead() == registry.read().dead == {}


def test_what_one_machine_writes_of_itself_hides_no_other(registry: Registry, etcd_endpoint: str) -> None:
    registry.store.put(keys.alive("worker102"), "{}")
    client = connect(etcd_endpoint)
    client.put(keys.alive("worker101"), b"\xff")
    assert registry.alive() == {"worker101", "worker102"}
