"""Certificates by the routing: who is given which, once, and what is lost, refused or cannot be opened."""

import pytest

from executors.certificates.ingress_files import MISSING_MARK, MISSING_STATUS, REFUSED_STATUS
from executors.templates import quote
from gitops.routed import wrongly_routed
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from tests.executors.issued import pair_for, record_of
from tests.executors.routing_field import SHOP, WILD, carried, secure_field
from tests.executors.scripted import Answer
from tests.identity import OTHERS, encrypted


def test_an_ingress_is_given_the_certificates_of_what_it_serves_once(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    both = [WILD, "both.example.com", SHOP]
    assert carried(field) == {
        "ingress016": both,
        "edge101": [WILD, "admin.example.com", "both.example.com", SHOP],
        "worker101": [],
    }
    field.apply()
    assert not any(carried(field).values())
    assert wrongly_routed(field.context.registry.read()) == ()
    assert field.context.registry.read().certified["ingress016"] == dict.fromkeys(both, "5")


def test_an_ordinary_script_holds_no_key(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    assert "PRIVATE KEY" in "".join(script for _, script in field.remote.ran)
    field.remote.ran.clear()
    field.apply()
    assert "PRIVATE KEY" not in "".join(script for _, script in field.remote.ran)


def test_of_a_renewed_certificate_only_that_one_is_brought(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    carried(field)
    store.write({keys.certificate(SHOP): record_of(pair_for(SHOP), "6").to_json()})
    assert wrongly_routed(field.context.registry.read()) == ("edge101", "ingress016")
    field.apply()
    assert carried(field) == {"ingress016": [SHOP], "edge101": [SHOP], "worker101": []}


def test_a_first_certificate_is_brought_where_its_host_is_served(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    carried(field)
    store.write({keys.certificate("later.example.com"): record_of(pair_for("later.example.com"), "7").to_json()})
    field.apply()
    scripts = dict(field.remote.ran)
    assert "return 503;" not in scripts["edge101"]
    assert carried(field)["edge101"] == ["later.example.com"]


def test_a_new_machine_of_the_same_name_is_given_all_of_them(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    node = field.context.registry.read().nodes["edge101"]
    field.context.registry.forget_node("edge101")
    assert "edge101" not in field.context.registry.read().certified
    field.context.registry.put_node(node)
    carried(field)
    field.apply()
    assert len(carried(field)["edge101"]) == 4


def lacking(node: str, *hosts: str) -> Answer:
    """A machine on which the certificates of some hosts are not found."""

    def answer(at: str, script: str) -> str:
        missing = [host for host in hosts if f"see_certificate {quote(host)} " in script]
        if at == node and missing:
            said = " ".join([MISSING_MARK, *missing])
            raise StepFailed(f"{node}: {said}", said, MISSING_STATUS)
        return ""

    return answer


def test_a_machine_that_lost_some_is_given_those_at_once(store: Store) -> None:
    field = secure_field(store, lacking("edge101", WILD, SHOP))
    field.apply()
    carried(field)
    field.apply()
    assert [node for node, _ in field.remote.ran].count("edge101") == 2
    assert carried(field)["edge101"] == [WILD, SHOP]
    assert wrongly_routed(field.context.registry.read()) == ()


def test_where_one_is_lost_a_host_whose_new_key_cannot_be_opened_is_still_served(store: Store) -> None:
    field = secure_field(store, lacking("edge101", WILD))
    field.apply()
    renewed = record_of(pair_for(SHOP), "6", encrypted(b"its key", OTHERS))
    store.write({keys.certificate(SHOP): renewed.to_json()})
    carried(field)
    field.apply()
    assert f"ssl_certificate /etc/nginx/certificates/{SHOP}.pem" in dict(field.remote.ran)["edge101"]
    assert carried(field)["edge101"] == [WILD]
    assert field.context.registry.read().certified["edge101"][SHOP] == "5"


def test_a_key_that_cannot_be_opened_leaves_the_others_served_and_is_said(store: Store) -> None:
    field = secure_field(store, shop=encrypted(b"its key", OTHERS))
    field.apply()
    scripts = dict(field.remote.ran)
    assert SHOP not in carried(field)["ingress016"]
    assert f"ssl_certificate /etc/nginx/certificates/{SHOP}.pem" not in scripts["ingress016"]
    assert "ssl_certificate /etc/nginx/certificates/both.example.com.pem" in scripts["ingress016"]
    (line,) = field.told
    assert line.startswith(f"{SHOP} keeps the certificate it has, if any: the key of the new one cannot be opened: ")
    assert wrongly_routed(field.context.registry.read()) == ("edge101", "ingress016")


def test_a_key_of_a_renewal_that_cannot_be_opened_leaves_the_old_one_served(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    carried(field)
    renewed = record_of(pair_for(SHOP), "6", encrypted(b"its key", OTHERS))
    store.write({keys.certificate(SHOP): renewed.to_json()})
    field.apply()
    assert f"ssl_certificate /etc/nginx/certificates/{SHOP}.pem" in dict(field.remote.ran)["ingress016"]
    assert not any(carried(field).values())
    assert field.context.registry.read().certified["ingress016"][SHOP] == "5"


def test_one_that_nginx_refuses_is_said_and_tried_again(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    store.write({keys.certificate(SHOP): record_of(pair_for(SHOP), "6").to_json()})
    carried(field)
    field.remote._answer = lambda node, script: (
        f"refused certificate: {SHOP} key values mismatch\n" * (node == "edge101")
    )
    field.apply()
    assert field.told == [
        f"edge101 keeps the old certificate of {SHOP}, because nginx refuses the new one: key values mismatch"
    ]
    tree = field.context.registry.read()
    assert (tree.certified["edge101"][SHOP], tree.certified["ingress016"][SHOP]) == ("5", "6")
    assert wrongly_routed(tree) == ("edge101",)


def test_a_first_one_that_nginx_refuses_leaves_its_host_waiting_and_the_others_served(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        if node == "edge101" and f"take_pair {SHOP} " in script:
            output = f"refused certificate: {SHOP} key values mismatch"
            raise StepFailed(f"edge101: {output}", output, REFUSED_STATUS)
        return ""

    field = secure_field(store, answer)
    field.apply()
    assert carried(field)["edge101"] == [WILD, "admin.example.com", "both.example.com"]
    assert field.told == [
        f"edge101 does not serve {SHOP} by https yet, because nginx refuses its certificate: key values mismatch"
    ]
    tree = field.context.registry.read()
    assert SHOP not in tree.certified["edge101"]
    assert wrongly_routed(tree) == ("edge101",)


def test_no_key_is_in_what_a_failing_step_says(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        raise StepFailed(f"{node}: {script.splitlines()[-1]}", script, 1)

    field = secure_field(store, answer)
    with pytest.raises(StepFailed) as failed:
        field.apply()
    said = "\n".join([str(failed.value), failed.value.output, *field.reports, *field.told])
    assert "take_pair" in said
    assert "PRIVATE" not in said
    assert not any(line in said for _, script in field.remote.ran for line in key_lines(script))


def key_lines(script: str) -> list[str]:
    """The lines of the private keys in a script."""
    inside, found = False, []
    for line in script.splitlines():
        inside = (inside or "BEGIN PRIVATE" in line) and "END PRIVATE" not in line
        if inside:
            found.append(line)
    return found
