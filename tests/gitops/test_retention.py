"""What etcd forgets, and what it never does."""

from datetime import UTC, datetime, timedelta

import pytest

from gitops.certificates import put_failure, put_issued, read_certificates
from gitops.desired import ingress_keys, ingress_records
from gitops.operations import Operations
from gitops.retention import KEPT_OPERATIONS, forgettable, prune
from gitops.store import Store
from model import keys
from model.certificates import IssueFailure, PlacedOrder
from model.operation import Asker, Intent, Notice, Operation, OperationStatus, Origin
from model.steps import Plan
from model.transparency import AskedFor, CertificateId, Issuer
from tests.gitops.scene import DIRECTORY, HOST, app_yaml, certificate, manifests, secured

NOW = 10_000_000.0


def operation(number: int, status: OperationStatus) -> Operation:
    return Operation(
        id=f"o{number}", revision="r", plan=Plan(title="t"), origin=Origin(), status=status, created=float(number)
    )


def test_the_newest_operations_and_those_under_way_are_kept() -> None:
    ended = [operation(number, "done") for number in range(1, KEPT_OPERATIONS + 3)]
    found = {keys.operation(item.id): item.to_json() for item in [operation(0, "running"), *ended]}
    gone = forgettable(found, NOW)
    assert {key for key in gone if key.startswith(keys.OPERATIONS)} == {keys.operation("o1"), keys.operation("o2")}
    assert keys.card("o1") in gone


def test_answered_intents_go_after_an_hour_and_unanswered_ones_never() -> None:
    asker = Asker(place="shell", user="operator@flstr.lab")
    new = Intent(id="new", verb="status", asker=asker, asked=0)
    old = new.model_copy(update={"id": "old", "status": "delivered"})
    recent = old.model_copy(update={"id": "recent", "asked": NOW - 10})
    found = {keys.intent(item.id): item.to_json() for item in (new, old, recent)}
    assert [key for key in forgettable(found, NOW) if key.startswith(keys.INTENTS)] == [keys.intent("old")]


def test_an_answer_that_slack_does_not_take_yet_is_kept_as_long_as_it_is_tried() -> None:
    asker = Asker(place="slack", user="U02DEVELOPER")
    hour = 3600.0
    waits = Intent(id="waits", verb="status", asker=asker, asked=NOW - 2 * hour, status="answered")
    late = waits.model_copy(update={"id": "late", "asked": NOW - 8 * hour})
    brought = waits.model_copy(update={"id": "brought", "status": "delivered"})
    found = {keys.intent(item.id): item.to_json() for item in (waits, late, brought)}
    gone = [key for key in forgettable(found, NOW) if key.startswith(keys.INTENTS)]
    assert gone == [keys.intent("late"), keys.intent("brought")]


def test_who_followed_goes_with_the_operation_and_who_looked_after_a_month(store: Store) -> None:
    Operations(store).save(operation(1, "running"))
    old, new = str(NOW - 31 * 86400), str(NOW - 29 * 86400)
    store.write({keys.follower("o1", "U02DEVELOPER"): "1", keys.follower("o0", "U02DEVELOPER"): "1"})
    store.write({keys.home("U01OPERATOR"): old, keys.home("U02DEVELOPER"): new})
    store.write({keys.wanted_commits("gone"): old, keys.commits("gone"): "{}", keys.wanted_commits("shop"): new})
    prune(store, NOW)
    kept = [keys.operation("o1"), keys.follower("o1", "U02DEVELOPER"), keys.home("U02DEVELOPER")]
    assert sorted(store.prefix("")) == sorted([*kept, keys.wanted_commits("shop")])


@pytest.mark.parametrize("attached", [True, False], ids=["noted with its answer", "of an answer that was made anew"])
def test_a_file_goes_with_its_intent_whether_the_answer_knows_of_it_or_not(store: Store, attached: bool) -> None:
    asker = Asker(place="shell", user="operator@flstr.lab")
    old = Intent(id="old", verb="graph", asker=asker, asked=0, status="delivered", attached=attached)
    recent = old.model_copy(update={"id": "recent", "asked": NOW - 10})
    for intent in (old, recent):
        store.put(keys.intent(intent.id), intent.to_json())
        store.put(keys.attachment(intent.id), "{}")
    prune(store, NOW)
    assert sorted(store.prefix("")) == sorted([keys.intent("recent"), keys.attachment("recent")])


def test_old_notices_go_with_what_was_said_in_their_threads(store: Store) -> None:
    Operations(store).save(operation(1, "running"))
    store.put(keys.notice("n"), Notice(id="n", text="x", at=0).to_json())
    store.write({keys.card("n"): "{}", f"{keys.card('n')}/end": "{}", keys.card("other"): "{}"})
    prune(store, NOW)
    assert sorted(store.prefix("")) == [keys.card("other"), keys.operation("o1")]


def test_a_certificate_that_was_asked_for_is_forgotten_a_month_after_its_end() -> None:
    issuer = Issuer(organisation="Let's Encrypt", common_name="R11")
    ends = {"1": NOW + 1, "2": NOW - 29 * 86400, "3": NOW - 31 * 86400}
    found = {
        keys.asked_for(serial): AskedFor(
            id=CertificateId(issuer=issuer, serial=serial), not_after=datetime.fromtimestamp(end, UTC)
        ).to_json()
        for serial, end in ends.items()
    }
    assert forgettable(found, NOW) == [keys.asked_for("3")]


def test_an_order_of_which_nobody_asked_what_came_of_it_is_forgotten_after_a_month() -> None:
    found = {}
    for days in (29, 31):
        made = certificate(f"{days}.flstr.lab", datetime.fromtimestamp(NOW, UTC) - timedelta(days=days))
        order = PlacedOrder(
            names=made.names, url="", sealed_key=made.sealed_key, at=made.issued_at, renewal="no", directory=DIRECTORY
        )
        found[keys.order(made.names[0])] = order.to_json()
    assert forgettable(found, NOW) == [keys.order("31.flstr.lab")]


def test_a_certificate_of_a_host_that_is_gone_is_forgotten_once_it_has_ended(store: Store) -> None:
    published = ingress_keys(ingress_records(manifests(app_text=secured(app_yaml(), "here.flstr.lab")).apps.values()))
    plain = ingress_keys(ingress_records(manifests(app_text=app_yaml()).apps.values()))
    store.write({**published, **plain})
    ended, good = datetime.fromtimestamp(NOW, UTC) - timedelta(days=91), datetime.fromtimestamp(NOW, UTC)
    for name in ("here.flstr.lab", "gone.flstr.lab", HOST):
        put_issued(store, name, certificate(name, ended))
    put_issued(store, "back-soon.flstr.lab", certificate("back-soon.flstr.lab", good))
    put_failure(store, "never.flstr.lab", IssueFailure(sentence="no", at=good))
    for name in ("here.flstr.lab", "gone.flstr.lab"):
        store.put(keys.due(name), "its renewal is due")
    prune(store, NOW)
    assert sorted(read_certificates(store)) == ["back-soon.flstr.lab", "here.flstr.lab"]
    assert list(store.prefix(keys.DUE)) == [keys.due("here.flstr.lab")]
