"""The step that gets a certificate, from a real pebble, through a real nginx and a real zone."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from executors.certificates import obtain
from executors.certificates.proofs import Proof
from gitops.certificates import (
    put_failure,
    put_issued,
    read_certificate,
    read_history,
)
from gitops.store import Fence
from model import keys
from model.certificates import IssueFailure
from model.errors import Fenced, Refused, StepFailed, Unreadable
from model.transparency import AskedFor
from tests.answering_dns import AnsweringDns
from tests.executors.certificates.obtaining import HOST, WILD, Step
from tests.executors.certificates.test_dns01 import Zone
from tests.gitops.scene import certificate


def test_a_host_is_proved_at_its_ingresses_and_its_certificate_kept(step: Step) -> None:
    record = step.run(HOST)
    assert record.issued is not None
    assert record.issued.names == (HOST,)
    assert step.due() == []
    assert step.web.challenges() == []
    assert step.reports == ["waiting until the proof by HTTP-01 is seen", "127.0.0.1 looks for the proof"]


def test_a_wildcard_is_proved_in_its_zone(step: Step) -> None:
    step.publish(WILD)
    record = step.run(WILD)
    assert record.issued is not None
    assert record.issued.names == (WILD,)
    assert step.zone.most_at_once == 1
    assert step.zone.records == {"_acme-challenge.example.com": []}
    assert step.reports[0] == "waiting until the proof by DNS-01 is seen"


def test_what_was_asked_for_is_noted_with_all_that_counts(step: Step) -> None:
    issued = step.run(HOST).issued
    step.note(HOST)
    renewed = step.run(HOST).issued
    assert issued is not None
    assert renewed is not None
    noted = {one.id.serial: one for one in read_history(step.store) if isinstance(one, AskedFor)}
    first, second = noted[issued.serial], noted[renewed.serial]
    assert (first.names, first.renewal, first.directory) == ((HOST,), "no", step.office.authority.directory)
    assert (second.names, second.renewal) == ((HOST,), "same names")
    assert first.at is not None
    assert abs(datetime.now(UTC) - first.at) < timedelta(minutes=5)


def test_a_step_that_is_carried_out_twice_orders_once(step: Step) -> None:
    first = step.run(HOST)
    assert step.run(HOST) == first
    assert step.orders == 1
    assert step.reports[-1] == "it is there already"


def test_one_that_failed_and_is_carried_out_again_fails_in_the_same_words(step: Step) -> None:
    step.remote.dead = ("ingress017",)
    with pytest.raises(StepFailed) as first:
        step.run(HOST)
    step.remote.dead = ()
    with pytest.raises(StepFailed) as second:
        step.run(HOST)
    assert second.value.sentence == first.value.sentence == step.failure(HOST)
    assert step.orders == 0


def test_one_that_nobody_wants_any_more_orders_nothing(step: Step) -> None:
    step.store.delete(keys.due(HOST))
    step.carry_out(HOST)
    assert step.reports == ["nobody wants it any more"]
    step.publish(HOST, ssl=False)
    with pytest.raises(StepFailed, match=r"^app\.example\.com is not served by https any more"):
        step.run(HOST)
    assert (step.orders, step.due()) == (0, [])


def test_a_failure_leaves_the_old_certificate(step: Step) -> None:
    old = step.run(HOST).issued
    step.note(HOST)
    step.remote.dead = ("ingress016",)
    with pytest.raises(StepFailed, match=r"^ingress016: no SSH connection"):
        step.run(HOST)
    assert step.kept(HOST).issued == old
    assert step.due() == []


def test_a_dead_ingress_is_not_asked_and_one_alone_proves(step: Step) -> None:
    step.remote.dead = ("ingress017",)
    step.store.put(keys.dead("ingress017"), "1.0")
    assert step.run(HOST).issued is not None


def test_without_an_ingress_that_lives_it_is_one_sentence(step: Step) -> None:
    for node in ("ingress016", "ingress017"):
        step.store.put(keys.dead(node), "1.0")
    with pytest.raises(StepFailed, match="no ingress is registered that could answer the authority"):
        step.run(HOST)
    assert "no ingress is registered" in step.failure(HOST)


def test_what_a_killed_controller_left_in_the_zones_is_taken_away_by_the_next_order(step: Step) -> None:
    step.publish(WILD)
    step.publish("*.shop.example.com")
    left = {"_acme-challenge.example.com": ["old"], "_acme-challenge.gone.example.com": ["older"]}
    under_way = {"_acme-challenge.shop.example.com": ["of the step beside this one"]}
    step.zone.records.update({**left, **under_way})
    step.run(WILD)
    assert {name: texts for name, texts in step.zone.records.items() if texts} == under_way


def test_that_it_cannot_be_taken_away_is_told_and_costs_no_certificate(step: Step, dns: AnsweringDns) -> None:
    class Protected(Zone):
        def clear_texts(self, label: str, keep: Collection[str]) -> bool:
            raise StepFailed(f"removing old TXT records at {label}: it is protected")

    step.publish(WILD)
    step.zone = Protected(dns)
    assert step.run(WILD).issued is not None
    assert step.reports[0] == (
        "old proofs could not be taken away: removing old TXT records at _acme-challenge: it is protected"
    )


def test_a_zone_that_cannot_be_written_to_is_one_sentence(step: Step, dns: AnsweringDns) -> None:
    class NoZone(Zone):
        def add_text(self, name: str, text: str) -> bool:
            raise StepFailed(f"{name}: no DNS zone of the Hetzner project holds that name")

    step.publish(WILD)
    step.zone = NoZone(dns)
    with pytest.raises(StepFailed, match=r"^_acme-challenge\.example\.com: no DNS zone of the Hetzner project"):
        step.run(WILD)
    assert step.failure(WILD).startswith("_acme-challenge.example.com: no DNS zone")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Refused("the roots cannot be read"), "the roots cannot be read"),
        (KeyError("a fault of ours"), "flstr itself failed (KeyError); its log says more"),
    ],
)
def test_whatever_goes_wrong_is_noted_so_that_it_is_tried_again(
    step: Step, monkeypatch: pytest.MonkeyPatch, fault: Exception, sentence: str
) -> None:
    def broken(*_: object) -> None:
        raise fault

    monkeypatch.setattr(obtain, "Known", broken)
    with pytest.raises(type(fault)):
        step.run(HOST)
    assert step.failure(HOST) == sentence
    assert step.due() == []


def test_where_etcd_is_silent_the_step_is_begun_again_and_nothing_is_noted(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> Sequence[Proof]:
        raise Unreadable("etcd does not answer")

    monkeypatch.setattr(obtain, "read_history", silent)
    with pytest.raises(Unreadable):
        step.run(HOST)
    assert step.due() == [HOST]
    assert read_certificate(step.store, HOST) is None


def test_a_controller_that_was_overtaken_asks_for_nothing(step: Step) -> None:
    step.store.put(keys.LEADER, "another one")
    with pytest.raises(Fenced):
        step.carry_out(HOST, step.store.fenced(Fence(keys.LEADER, 1)))
    assert (step.orders, step.due(), step.web.challenges()) == (0, [HOST], [])
    assert step.store.prefix(keys.ACME_ACCOUNTS) == {}


def test_no_key_is_in_what_is_said_or_kept(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    step.run(HOST)
    said = "".join([*step.reports, *capsys.readouterr()])
    assert "PRIVATE KEY" not in said + "".join(step.store.prefix("").values())


def test_a_failure_before_a_certificate_that_came_otherwise_is_no_failure(step: Step) -> None:
    put_failure(step.store, HOST, IssueFailure(sentence="no", at=datetime.now(UTC)))
    put_issued(step.store, HOST, certificate(HOST, datetime.now(UTC)))
    assert step.run(HOST).failure is None
    assert step.orders == 0
