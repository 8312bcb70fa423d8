"""For which hosts a certificate is due, and which of them have to wait before they can be proved."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gitops.certificates_due import FIRST, LOST_KEY, OTHER_AUTHORITY, RENEWAL, ingresses_of, ready, time_has_come
from gitops.names import wanted_names
from gitops.routed import routing_digest
from model.certificates import CertificateRecord, IssuedCertificate, IssueFailure, RenewalWindow
from model.cluster import Cluster
from model.registered import NodeRecord, Registered
from tests.gitops.scene import (
    CLUSTER_YAML,
    DIRECTORY,
    HOST,
    NOON,
    app_yaml,
    certificate,
    manifests,
    registered,
    secured,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CLUSTER = manifests().cluster


def tree(*hosts: str, **changes: Any) -> Registered:
    """The example's cluster, its app published by https at these hosts; all is routed."""
    published = registered(app_text=secured(app_yaml(), *hosts))
    return published.model_copy(update=changes)


def having(
    issued: IssuedCertificate | None, failure: IssueFailure | None = None, host: str = HOST
) -> dict[str, CertificateRecord]:
    return {host: CertificateRecord(name=host, issued=issued, failure=failure)}


def due(known: Registered, now: datetime = NOON) -> Mapping[str, str]:
    return time_has_come(known, DIRECTORY, now)


def can_be_proved(known: Registered, cluster: Cluster = CLUSTER, busy: tuple[str, ...] = ()) -> bool:
    return HOST in ready([HOST], cluster, known, busy)


def test_a_host_without_https_needs_none() -> None:
    assert due(registered()) == {}


def test_a_host_that_has_none_needs_one_at_once() -> None:
    assert due(tree()) == {HOST: FIRST}


def test_one_that_is_noted_already_is_not_noted_again() -> None:
    assert due(tree(due={HOST: FIRST})) == {}


def test_one_at_two_ports_is_due_once() -> None:
    text = secured(app_yaml()) + f"  - host: {HOST}\n    port: 8443\n    ssl: true\n"
    assert len(registered(app_text=text).ingress) == 2
    assert due(registered(app_text=text)) == {HOST: FIRST}


def test_a_certificate_is_renewed_in_the_last_third_of_its_life_and_not_before() -> None:
    has = tree(certificates=having(certificate(HOST, NOON)))
    assert due(has, NOON + 50 * DAY) == {}
    assert due(has, NOON + 60 * DAY) == {HOST: RENEWAL}


def test_the_authority_may_want_it_renewed_earlier() -> None:
    window = RenewalWindow(start=NOON - DAY, end=NOON - HOUR, ask_again=NOON)
    has = certificate(HOST, NOON - 3 * DAY).model_copy(update={"window": window})
    assert due(tree(certificates=having(has))) == {HOST: RENEWAL}


def test_one_of_another_authority_is_replaced_at_once() -> None:
    staging = certificate(HOST, NOON, directory="https://staging.example/directory")
    assert due(tree(certificates=having(staging))) == {HOST: OTHER_AUTHORITY}


def test_one_whose_key_is_lost_is_replaced_at_once() -> None:
    has = tree(certificates=having(certificate(HOST, NOON)))
    assert time_has_come(has, DIRECTORY, NOON, lambda _: False) == {HOST: LOST_KEY}
    failure = IssueFailure(sentence="no", at=NOON)
    failed = tree(certificates=having(certificate(HOST, NOON), failure))
    assert time_has_come(failed, DIRECTORY, NOON, lambda _: False) == {}
    assert time_has_come(failed, DIRECTORY, NOON + HOUR, lambda _: False) == {HOST: LOST_KEY}


def test_what_failed_is_tried_again_in_an_hour_whatever_it_was_for() -> None:
    failure = IssueFailure(sentence="no", at=NOON)
    staging = certificate(HOST, NOON, directory="https://staging.example/directory")
    for issued in (None, certificate(HOST, NOON - 80 * DAY), staging):
        has = tree(certificates=having(issued, failure))
        assert due(has, NOON + 59 * timedelta(minutes=1)) == {}
        assert set(due(has, NOON + HOUR)) == {HOST}


