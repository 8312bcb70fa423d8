"""Who may reach a service that flstr installs: whoever runs HAProxy, and its other instances, on its machines alone."""

import json

import pytest

from gitops.firewall import firewall_digest, zones_of
from gitops.firewall_openings import Opening
from gitops.registered_tree import parse
from gitops.services import instances_of
from model import keys, service_keys
from model.cluster import Cluster
from model.registered import NodeRecord, Registered
from model.service import Service
from tests.executors.clusters import cluster
from tests.executors.services_example import service

MESH = {
    "service101": "10.111.0.51",
    "service102": "10.111.0.52",
    "worker101": "10.111.0.1",
    "ingress016": "10.111.0.16",
}
SEARCH = service("search", "elasticsearch")


def small(*members: str) -> Cluster:
    """The small cluster with services in its apps' mesh, and whoever else."""
    found = cluster("small")
    mesh = found.meshes["vpn_ingr"].model_copy(update={"members": ("worker", "service", *members)})
    return found.model_copy(update={"meshes": found.meshes | {"vpn_ingr": mesh}})


def tree(
    one: Service, *, meta_data: bool = True, record: bool = True, more: dict[str, str] | None = None
) -> Registered:
    """Machines in the mesh, and what is registered of a service on those that its manifest names."""
    addresses = MESH | (more or {})
    nodes = {
        name: NodeRecord(
            name=name, ip="192.0.2.1", services=(), role=_role(name), pool=_role(name), addresses={"vpn_ingr": ip}
        )
        for name, ip in addresses.items()
    }
    found = {keys.node(name): node.to_json() for name, node in nodes.items()}
    for name, instance in instances_of(one, one.nodes, small(), Registered(nodes=nodes)).items():
        found[service_keys.instance(one.service, name)] = instance.to_json()
    if record:
        found[service_keys.installed(one.service)] = json.dumps(
            {"service": json.loads(one.to_json()), "nodes": list(one.nodes)}
        )
    if meta_data:
        meta = {"publish": {"port": one.publish.port}, "env_prefix": one.env_prefix, "env": {}}
        found[service_keys.meta_data(one.service)] = json.dumps(meta)
    return parse(found)


def _role(name: str) -> str:
    return name.rstrip("0123456789")


def openings(node: str, found: Registered, of: Cluster | None = None) -> dict[str, tuple[str, ...]]:
    """What is let in through the apps' network, and from where."""
    (zone,) = (zone for zone in zones_of(node, of or small(), found) if zone.name == "vpn_ingr")
    return {one.ports: one.sources for one in zone.openings}


@pytest.mark.parametrize(("meta_data", "record"), [(True, True), (False, True), (False, False)])
def test_its_port_is_open_on_its_own_machines_from_before_it_is_installed(meta_data: bool, record: bool) -> None:
    found = tree(service(), meta_data=meta_data, record=record)
    assert openings("service101", found)["6379"] == ()
    assert openings("service102", found)["6379"] == ()
    assert "6379" not in openings("worker101", found) | openings("ingress016", found)


def test_nothing_is_let_in_for_it_in_any_other_network() -> None:
    found = tree(service())
    zones = {zone.name: zone.openings for zone in zones_of("service101", small(), found)}
    assert {name for name, inside in zones.items() if Opening("6379", "tcp") in inside} == {"vpn_ingr"}


def test_where_haproxy_offers_it_is_open_nowhere_since_each_machine_has_its_own() -> None:
    for node in MESH:
        assert "7000" not in openings(node, tree(service()))


def test_where_others_are_in_the_network_too_only_those_that_run_haproxy_are_let_in() -> None:
    found = tree(service(), more={"controller001": "10.111.0.99"})
    assert openings("service101", found, small("controller"))["6379"] == (
        "10.111.0.16", "10.111.0.51", "10.111.0.52", "10.111.0.1",
    )  # fmt: skip


def test_the_instances_of_elasticsearch_reach_each_other_at_a_port_that_is_nobody_elses() -> None:
    found = tree(SEARCH, meta_data=False, record=False)
    assert openings("service101", found)["9300"] == ("10.111.0.52",)
    assert openings("service102", found)["9300"] == ("10.111.0.51",)
    alone = tree(SEARCH.model_copy(update={"nodes": ("service101",)}))
    assert "9300" not in openings("service101", alone)


def test_a_worker_that_joins_changes_no_firewall_of_a_service() -> None:
    before, after = tree(service()), tree(service(), more={"worker109": "10.111.0.9"})
    for node in ("service101", "service102", "worker101"):
        assert firewall_digest(node, small(), before) == firewall_digest(node, small(), after)
