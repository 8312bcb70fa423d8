"""The public side of a cluster that runs: floating IPs, DNS names and certificates are known again."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509

from executors.adopting.adopted import Adopted
from executors.adopting.facts import parse as parse_facts
from executors.adopting.merging import Merged, merge
from executors.adopting.records import Terms, adopt
from executors.adopting.survey import Survey
from executors.certificates.ingress_files import Pair
from gitops.certificates import key_safe
from gitops.plan import plan
from gitops.registered_tree import parse
from model import keys
from model.registered import FloatingRecord
from model.steps import SettleFloatingIps
from tests.executors.adopting.printing import NOW, REVISION, machine, running, survey
from tests.executors.certificates.chains import DAY, chain, host
from tests.executors.issued import issuing_authority, pair_for, record_of
from tests.gitops.public import DNS, FIRST, FLOATING_IP, HOST, PUBLIC, SECOND, public_yaml
from tests.gitops.scene import DIRECTORY, app_yaml, manifests, public_ip, secured
from tests.identity import IDENTITIES

KNOWN = manifests(public_yaml(DNS, FLOATING_IP), secured(app_yaml()))
TERMS = Terms(key_safe(IDENTITIES), DIRECTORY, NOW, REVISION)
OF_CERTIFICATES = (keys.CERTIFICATES, keys.ASKED_FOR)


def serial_of(pair: Pair) -> str:
    return f"{x509.load_pem_x509_certificate(pair.chain.encode()).serial_number:x}"


def later_pair() -> Pair:
    """A certificate of the host that is good for longer."""
    above = issuing_authority().intermediate
    holder = host(above, HOST, begins=datetime.now(UTC) - DAY / 2)
    return Pair(HOST, chain(holder, above), holder.key_pem.decode())


PAIR = pair_for(HOST)
NAMES = {f"{node}.example.com": public_ip(node) for node in KNOWN.cluster.nodes()} | {HOST: str(PUBLIC)}
FOUND = running(
    KNOWN,
    {
        keys.floating_ip("public"): FloatingRecord(ip=PUBLIC, node=FIRST).to_json(),
        keys.floated(FIRST): str(PUBLIC),
        **{keys.dns_name(name): address for name, address in NAMES.items()},
        keys.certificate(HOST): record_of(PAIR, serial_of(PAIR)).to_json(),
        **{keys.certified(node): f"{HOST}={serial_of(PAIR)}" for node in (FIRST, SECOND)},
    },
)


def seen(first: Pair = PAIR, second: Pair = PAIR) -> Survey:
    """What is seen of it, with these certificates on the ingresses."""
    machines = {}
    for node, pair in ((FIRST, first), (SECOND, second)):
        machines[node] = machine(node, KNOWN.cluster, parse(FOUND))
        file = f"{pair.name.replace('*', '_')}.pem"
        machines[node].say("certificate", file, base64.b64encode(pair.content.encode()).decode())
    return survey(FOUND, machines, KNOWN)


def adopted(survey: Survey) -> Adopted:
    return adopt(KNOWN, survey, TERMS)


def without_certificates(found: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in found.items() if not key.startswith(OF_CERTIFICATES)}


def titles(found: dict[str, str]) -> list[str]:
    both = plan(KNOWN, parse(found))
    assert not both.removal.steps
    return [change.title for change in both.changes]


def merged(found: dict[str, str], survey: Survey) -> dict[str, str]:
    """What is known after a backup that held `found`."""
    done: Merged = merge(found, adopted(survey).puts, KNOWN.cluster, survey)
    return {key: value for key, value in {**found, **done.puts}.items() if key not in done.deletes}


def test_all_of_it_is_known_again_and_nothing_is_left_to_do() -> None:
    done = adopted(seen())
    assert without_certificates(done.puts) == without_certificates(FOUND)
    assert done.left_out == []
    assert titles(done.puts) == []


def test_a_certificate_is_known_by_what_stands_on_the_ingresses_and_was_asked_for_by_us() -> None:
    tree = parse(adopted(seen()).puts)
    issued = tree.certificates[HOST].issued
    assert issued is not None
    assert (issued.serial, issued.names, issued.directory) == (serial_of(PAIR), (HOST,), DIRECTORY)
    assert any(key.startswith(keys.ASKED_FOR) for key in adopted(seen()).puts)


def test_of_two_ingresses_each_has_its_own_and_the_newer_one_is_the_clusters() -> None:
    newer = later_pair()
    tree = parse(adopted(seen(second=newer)).puts)
    assert tree.certified == {FIRST: {HOST: serial_of(PAIR)}, SECOND: {HOST: serial_of(newer)}}
    issued = tree.certificates[HOST].issued
    assert issued is not None
    assert issued.serial == serial_of(newer)
    assert titles(adopted(seen(second=newer)).puts) == ["bring the routing up to date"]


def test_the_certificate_of_a_wildcard_is_known_by_its_name() -> None:
    wildcard = pair_for("*.flstr.lab")
    tree = parse(adopted(seen(wildcard, wildcard)).puts)
    assert tree.certificates.keys() == {"*.flstr.lab"}
    assert tree.certified[FIRST] == {"*.flstr.lab": serial_of(wildcard)}


@pytest.mark.parametrize(
    ("holder", "title"),
    [
        (None, f"have {FIRST} hold floating IP public"),
        ("worker101", f"move floating IP public from worker101 to {FIRST}"),
    ],
)
def test_who_holds_a_floating_ip_is_what_the_cloud_says(holder: str | None, title: str) -> None:
    inventory = replace(seen().inventory, floating={"public": (PUBLIC, holder)})
    done = adopted(replace(seen(), inventory=inventory))
    assert parse(done.puts).floating_ips["public"].node == holder
    assert titles(done.puts)[-1] == title


def test_machines_answer_at_a_floating_ip_as_the_cloud_leads_it() -> None:
    inventory = replace(seen().inventory, floating={"public": (PUBLIC, SECOND)})
    (change,) = plan(KNOWN, parse(adopted(replace(seen(), inventory=inventory)).puts)).changes
    (settle,) = [planned.step for planned in change.steps]
    assert settle == SettleFloatingIps(nodes=(FIRST, SECOND), names=("public",))


def test_a_name_that_leads_elsewhere_is_put_right_by_the_plan() -> None:
    inventory = replace(seen().inventory, names={**seen().inventory.names, HOST: frozenset({"192.0.2.1"})})
    assert titles(adopted(replace(seen(), inventory=inventory)).puts) == [f"point {HOST} to {PUBLIC}"]


def test_what_the_cloud_has_no_more_is_not_known_from_a_backup_either() -> None:
    gone = {
        keys.floating_ip("former"): FloatingRecord(ip=PUBLIC + 1, node=FIRST).to_json(),
        keys.dns_name("former.example.com"): "192.0.2.1",
    }
    assert merged({**FOUND, **gone}, seen()).keys() == adopted(seen()).puts.keys() | FOUND.keys()


def test_an_ingress_that_is_silent_holds_what_the_cloud_says_as_before() -> None:
    silent = replace(seen(), facts={node: said for node, said in seen().facts.items() if node != FIRST})
    after = parse(merged(FOUND, silent))
    assert after.floating_ips["public"].node == FIRST
    assert after.certified[FIRST] == {HOST: serial_of(PAIR)}
    assert titles(merged(FOUND, silent)) == []


def test_of_a_certificate_that_the_backup_knows_as_well_its_record_stays() -> None:
    assert merged(FOUND, seen())[keys.certificate(HOST)] == FOUND[keys.certificate(HOST)]


def test_one_that_was_renewed_since_the_backup_takes_its_place() -> None:
    newer = later_pair()
    issued = parse(merged(FOUND, seen(newer, newer))).certificates[HOST].issued
    assert issued is not None
    assert issued.serial == serial_of(newer)


def test_what_an_ingress_says_of_its_addresses_is_an_address_or_is_named() -> None:
    said = machine(FIRST, KNOWN.cluster, parse(FOUND))
    said.say("floats", "not an address")
    facts = parse_facts(said.printed)
    assert (facts.floats, facts.unclear) == ((str(PUBLIC),), ("floats not an address",))
