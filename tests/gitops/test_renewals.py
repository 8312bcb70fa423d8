"""Certificates as the worker gets them, on a real etcd: from a manifest to a certificate that is kept and renewed."""

from typing import Any

import pytest

from gitops.certificates import put_asked_for, put_issued
from gitops.operations import Operations
from gitops.renewals import Renewals
from gitops.store import Fence, Store
from model import keys
from model.errors import Fenced
from model.operation import StepState
from tests.gitops.flstr import Flstr
from tests.gitops.renewing import DAY, HOUR, A, B, Failing, due, kept, later, poll, publish, serial, today
from tests.gitops.scene import CLUSTER_YAML, DIRECTORY, HOST, asked_for, certificate
from tests.gitops.test_side_by_side import Held, look_until


def test_a_manifest_with_https_ends_with_a_certificate(flstr: Flstr) -> None:
    publish(flstr)
    flstr.settle()
    (operation,) = poll(flstr)
    assert operation.status == "done"
    assert operation.plan.title == f"get a certificate for {HOST}"
    assert (operation.origin.display, operation.origin.place) == ("flstr", "by itself")
    assert kept(flstr).issued is not None
    assert due(flstr) == {}
    assert "changes nothing" in flstr.ask("plan")


def test_it_is_got_right_after_the_operation_that_published_the_host(flstr: Flstr) -> None:
    publish(flstr)
    # Nobody polls: the end of the one is when the other becomes due.
    titles = [operation.plan.title for operation in flstr.settle()]
    assert titles[-1] == f"get a certificate for {HOST}"
    assert len(titles) == 2


def test_one_whose_key_cannot_be_opened_any_more_is_got_anew(flstr: Flstr) -> None:
    publish(flstr)
    poll(flstr)
    first = serial(flstr)
    operations = Operations(flstr.store)
    renewals = Renewals(flstr.registry, operations, DIRECTORY, lambda: today(flstr), lambda _: serial(flstr) != first)
    assert renewals.look()
    operation = poll(flstr)[-1]
    assert (operation.status, operation.plan.title) == ("done", f"renew the certificate of {HOST}")
    assert serial(flstr) != first
    assert not renewals.look()


def test_a_cluster_that_is_as_it_should_be_costs_no_write(flstr: Flstr) -> None:
    publish(flstr)
    poll(flstr)
    before = flstr.store._prefix("")[1]
    for _ in range(5):
        assert not flstr.renewals.look()
        assert not flstr.worker.look()
    assert flstr.store._prefix("")[1] == before


