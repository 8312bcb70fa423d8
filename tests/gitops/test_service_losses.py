"""What is lost of services is on the card, in words, and no more of it than somebody gave leave for."""

from dataclasses import replace

import pytest

from bot.approvals.card import lost
from gitops import describe
from gitops.facts import facts
from gitops.gate import why_not_destroy
from gitops.holds.mix import check_mix
from gitops.holds.rules import APP, POOL, held
from gitops.manifests import Manifests
from gitops.plan.dissolution import dissolution_plan
from gitops.plan_changes import plan_changes
from model.names import PersonName
from model.operation import Approval, Hold, Operation, Origin
from model.steps import Losses, Plan
from tests.gitops.service_scene import BACKUP, ONE, TWO, Fleet, cache_yaml, cluster_yaml, wants

GONE = Losses(services=("cache",))
BACK = Losses(restored=(f"cache from {BACKUP}",))
SOMEBODY: PersonName = "operator"


def installed() -> Fleet:
    fleet = Fleet()
    fleet.follow(wants(cache_yaml(), needs="cache"))
    return fleet


def leave_for(removal: Plan) -> Approval:
    return Approval(id="1", operation="1", digest=removal.digest(), status="used", needed=1, asked=0.0, expires=1.0)


def why_not(fleet: Fleet, planned: Manifests, now: Manifests) -> str:
    """Why what was planned for one revision is not done under another."""
    removal = fleet.plan(planned).removal
    assert removal.losses is not None
    operation = Operation(
        id="1", revision="a" * 40, plan=removal, status="running", steps={}, created=0, origin=Origin(display="x")
    )
    approval = leave_for(removal)
    return why_not_destroy(operation, approval, fleet.plan(now).removal, fleet.tree(now))


def test_leave_is_good_for_what_is_still_to_go() -> None:
    fleet = installed()
    assert why_not(fleet, wants(), wants()) == ""
    assert why_not(fleet, wants(), wants(cache_yaml())) == "service cache is not to be removed any more"
    restored = wants(cache_yaml(more=f"restored: {BACKUP}\n"))
    assert why_not(fleet, restored, restored) == ""
    assert why_not(fleet, restored, wants(cache_yaml())) == "the data of cache is not to be removed any more"


def test_leave_is_good_to_the_end_of_what_has_begun() -> None:
    fleet, manifests = installed(), wants()
    removal = fleet.plan(manifests).removal
    operation = Operation(
        id="1", revision="a" * 40, plan=removal, status="running", steps={}, created=0, origin=Origin(display="x")
    )
    approval = leave_for(removal)
    for planned in removal.steps:
        assert why_not_destroy(operation, approval, fleet.plan(manifests).removal, fleet.tree(manifests)) == ""
        fleet.do(planned.step)


def test_the_card_names_what_is_lost() -> None:
    assert lost(GONE) == "*Services removed, with their data:* cache"
    assert lost(BACK) == f"*Data replaced by a backup:* cache from {BACKUP}"
    assert describe.losses(Plan(title="", losses=GONE)) == [
        ":wastebasket: service cache with its data, after a last backup"
    ]
    assert describe.losses(Plan(title="", losses=BACK)) == [
        f":wastebasket: the data of cache, which is restored from {BACKUP}"
    ]


def test_the_facts_say_where_it_is_and_who_needs_it() -> None:
    fleet, manifests = installed(), wants()
    found = facts(fleet.plan(manifests).removal, fleet.tree(manifests), None, None)
    assert [(fact.title, fact.text) for fact in found][-2:] == [
        ("Services", "cache on service101"),
        ("Apps that need them", "influencer"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (Losses(apps=("site",)), Losses(apps=("site",), services=("cache",)), "removes service cache as well"),
        (Losses(apps=("site",), services=("cache",)), Losses(apps=("site",)), "removes service cache no more"),
        (GONE, BACK.model_copy(update={"services": ("cache",)}), f"restores cache from {BACKUP} as well"),
    ],
)
def test_what_is_different_between_two_plans_is_said(before: Losses, after: Losses, line: str) -> None:
    assert line in plan_changes(Plan(title="", losses=before), Plan(title="", losses=after))


def test_a_cluster_ends_with_its_services() -> None:
    fleet, manifests = installed(), wants()
    plan = dissolution_plan(manifests.cluster, fleet.tree(manifests))
    assert plan.losses is not None
    assert plan.losses.services == ("cache",)
    assert "service-cache" in plan.locks


def test_what_is_locked_keeps_services_beside_it() -> None:
    fleet = installed()
    queue = (
        "service: queue\nplaybook: playbooks/queue.yml\nnodes: [service102]\nport: 5672\npublish: {port: 6382}\n"
        "env_prefix: QUEUE\nenv: {PROTOCOL: amqp}\n"
    )
    new = replace(wants(cache_yaml((ONE, TWO)), queue), playbooks="a" * 40)
    before = wants(cache_yaml(), needs="cache", cluster=cluster_yaml(3))
    for name in (f"{APP}influencer", f"{POOL}worker"):
        hold = Hold(id=name, person=SOMEBODY, reason="it moves", since=0, until=None, revision="b" * 40)
        mix = held(new, [hold], lambda _: before)
        assert (mix.services, mix.playbooks) == (new.services, new.playbooks)
        check_mix(mix, fleet.tree(mix), None)
