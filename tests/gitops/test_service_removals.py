"""What a service loses, and what it is given back: its removal, its machines, and backups in the place of its data."""

from dataclasses import replace

from model import keys, service_keys
from model.service_steps import BackUpService, RemoveService, RestoreService
from model.steps import Plan
from tests.gitops.service_scene import (
    BACKUP,
    ONE,
    TWO,
    Fleet,
    cache_yaml,
    cluster_yaml,
    installed,
    only,
    titles,
    wants,
)


def test_one_that_no_manifest_describes_goes_after_a_last_backup_with_leave() -> None:
    fleet, manifests = installed(ONE, TWO), wants()
    removal = fleet.plan(manifests).removal
    assert (removal.title, removal.locks) == ("remove service cache", ("service-cache",))
    assert removal.losses is not None
    assert removal.losses.services == ("cache",)
    assert titles(removal) == [
        "back cache up a last time",
        "deregister cache",
        "route no more to cache",
        "take cache off service101, service102, its data with it",
        "forget cache",
    ]
    fleet.follow(manifests)
    assert not [key for key in fleet.found if "cache" in key]


def test_without_a_place_for_the_last_backup_it_stays_and_says_what_to_write() -> None:
    fleet, manifests = installed(), wants(cluster=cluster_yaml(more=""))
    plans = fleet.plan(manifests)
    assert not plans.removal.steps
    (sentence,) = plans.stays
    assert sentence.startswith("service cache is not removed, because there is no place for a last backup")
    assert "write `backups` with its `to` in cluster.yaml" in sentence


def test_one_that_never_served_has_nothing_to_lose() -> None:
    fleet = Fleet()
    fleet.carry_out(Plan(title="", steps=only(fleet, wants(cache_yaml())).steps[:3]))
    removal = fleet.plan(wants(cluster=cluster_yaml(more=""))).removal
    assert "take cache off service101, its data with it" in titles(removal)
    assert not any(isinstance(planned.step, BackUpService) for planned in removal.steps)


def test_a_machine_goes_once_its_service_has_left_it() -> None:
    fleet = installed(ONE, TWO)
    fewer = wants(cache_yaml((TWO,)), cluster=cluster_yaml(1, without=[ONE]))
    assert not fleet.plan(fewer).removal.steps
    found = fleet.follow(fewer)
    assert found == ["take cache off service101", "destroy service101"]
    assert keys.node(ONE) not in fleet.found


def test_a_service_and_its_machines_go_in_one_plan_the_machines_last() -> None:
    fleet, manifests = installed(), wants(cluster=cluster_yaml(0))
    removal = fleet.plan(manifests).removal
    assert removal.losses is not None
    assert (removal.losses.services, removal.losses.nodes) == (("cache",), (ONE, TWO))
    leave = next(planned for planned in removal.steps if planned.id == f"leave-{ONE}")
    assert "forget-cache" in leave.after


def test_a_backup_takes_the_place_of_what_is_there_with_leave_after_a_backup_of_that() -> None:
    fleet, manifests = installed(), wants(cache_yaml(more=f"restored: {BACKUP}\n"))
    plans = fleet.plan(manifests)
    assert plans.changes == ()
    assert plans.removal.losses is not None
    assert plans.removal.losses.restored == (f"cache from {BACKUP}",)
    assert titles(plans.removal) == ["back cache up before it is restored", f"restore cache from {BACKUP}"]
    fleet.follow(manifests)
    assert fleet.record().restored == BACKUP
    assert not fleet.plan(manifests).removal.steps


def test_a_new_service_comes_with_the_data_of_a_backup_at_once() -> None:
    fleet, manifests = Fleet(), wants(cache_yaml(more=f"restored: {BACKUP}\n"))
    change = only(fleet, manifests)
    restore = next(planned for planned in change.steps if isinstance(planned.step, RestoreService))
    assert restore.after == ("apply",)
    assert change.steps[-2].after == ("restore",)
    fleet.follow(manifests, approved=False)
    assert not fleet.plan(manifests).removal.steps


def test_one_whose_removal_was_broken_off_keeps_the_data_that_it_has() -> None:
    fleet, manifests = Fleet(), wants(cache_yaml(more=f"restored: {BACKUP}\n"))
    fleet.follow(manifests)
    # Deregistered, and then its playbook failed; now it is wanted again.
    fleet.found.pop(service_keys.meta_data("cache"))
    change = only(fleet, manifests)
    assert not any(isinstance(planned.step, RestoreService) for planned in change.steps)
    fleet.follow(manifests, approved=False)
    assert fleet.record().restored == BACKUP
    assert not fleet.plan(manifests).removal.steps


def test_data_is_put_back_where_all_of_its_machines_answer() -> None:
    fleet, manifests = installed(ONE, TWO), wants(cache_yaml((ONE, TWO), f"restored: {BACKUP}\n"))
    fleet.silent.add(TWO)
    plans = fleet.plan(manifests)
    assert not plans.removal.steps
    assert plans.stays == (
        "service cache is not restored until service102 answers again, or is no machine of it any more",
    )


def test_a_playbook_that_is_gone_from_the_repo_takes_its_service_off_as_it_was_brought() -> None:
    text = (
        "service: queue\nplaybook: playbooks/queue.yml\nnodes: [service101]\nport: 5672\npublish: {port: 6382}\n"
        "env_prefix: QUEUE\nenv: {PROTOCOL: amqp}\n"
    )
    fleet, manifests = Fleet(), replace(wants(text), playbooks="a" * 40)
    fleet.follow(manifests)
    assert fleet.record("queue").source == "a" * 40
    assert fleet.plan(replace(manifests, playbooks="b" * 40)).change.title == "bring queue up to date"
    removal = fleet.plan(wants(cluster=cluster_yaml(more=""))).removal
    steps = [planned.step for planned in removal.steps]
    assert next(step for step in steps if isinstance(step, RemoveService)).source == "a" * 40
    assert not any(isinstance(step, BackUpService) for step in steps)
