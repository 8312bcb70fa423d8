"""What is in the cloud under the cluster's label and known to nobody: told apart, listed, offered for an approval."""

from dataclasses import replace
from decimal import Decimal

import pytest

from gitops.orphans import GRACE_SECONDS, InCloud, in_words, listing, orphans, typed_names
from gitops.plan import plan
from gitops.plan_changes import plan_changes
from model import keys
from model.registered import FloatingRecord, HostRecord, Orphan, Registered
from model.steps import GiveBackOrphan
from tests.gitops.flstr import OPERATOR, REVIEWER, Flstr
from tests.gitops.scene import FLOATING, instance, manifests, registered, spec

SPEC = spec()
RUNNING = {f"1-{SPEC}": instance("worker101"), f"2-{SPEC}": instance("worker102")}
CLUSTER = manifests().cluster
NOW = 10_000.0
LOST = InCloud("server", 42, "worker107", created=0.0)
ORPHAN = Orphan(kind="server", id=42, name="worker107", since=NOW)


def found(*there: InCloud, tree: Registered | None = None, making: tuple[str, ...] = ()) -> dict[str, Orphan]:
    return orphans(there, CLUSTER, tree or registered(), making, NOW)


def with_orphans(*them: Orphan) -> Registered:
    tree = registered(instances=RUNNING)
    return tree.model_copy(update={"orphans": {f"{one.kind}-{one.id}": one for one in them}})


def test_a_server_that_nothing_accounts_for_is_one() -> None:
    assert found(LOST) == {"server-42": ORPHAN}


def test_since_when_stays() -> None:
    before = ORPHAN.model_copy(update={"since": 5.0})
    assert found(LOST, tree=with_orphans(before)) == {"server-42": before}


def test_one_that_was_made_just_now_is_none_yet() -> None:
    assert found(replace(LOST, created=NOW - GRACE_SECONDS + 1)) == {}
    assert found(replace(LOST, created=NOW - GRACE_SECONDS)) != {}


def test_one_that_is_being_made_is_none() -> None:
    assert found(LOST, making=("worker107",)) == {}


def test_one_that_is_registered_wanted_or_only_asked_for_is_none() -> None:
    tree = registered()
    asked_for = HostRecord(node="worker107", host_key="ssh-ed25519 AAAA")
    renamed = HostRecord(node="worker109", host_key="ssh-ed25519 AAAA", server_id=42)
    for record in (asked_for, renamed):
        known = tree.model_copy(update={"hosts": {**tree.hosts, record.node: record}})
        assert found(LOST, tree=known) == {}
    assert found(replace(LOST, name="worker101"), tree=Registered()) == {}


def test_a_floating_ip_is_one_unless_it_is_registered() -> None:
    ip = InCloud("floating_ip", 7, "public", created=0.0)
    assert found(ip).keys() == {"floating_ip-7"}
    held = registered().model_copy(update={"floating_ips": {"public": FloatingRecord(ip=FLOATING)}})
    assert found(ip, tree=held) == {}


@pytest.mark.parametrize("kind", ["primary_ip", "volume", "placement_group"])
def test_what_a_server_uses_is_none(kind: str) -> None:
    one = InCloud(kind, 7, "thing", created=0.0)  # type: ignore[arg-type]
    assert found(one).keys() == {f"{kind}-7"}
    assert found(replace(one, used_by=(3,))) == {}


def test_they_are_offered_after_an_approval_and_nothing_else_changes() -> None:
    plans = plan(manifests(), with_orphans(ORPHAN))
    assert plans.changes == ()
    assert [step.title for step in plans.removal.steps] == ["give back server worker107 (42)"]
    assert plans.removal.title == "give back server worker107 (42)"
    assert plans.removal.losses is not None
    assert plans.removal.losses.orphans == ("server worker107 (42)",)
    assert isinstance(plans.removal.steps[0].step, GiveBackOrphan)


def test_each_has_to_be_typed_by_a_word_that_can_be() -> None:
    odd = Orphan(kind="floating_ip", id=7, name="My IP", since=0)
    plans = plan(manifests(), with_orphans(odd, ORPHAN))
    assert typed_names(plans.removal) == ("worker107", "floating-ip-7")


def test_one_that_somebody_knows_by_now_is_not_given_back() -> None:
    waiting = plan(manifests(), with_orphans(ORPHAN)).removal
    now = plan(manifests(), registered(instances=RUNNING)).removal
    assert plan_changes(waiting, now) == ("nothing is to be destroyed any more",)
    more = plan(manifests(), with_orphans(ORPHAN, ORPHAN.model_copy(update={"id": 43}))).removal
    assert "gives server worker107 (43) back as well" in plan_changes(waiting, more)


def test_a_name_that_means_something_to_slack_is_only_shown() -> None:
    odd = Orphan(kind="volume", id=7, name="<!channel> *now*\n", since=0)
    assert in_words(odd) == "volume ??channel? ?now?? (7)"
    assert in_words(odd.model_copy(update={"name": ""})) == "volume without a name (7)"


def test_the_list_says_what_each_costs_and_since_when() -> None:
    text = listing([ORPHAN], {"server-42": Decimal("3.79")}, {"server-42": "2026-11-26 12:00 UTC"})
    assert "• server worker107 (42): 3.79 € a month before tax, seen since 2026-11-26 12:00 UTC" in text
    assert "the cloud does not say what it costs" in listing([ORPHAN], None, {"server-42": "now"})
    assert listing([], {}, {}) == "Nothing is in the cloud under this cluster's label that flstr does not know."


def test_nobody_has_asked_for_them_so_anybody_who_may_can_approve(flstr: Flstr) -> None:
    flstr.settle()
    flstr.store.put(keys.orphan("server-42"), ORPHAN.to_json())
    waiting = flstr.settle()[-1]
    assert (waiting.status, waiting.origin.display) == ("awaiting_approval", "flstr")
    approval = flstr.operations.approvals()[-1]
    assert (approval.requesters, approval.authors, approval.names) == ((), (), ("worker107",))
    assert "so type its name" in flstr.ask(f"approve {waiting.id}", OPERATOR)
    assert flstr.store.get(keys.orphan("server-42"))
    flstr.approve(waiting, REVIEWER)
    assert flstr.settle()[-1].status == "done"
    assert flstr.registry.read().orphans == {}


def test_an_orphan_that_is_gone_voids_its_card(flstr: Flstr) -> None:
    flstr.settle()
    flstr.store.put(keys.orphan("server-42"), ORPHAN.to_json())
    waiting = flstr.settle()[-1]
    flstr.store.delete(keys.orphan("server-42"))
    flstr.settle()
    assert flstr.operations.approvals()[-1].status == "void"
    assert flstr.operations.get(waiting.id) is not None
    assert in_words(ORPHAN) == "server worker107 (42)"
