"""Routing is known by what it is made from: it changes with anything of a service that HAProxy is told."""

import json

import pytest

from gitops.registered_tree import parse
from gitops.routed import routing_digest
from model import service_keys
from model.registered import Registered
from model.service import Service
from tests.executors.example import registered_keys
from tests.executors.services_example import installed, service

ADDRESSES = {"service101": "10.5.1.1", "service102": "10.5.2.1"}


def tree(one: Service, leader: str | None = "service101", **changes: str) -> Registered:
    return parse(registered_keys() | installed(one, ADDRESSES, leader) | changes)


def digest(found: Registered) -> str:
    return routing_digest(found, "worker101")


QUEUE = service("queue", "playbooks/queue.yml", port=5672)


@pytest.mark.parametrize(
    "other",
    [
        tree(service(), leader="service102"),
        tree(service(), leader=None),
        tree(service(publish={"port": 7001})),
        tree(service(playbook="nginx")),
    ],
    ids=["leader", "no leader", "port", "check"],
)
def test_it_changes_with_who_leads_where_it_is_offered_and_how_it_is_checked(other: Registered) -> None:
    assert digest(tree(service())) != digest(other)


def test_it_changes_with_how_a_playbook_of_the_cluster_repo_is_checked() -> None:
    by_http = QUEUE.model_copy(update={"health": "http"})
    assert digest(tree(QUEUE, leader=None)) != digest(tree(by_http, leader=None))


def test_it_changes_as_a_service_comes_to_be_flstrs_own() -> None:
    by_hand = {key: value for key, value in installed(service(), ADDRESSES).items() if not key.startswith("flstr/")}
    assert digest(parse(registered_keys() | by_hand)) != digest(tree(service(), leader=None))


def test_what_haproxy_is_not_told_changes_nothing() -> None:
    noted = json.loads(installed(service(), ADDRESSES, "service101")[service_keys.installed("cache")])
    noted |= {"digest": "1" * 16, "restored": "some-backup"}
    # The one that follows is sent nothing, wherever it is.
    follows = json.dumps({"node": "service102", "ip": "10.5.9.9", "port": 6379})
    changes = {
        service_keys.installed("cache"): json.dumps(noted),
        service_keys.instance("cache", "service102"): follows,
    }
    changed = parse(registered_keys() | installed(service(), ADDRESSES, "service101") | changes)
    assert digest(tree(service())) == digest(changed)