def test_a_look_at_a_cluster_that_is_as_it_should_be_is_two_reads(
    flstr: Flstr, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(flstr)
    poll(flstr)
    calls: list[str] = []
    call = Store._call

    def counted(store: Store, action: Any) -> Any:
        calls.append("etcd")
        return call(store, action)

    monkeypatch.setattr(Store, "_call", counted)
    flstr.renewals.look()
    assert len(calls) == 2


def test_a_certificate_is_renewed_and_the_old_one_serves_until_then(flstr: Flstr) -> None:
    publish(flstr)
    poll(flstr)
    first = serial(flstr)
    later(flstr, 50 * DAY)
    assert len(poll(flstr)) == 1
    later(flstr, 12 * DAY)
    operations = poll(flstr)
    assert [operation.plan.title for operation in operations][1:] == [f"renew the certificate of {HOST}"]
    assert serial(flstr) != first


def test_one_that_fails_keeps_no_other_from_being_put_in_place(flstr: Flstr) -> None:
    publish(flstr, A, B)
    failing = Failing(flstr, A)
    (operation,) = [one for one in flstr.settle() if one.plan.locks == ("certificates",)]
    assert sorted(failing.asked) == [A, B]
    assert operation.status == "failed"
    assert operation.sentence == (
        "get a certificate for a.flstr.lab: a.flstr.lab: no certificate, because nobody answers there"
    )
    assert {step: state.status for step, state in operation.steps.items()} == {
        "obtain-a.flstr.lab": "failed",
        "obtain-b.flstr.lab": "done",
        "install": "done",
    }
    assert due(flstr) == {}


def test_where_none_came_nothing_is_put_in_place(flstr: Flstr) -> None:
    publish(flstr)
    Failing(flstr, HOST)
    (operation,) = poll(flstr)
    assert operation.steps["install"].status == "skipped"


def test_what_failed_is_tried_again_an_hour_later_by_the_same_plan(flstr: Flstr) -> None:
    publish(flstr)
    failing = Failing(flstr, HOST)
    assert len(poll(flstr)) == 1
    later(flstr, HOUR - 60)
    assert len(poll(flstr)) == 1
    later(flstr, 120)
    first, second = poll(flstr)
    assert (first.status, second.status) == ("failed", "failed")
    assert first.plan.digest() == second.plan.digest()
    failing.hosts.clear()
    later(flstr, HOUR + 60)
    assert poll(flstr)[-1].status == "done"
    assert kept(flstr).failure is None


def test_a_renewal_that_fails_leaves_the_old_one(flstr: Flstr) -> None:
    publish(flstr)
    poll(flstr)
    first = serial(flstr)
    Failing(flstr, HOST)
    later(flstr, 62 * DAY)
    assert poll(flstr)[-1].status == "failed"
    assert serial(flstr) == first
    assert f":warning: {HOST}: good for 27 days; the last attempt failed: nobody answers there; tried again at " in (
        flstr.ask("status")
    )


def test_who_says_sync_has_mended_the_cause_and_need_not_wait(flstr: Flstr) -> None:
    publish(flstr)
    failing = Failing(flstr, HOST)
    poll(flstr)
    failing.hosts.clear()
    flstr.ask("sync")
    flstr.settle()
    assert poll(flstr)[-1].status == "done"


def test_a_host_whose_app_is_being_changed_waits_for_that(flstr: Flstr) -> None:
    flstr.settle()
    held = Held(flstr, "instance.watch")
    flstr.ask(f"deploy influencer@{flstr.app[2][:7]}")
    look_until(flstr, held.reached.is_set)
    with_host = flstr.registry.read().ingress[f"{HOST}:80"]
    secure = with_host.model_copy(update={"publish": with_host.publish.model_copy(update={"ssl": True})})
    flstr.store.put(keys.ingress(HOST, 443), secure.to_json())
    flstr.pretend._route(None, _context(flstr))
    assert not flstr.renewals.look()
    held.go.set()
    flstr.settle()


def test_a_certificate_that_was_kept_before_the_power_went_is_not_ordered_again(flstr: Flstr) -> None:
    publish(flstr)
    poll(flstr)
    (operation,) = poll(flstr)
    first = serial(flstr)
    # As it stood in etcd when the power went: the step still runs, and the note is gone with the record.
    steps = {**operation.steps, f"obtain-{HOST}": StepState(status="running"), "install": StepState()}
    flstr.operations.save(operation.model_copy(update={"status": "running", "steps": steps}))
    obtained: list[str] = []
    flstr.pretend.act["certificate.obtain"] = lambda step, context: obtained.append(
        "ordered" if step.name in context.registry.read().due else "there already"
    )
    assert poll(flstr)[-1].status == "done"
    assert obtained == ["there already"]
    assert serial(flstr) == first


def test_a_note_that_was_written_before_the_power_went_is_not_lost(flstr: Flstr) -> None:
    publish(flstr)
    failing = Failing(flstr, HOST)
    poll(flstr)
    failing.hosts.clear()
    later(flstr, HOUR + 60)
    assert flstr.renewals.look()
    assert due(flstr) == {HOST: "it has none yet"}
    # Whoever comes next finds the note, and looks at nothing else.
    operations = [one for one in flstr.settle() if one.plan.locks == ("certificates",)]
    assert operations[-1].status == "done"


def test_a_controller_that_was_overtaken_notes_nothing(flstr: Flstr, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(flstr)
    Failing(flstr, HOST)
    poll(flstr)
    later(flstr, HOUR + 60)
    flstr.store.put(keys.LEADER, "another one")
    monkeypatch.setattr(flstr.registry, "store", flstr.store.fenced(Fence(keys.LEADER, 1)))
    with pytest.raises(Fenced):
        flstr.renewals.look()
    assert due(flstr) == {}


def test_before_the_first_revision_nothing_is_due(flstr: Flstr) -> None:
    assert not flstr.renewals.look()


def test_what_was_had_before_counts(flstr: Flstr) -> None:
    for number in range(50):
        issued = certificate(f"old{number}.flstr.lab", today(flstr), directory=DIRECTORY)
        put_asked_for(flstr.store, asked_for(issued))
    publish(flstr)
    assert poll(flstr) == []
    assert kept(flstr).failure is not None


def test_status_tells_certificates_by_the_days_that_are_left(flstr: Flstr) -> None:
    publish(flstr, A, B)
    poll(flstr)
    put_issued(flstr.store, A, certificate(A, today(flstr), days=40))
    later(flstr, HOUR)
    lines = flstr.ask("status").splitlines()
    at = lines.index("*Certificates*")
    assert lines[at + 1 : at + 3] == [f"• {A}: good for 39 days", f"• {B}: good for 89 days"]


def test_without_https_status_says_nothing_of_certificates(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    flstr.settle()
    assert "*Certificates*" not in flstr.ask("status")


def _context(flstr: Flstr) -> Any:
    class Context:
        registry = flstr.registry

    return Context()