def test_one_that_nobody_was_asked_for_is_looked_at_again_whenever_there_may_be_room() -> None:
    failure = IssueFailure(sentence="no", at=NOON, retry_at=NOON + 7 * DAY, over_budget=True)
    assert due(tree(certificates=having(None, failure)), NOON + HOUR) == {HOST: FIRST}


def test_the_most_pressing_comes_first() -> None:
    hosts = ("d.flstr.lab", "c.flstr.lab", "b.flstr.lab", "a.flstr.lab")
    kept = {
        **having(certificate("c.flstr.lab", NOON - 70 * DAY), host="c.flstr.lab"),
        **having(certificate("d.flstr.lab", NOON - 80 * DAY), host="d.flstr.lab"),
    }
    assert list(due(tree(*hosts, certificates=kept))) == ["d.flstr.lab", "c.flstr.lab", "a.flstr.lab", "b.flstr.lab"]


def test_a_host_that_is_routed_can_be_proved() -> None:
    assert can_be_proved(tree())


def test_one_that_an_ingress_does_not_route_yet_waits() -> None:
    known = tree()
    assert not can_be_proved(tree(routed={**known.routed, "ingress016": "0" * 16}))
    assert can_be_proved(tree(routed={**known.routed, "worker101": "0" * 16}))


def test_a_renewal_waits_for_no_routing_no_app_and_no_name() -> None:
    has = tree(routed={}, certificates=having(certificate(HOST, NOON)))
    assert can_be_proved(has, with_dns(), busy=("app-influencer",))


def test_one_whose_app_is_being_changed_waits() -> None:
    assert not can_be_proved(tree(), busy=("app-influencer",))
    assert can_be_proved(tree(), busy=("app-creator", "machines"))


def with_dns() -> Cluster:
    return manifests(CLUSTER_YAML + "dns: {}\n").cluster


def test_one_whose_name_does_not_lead_to_its_ingresses_yet_waits() -> None:
    known = tree()
    assert wanted_names(with_dns(), known)[HOST] == ("10.77.0.16",)
    assert not can_be_proved(known, with_dns())
    assert not can_be_proved(tree(names={HOST: ("10.77.0.9",)}), with_dns())
    assert not can_be_proved(tree(names={HOST: ("10.77.0.9", "10.77.0.16")}), with_dns())
    assert can_be_proved(tree(names={HOST: ("10.77.0.16",)}), with_dns())


def test_a_name_that_flstr_does_not_make_is_not_waited_for() -> None:
    assert can_be_proved(tree(), manifests(CLUSTER_YAML + "dns: {hosts: false}\n").cluster)


def two_ingresses(**changes: Any) -> Registered:
    known = tree()
    record = NodeRecord(name="ingress017", ip="10.77.0.17", role="ingress", pool="ingress", services=())
    both = known.model_copy(update={"nodes": {**known.nodes, "ingress017": record}})
    routed = {node: routing_digest(both, node) for node in both.nodes}
    return both.model_copy(update={"routed": routed, **changes})


def test_an_ingress_that_answers_nobody_is_not_asked() -> None:
    assert ingresses_of(HOST, two_ingresses()) == ("ingress016", "ingress017")
    assert ingresses_of(HOST, two_ingresses(dead={"ingress016": 1.0})) == ("ingress017",)
    assert ingresses_of(HOST, two_ingresses(unreachable={"ingress017": 1.0})) == ("ingress016",)
    every = {"ingress016": 1.0, "ingress017": 1.0}
    assert ingresses_of(HOST, two_ingresses(unreachable=every)) == ("ingress016", "ingress017")
    assert ingresses_of(HOST, two_ingresses(dead=every)) == ()


def test_a_dead_ingress_holds_nobody_up_and_without_any_nothing_can_be_proved() -> None:
    routed = {**two_ingresses().routed, "ingress016": "0" * 16}
    assert not can_be_proved(two_ingresses(routed=routed))
    assert can_be_proved(two_ingresses(routed=routed, dead={"ingress016": 1.0}))
    assert not can_be_proved(two_ingresses(dead={"ingress016": 1.0, "ingress017": 1.0}))
