"""A port of a service is nobody else's: where it is published, where it listens, where its machines talk."""

import pytest

from gitops.lint_networks import OWN_PORTS
from model.playbooks import OURS
from model.registered import INSTANCE_PORTS
from tests.gitops.scene import app_yaml
from tests.gitops.service_faults import MONGO, QUEUE, SEARCH, faults
from tests.gitops.service_scene import TWO, cache_yaml, cluster_yaml

PLAY = {"playbooks/queue.yml": "- hosts: service:leaving\n"}
PEERS = "where the machines of search talk to one another"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            cache_yaml().replace("6380", "760"),
            "services/cache.yaml:4: port 760 belongs to mesh vpn_ctrl; publish cache on another",
        ),
        (
            cache_yaml().replace("6380", "2379"),
            "services/cache.yaml:4: port 2379 is used by the node itself; publish cache on another",
        ),
        (
            cache_yaml().replace("6380", "5001"),
            "services/cache.yaml:4: influencer and cache both publish port 5001; give one another",
        ),
        (
            cache_yaml(more="port: 5001\n"),
            "services/cache.yaml:6: port 5001 belongs to influencer on every machine; let cache listen at another port",
        ),
    ],
)
def test_a_port_of_something_else_is_not_taken(text: str, sentence: str) -> None:
    assert faults(text) == [sentence]


def test_two_services_have_ports_and_machines_of_their_own() -> None:
    store = cache_yaml(name="store")
    assert faults(cache_yaml(), store) == [
        "services/store.yaml:2: cache and store both listen at port 6379 of service101; give one another port",
        "services/store.yaml:4: cache and store both publish port 6380; give one another",
    ]
    assert faults(cache_yaml(), cache_yaml((TWO,), name="store").replace("6380", "6381")) == []
    other = MONGO.replace("service: db", "service: docs").replace("DB", "DOCS").replace("6381", "6399")
    assert faults(MONGO, other + "port: 27018\n") == [
        "services/docs.yaml:3: db and docs are both on service101, which has room for one mongodb; "
        "give one another machine"
    ]


def test_the_public_is_not_served_where_a_service_is_offered() -> None:
    text = app_yaml().partition("ingress:")[0] + "ingress:\n  - {host: influencer.flstr.lab, port: 6380}\n"
    (fault,) = faults(cache_yaml(), more={"apps/influencer.yaml": text})
    assert "port 6380 belongs to service cache; serve influencer.flstr.lab on another" in fault


def test_the_usual_port_of_mongodb_is_one_to_publish_at() -> None:
    assert faults(cache_yaml().replace("6380", "27017")) == []


def test_the_port_of_peers_is_not_the_one_for_everybody() -> None:
    assert faults(SEARCH + "port: 9201\n") == []
    assert faults(SEARCH + "port: 9300\n") == [
        f"services/search.yaml:6: port 9300 is {PEERS}; let it listen at another port"
    ]


def test_the_port_of_peers_is_that_of_no_app_and_no_mesh() -> None:
    app = {"apps/influencer.yaml": app_yaml().replace("5001", "9300")}
    assert faults(SEARCH, more=app) == [
        f"services/search.yaml:2: influencer publishes port 9300, {PEERS}; publish influencer on another"
    ]
    assert faults(SEARCH, cluster=cluster_yaml().replace("port: 762", "port: 9300")) == [
        f"services/search.yaml:2: mesh vpn_ingr has port 9300, {PEERS}; give mesh vpn_ingr another"
    ]


def test_the_port_of_peers_is_that_of_no_other_on_the_same_machine() -> None:
    queue = QUEUE.replace("5672", "9300")
    assert faults(SEARCH, queue, more=PLAY) == [
        "services/search.yaml:2: queue listens at port 9300 of service101, where the machines of search talk "
        "to one another; let queue listen at another port"
    ]
    assert faults(SEARCH, queue.replace("service101", TWO), more=PLAY) == []
    later = queue.replace("service: queue", "service: zqueue")
    assert faults(SEARCH, later, more=PLAY) == [
        f"services/zqueue.yaml:4: port 9300 of service101 is {PEERS}; let zqueue listen at another port"
    ]
    # HAProxy offers services at the machine's own address, where nobody's peers talk.
    assert faults(SEARCH, cache_yaml((TWO,)).replace("6380", "9300")) == []


def test_the_port_of_peers_is_none_of_the_node_itself() -> None:
    taken = {found.peer_port for found in OURS.values()} & (OWN_PORTS | set(INSTANCE_PORTS))
    assert not taken
