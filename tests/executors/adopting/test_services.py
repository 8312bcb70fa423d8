"""Services come back from what their machines keep, and from whom HAProxy sends people to."""

import base64
from dataclasses import replace

import pytest

from executors.adopting.adopted import Adopted
from executors.adopting.facts import Facts, parse
from executors.adopting.services import adopted_services
from executors.services.kept import KeptService
from gitops.manifests import Manifests
from gitops.services import meta_data_of
from model import service_keys
from model.registered import ServiceRecord
from tests.executors.adopting.printing import Machine
from tests.gitops.service_scene import BACKUP, ONE, TWO, Fleet, cache_yaml, titles, wants

MANIFESTS = wants(cache_yaml((ONE, TWO)), needs="cache")
SECRETS = {"password": "sealed", "replication": "sealed as well"}


def cluster(manifests: Manifests = MANIFESTS) -> Fleet:
    """A cluster that follows its manifests."""
    fleet = Fleet()
    fleet.follow(manifests)
    return fleet


def said(fleet: Fleet, at: float = 0.0, leader: str = ONE, **secrets: str) -> Facts:
    """What a machine of the cache says of it."""
    record = fleet.record().model_copy(update={"at": at})
    kept = KeptService(record=record, secrets=secrets or SECRETS)
    machine = Machine()
    machine.say("kept", "cache.json", base64.b64encode(kept.to_json().encode()).decode())
    for _ in leader:
        machine.lines = [*machine.lines[:1], "service\tcache", f"serving\tcache\t{leader}"]
    return parse(machine.printed)


def lose_etcd(fleet: Fleet) -> None:
    """All that only etcd knew of services, and what runs and needs them."""
    for key in [key for key in fleet.found if "cache" in key]:
        del fleet.found[key]


def adopt(fleet: Fleet, manifests: Manifests, snapshot: ServiceRecord | None = None, **facts: Facts) -> Adopted:
    lose_etcd(fleet)
    known = {} if snapshot is None else {"cache": snapshot}
    found = adopted_services(manifests, facts, fleet.tree(manifests), known)
    fleet.found |= found.puts
    return found


def test_all_that_etcd_knew_is_there_again_and_nothing_is_left_to_do() -> None:
    fleet = cluster()
    before = {key: value for key, value in fleet.found.items() if "cache" in key}
    found = adopt(fleet, MANIFESTS, service101=said(fleet), service102=said(fleet))
    secrets = {service_keys.secret("cache", name): sealed for name, sealed in SECRETS.items()}
    assert (found.puts, found.left_out) == ({**before, **secrets}, [])
    plans = fleet.plan(MANIFESTS)
    assert (plans.changes, plans.removal.steps) == ((), ())


def test_whoever_led_since_it_was_written_leads() -> None:
    fleet = cluster()
    adopt(fleet, MANIFESTS, service101=said(fleet), worker101=replace(said(fleet, leader=TWO), kept_services={}),
          service102=said(fleet, leader=TWO))  # fmt: skip
    assert fleet.record().leader == TWO
    assert fleet.plan(MANIFESTS).changes == ()


def test_what_was_written_last_counts() -> None:
    fleet = cluster()
    found = adopt(fleet, MANIFESTS, service101=said(fleet, 1.0, password="old"), service102=said(fleet, 2.0))
    assert found.puts[service_keys.secret("cache", "password")] == "sealed"


def test_one_that_never_served_is_not_registered() -> None:
    fleet = cluster()
    adopt(fleet, MANIFESTS, service101=replace(said(fleet), services=(), serving={}))
    assert service_keys.meta_data("cache") not in fleet.found
    assert fleet.record().nodes == (ONE, TWO)


@pytest.mark.parametrize("restored", [None, BACKUP])
def test_where_no_machine_keeps_it_no_backup_takes_the_place_of_what_it_holds(restored: str | None) -> None:
    text = cache_yaml((ONE, TWO), f"restored: {restored}\n" if restored else "")
    manifests = wants(text)
    fleet = cluster(manifests)
    found = adopt(fleet, manifests, worker101=replace(said(fleet, leader=TWO), kept_services={}))
    assert found.left_out == [
        "service cache runs, and no machine that answers has its passwords, so that new ones are made"
    ]
    (change,) = fleet.of_services(manifests)
    assert titles(change) == ["set up cache on service101, service102"]
    assert fleet.record().leader == TWO


def test_what_cannot_be_read_is_left_out_and_named() -> None:
    fleet = cluster()
    facts = replace(said(fleet), kept_services={"cache": "{}"}, services=(), serving={})
    found = adopt(fleet, MANIFESTS, service101=facts)
    assert found.left_out == ["service101: what it keeps of service cache cannot be read, and is left out"]
    assert found.puts == {}


def test_one_that_no_manifest_describes_any_more_is_known_and_waits_for_leave() -> None:
    fleet, without = cluster(), wants()
    found = adopt(fleet, without, service101=said(fleet))
    record = ServiceRecord.model_validate_json(found.puts[service_keys.installed("cache")])
    assert found.puts[service_keys.meta_data("cache")] == meta_data_of(record.service).to_json()
    plans = fleet.plan(without)
    assert "take cache off service101, service102, its data with it" in titles(plans.removal)


def test_what_a_snapshot_knows_counts_where_it_is_newer_than_any_file() -> None:
    fleet = cluster()
    snapshot = fleet.record().model_copy(update={"at": 2.0, "restored": BACKUP})
    found = adopt(fleet, MANIFESTS, snapshot, service101=said(fleet, 1.0), service102=said(fleet, 1.0, leader=TWO))
    assert fleet.record().restored == BACKUP
    assert service_keys.secret("cache", "password") not in found.puts
    assert found.left_out == []


def test_what_a_snapshot_knows_is_not_made_up_where_no_machine_says_it() -> None:
    """A restore that waits for leave goes on waiting."""
    fleet, manifests = cluster(), wants(cache_yaml((ONE, TWO), f"restored: {BACKUP}\n"), needs="cache")
    snapshot = fleet.record()
    found = adopt(fleet, manifests, snapshot, worker101=replace(said(fleet), kept_services={}))
    assert (fleet.record(), found.left_out) == (snapshot, [])
    assert f"restore cache from {BACKUP}" in titles(fleet.plan(manifests).removal)


def test_whoever_led_since_the_snapshot_leads() -> None:
    fleet = cluster()
    snapshot = fleet.record()
    adopt(fleet, MANIFESTS, snapshot, worker101=replace(said(fleet, leader=TWO), kept_services={}))
    assert fleet.record().leader == TWO


def test_a_file_of_a_service_that_nobody_knows_any_more_is_left_out_and_named() -> None:
    """Its removal would take along what another service has on these machines."""
    fleet, without = cluster(), wants()
    found = adopt(fleet, without, service102=replace(said(fleet), services=(), serving={}))
    assert found.puts == {}
    assert found.left_out == ["service cache is kept by a machine, and no manifest describes it: it is left out"]
