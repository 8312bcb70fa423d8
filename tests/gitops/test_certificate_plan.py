"""The plan that gets what is due: each certificate by itself, and what came is put in place whatever else failed."""

from typing import Any

from gitops.plan import plan
from gitops.routed import certificates_of, routing_digest, routing_nodes
from model.certificates import CertificateRecord
from model.locks import CERTIFICATES, MACHINES
from model.registered import Registered
from model.steps import ApplyRouting, ObtainCertificate, Plan
from tests.gitops.scene import NOON, app_yaml, certificate, instance, manifests, registered, secured, spec
from tests.gitops.test_plan import step, titles

A, B, WILD = "a.flstr.lab", "b.flstr.lab", "*.flstr.lab"
TEXT = secured(app_yaml(), A, B, WILD)
RUNNING = {f"1-{spec()}": instance("worker101"), f"2-{spec()}": instance("worker102")}


def tree(*due: str, **changes: Any) -> Registered:
    known = registered(instances=RUNNING, app_text=TEXT)
    known = known.model_copy(update={"due": dict.fromkeys(due, "it has none yet"), **changes})
    certificates = {node: certificates_of(node, known) for node in routing_nodes(known)}
    certified = {node: {name: one.serial for name, one in found.items()} for node, found in certificates.items()}
    routed = {node: routing_digest(known, node) for node in routing_nodes(known)}
    return known.model_copy(update={"certified": certified, "routed": routed})


def plans(known: Registered, *busy: str) -> tuple[Plan, ...]:
    return plan(manifests(app_text=TEXT), known, busy).changes


def having(*names: str) -> dict[str, CertificateRecord]:
    return {name: CertificateRecord(name=name, issued=certificate(name, NOON)) for name in names}


def test_without_a_note_nothing_is_got() -> None:
    assert plans(tree()) == ()


def test_what_is_due_is_one_plan_with_a_step_each() -> None:
    (found,) = plans(tree(A, B))
    assert found.title == "get certificates for a.flstr.lab, b.flstr.lab"
    assert found.locks == (CERTIFICATES,)
    assert not found.destroys()
    assert titles(found) == [
        "get a certificate for a.flstr.lab",
        "get a certificate for b.flstr.lab",
        "put the certificates on the ingresses",
    ]
    assert step(found, "obtain-a.flstr.lab").step == ObtainCertificate(name=A)
    assert step(found, "obtain-a.flstr.lab").after == step(found, "obtain-b.flstr.lab").after == ()
    install = step(found, "install")
    assert (install.step, install.after) == (ApplyRouting(), ("obtain-a.flstr.lab", "obtain-b.flstr.lab"))
    assert install.tolerant


def test_a_title_says_what_is_got_and_what_is_renewed() -> None:
    assert plans(tree(WILD))[0].title == "get a certificate for *.flstr.lab"
    assert plans(tree(A, certificates=having(A)))[0].title == "renew the certificate of a.flstr.lab"
    assert plans(tree(A, B, certificates=having(A, B)))[0].title == "renew certificates of a.flstr.lab, b.flstr.lab"
    both = plans(tree(A, WILD, certificates=having(A)))[0]
    assert both.title == "get a certificate for *.flstr.lab; renew the certificate of a.flstr.lab"


def test_a_title_names_five_and_counts_the_others() -> None:
    hosts = [f"host{number}.flstr.lab" for number in range(8)]
    known = registered(instances=RUNNING, app_text=secured(app_yaml(), *hosts))
    due = known.model_copy(update={"due": dict.fromkeys(hosts, "it has none yet")})
    (found,) = plan(manifests(app_text=secured(app_yaml(), *hosts)), due).changes
    assert found.title.endswith("host3.flstr.lab, host4.flstr.lab and 3 more")
    assert len(found.steps) == 9


def test_while_some_are_got_no_others_are() -> None:
    assert plans(tree(A), CERTIFICATES) == ()
    assert len(plans(tree(A), MACHINES)) == 1


def test_a_note_for_a_host_that_is_gone_says_nothing() -> None:
    assert plans(tree("gone.flstr.lab")) == ()
    assert len(plans(tree("gone.flstr.lab", A))[0].steps) == 2


def test_it_goes_beside_other_plans() -> None:
    bigger = manifests(app_text=TEXT.replace("instances: 2", "instances: 3"))
    found = plan(bigger, tree(A)).changes
    assert [one.locks for one in found] == [("app-influencer",), (CERTIFICATES,)]


def test_the_same_notes_give_the_same_digest() -> None:
    assert plans(tree(A, B))[0].digest() == plans(tree(B, A))[0].digest()
    assert plans(tree(A))[0].digest() != plans(tree(B))[0].digest()
