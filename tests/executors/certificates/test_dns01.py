"""Wildcards from a real pebble, proved by records in the DNS that it asks."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

import pytest

from executors.certificates.dns01 import Dns01Solver, NameServer, authoritative_servers, servers_by, txt_at
from executors.certificates.faults import faults
from executors.certificates.office import Office
from executors.certificates.proofs import Proof
from gitops.certificates import read_certificate
from gitops.store import Store
from model.errors import StepFailed
from tests.answering_dns import AnsweringDns
from tests.loopback_dns import LoopbackDns

NAMES = ("*.example.com", "example.com")
RECORD = "_acme-challenge.example.com"
SILENT: NameServer = ("127.0.0.1", 9)


class Zone:
    """`TxtRecords` in the answering DNS; a broken one takes the first record and no other."""

    def __init__(self, dns: AnsweringDns, broken: bool = False) -> None:
        self.records: dict[str, list[str]] = defaultdict(list)
        self.most_at_once = 0
        self._dns = dns
        self._broken = broken

    def add_text(self, name: str, text: str) -> bool:
        if self._broken and self.records[name]:
            raise StepFailed(f"{name}: the cloud's API cannot be reached")
        self.records[name].append(text)
        self.most_at_once = max(self.most_at_once, len(self.records[name]))
        self._dns.put_txt(name, text)
        return True

    def remove_text(self, name: str, text: str) -> bool:
        is_there = text in self.records[name]
        if is_there:
            self.records[name].remove(text)
        self._dns.clear_txt(name)
        for other in self.records[name]:
            self._dns.put_txt(name, other)
        return is_there

    def clear_texts(self, label: str, keep: Collection[str]) -> bool:
        old = [(name, text) for name, texts in self.records.items() for text in texts if name not in keep]
        for name, text in old:
            assert name.startswith(label)
            self.remove_text(name, text)
        return bool(old)


@pytest.fixture
def zone(dns: AnsweringDns) -> Zone:
    return Zone(dns)


@pytest.fixture
def server(dns: AnsweringDns) -> NameServer:
    return ("127.0.0.1", dns.port)


@pytest.fixture
def empty() -> Iterator[LoopbackDns]:
    """A name server that has nothing."""
    dns = LoopbackDns()
    yield dns
    dns.stop()


@pytest.fixture
def delegated() -> Iterator[LoopbackDns]:
    """One that knows a zone and its name servers."""
    dns = LoopbackDns(
        "example.com. 60 IN SOA ns1.example.net. hostmaster.example.com. 1 60 60 60 60\n"
        "example.com. 60 IN NS ns1.example.net.\nexample.com. 60 IN NS ns2.example.net.\n"
        "ns1.example.net. 60 IN A 192.0.2.1\nns1.example.net. 60 IN AAAA 2001:db8::1\n"
        "ns2.example.net. 60 IN A 192.0.2.2\n"
        'long.example.com. 60 IN TXT "one " "and two"\nlong.example.com. 60 IN TXT "three"\n'
    )
    yield dns
    dns.stop()


@pytest.fixture
def lonely() -> Iterator[LoopbackDns]:
    """One that serves a zone whose name servers are elsewhere, as the lab's does."""
    dns = LoopbackDns(
        "example.com. 60 IN SOA ns1.example.net. hostmaster.example.com. 1 60 60 60 60\n"
        "example.com. 60 IN NS ns1.example.net.\n"
    )
    yield dns
    dns.stop()


@pytest.fixture
def dns01(zone: Zone, server: NameServer) -> Dns01Solver:
    return Dns01Solver(zone, lambda name: [server], lambda _: None)


def test_a_wildcard_and_its_bare_name_are_proved_by_two_values_of_one_record(
    office: Office, dns01: Dns01Solver, zone: Zone, server: NameServer
) -> None:
    record = office.obtain(NAMES, dns01)
    assert record.issued is not None
    assert record.name == "*.example.com"
    key = office.key_of(record.issued)
    assert faults(record.issued.chain, key, NAMES, office.roots, datetime.now(UTC)) == ()
    assert zone.most_at_once == 2
    assert zone.records == {RECORD: []}
    assert txt_at(server, RECORD) == frozenset()


def test_a_record_that_one_name_server_lacks_is_not_shown_to_the_authority(
    office: Office, dns01: Dns01Solver, zone: Zone, server: NameServer, empty: LoopbackDns
) -> None:
    impatient = Impatient(zone, lambda name: [server, empty.server])
    with pytest.raises(StepFailed, match=rf"^example\.com: the record {RECORD} does not appear at its name server 127"):
        office.obtain(NAMES, impatient)
    assert zone.records == {RECORD: []}


def test_a_name_server_that_is_silent_holds_up_nothing(office: Office, zone: Zone, server: NameServer) -> None:
    assert office.obtain(NAMES, Dns01Solver(zone, lambda name: [SILENT, server])).issued is not None


def test_where_no_name_server_answers_it_says_so(office: Office, zone: Zone) -> None:
    with pytest.raises(StepFailed, match=rf"^example\.com: no name server of {RECORD} answers \(127\.0\.0\.1\)"):
        office.obtain(NAMES, Impatient(zone, lambda name: [SILENT]))
    assert zone.records == {RECORD: []}


def test_a_record_that_appears_late_is_seen(zone: Zone, dns: AnsweringDns, server: NameServer, office: Office) -> None:
    late: list[tuple[str, str]] = []

    class LateZone(Zone):
        def add_text(self, name: str, text: str) -> bool:
            late.append((name, text))
            return True

    def publish(_: float) -> None:
        while late:
            zone.add_text(*late.pop())

    solver = Dns01Solver(LateZone(dns), lambda name: [server], publish)
    assert office.obtain(NAMES, solver).issued is not None


def test_a_zone_that_takes_half_of_the_records_is_left_with_none(
    store: Store, office: Office, dns: AnsweringDns, server: NameServer
) -> None:
    broken = Zone(dns, broken=True)
    with pytest.raises(StepFailed, match="the cloud's API cannot be reached"):
        office.obtain(NAMES, Dns01Solver(broken, lambda name: [server]))
    assert broken.records == {RECORD: []}
    record = read_certificate(store, "*.example.com")
    assert record is not None
    assert record.failure is not None
    assert record.issued is None


def test_what_the_authority_does_not_see_is_one_sentence(
    office: Office, dns: AnsweringDns, zone: Zone, dns01: Dns01Solver
) -> None:
    class Vanishing(Dns01Solver):
        def await_seen(self, proofs: Sequence[Proof], within: float) -> None:
            dns.clear_txt(RECORD)

    solver = Vanishing(zone, dns01.servers)
    with pytest.raises(StepFailed, match=f"127.0.0.1 did not see the right TXT record at {RECORD}") as failed:
        office.obtain(NAMES, solver)
    assert set(failed.value.sentence.partition(":")[0].split(", ")) == set(NAMES)
    # Both names have the same record, and one reason is enough.
    assert failed.value.sentence.count(f"record at {RECORD}") == 1
    assert zone.records == {RECORD: []}


class Impatient(Dns01Solver):
    """Waits no time."""

    def await_seen(self, proofs: Sequence[Proof], within: float) -> None:
        super().await_seen(proofs, 0.0)


def test_the_name_servers_are_those_of_the_zone(delegated: LoopbackDns) -> None:
    found = authoritative_servers("_acme-challenge.app.example.com", delegated.resolver(), 5353)
    assert found == [("192.0.2.1", 5353), ("192.0.2.2", 5353), ("2001:db8::1", 5353)]


def test_a_name_server_that_is_named_says_which_are_the_zones(delegated: LoopbackDns) -> None:
    found = servers_by(*delegated.server)("_acme-challenge.app.example.com")
    assert [address for address, _ in found] == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]


def test_where_it_does_not_know_these_it_is_asked_itself(lonely: LoopbackDns) -> None:
    assert servers_by(*lonely.server)("_acme-challenge.app.example.com") == [lonely.server]


def test_without_one_the_machines_own_is_asked() -> None:
    assert servers_by("") is authoritative_servers


def test_a_name_whose_zone_nobody_serves_is_one_sentence(empty: LoopbackDns) -> None:
    with pytest.raises(StepFailed, match=r"^app\.example\.com: its name servers cannot be found; see that its zone is"):
        authoritative_servers("app.example.com", empty.resolver())


def test_a_record_of_several_strings_is_one_text(delegated: LoopbackDns) -> None:
    assert txt_at(delegated.server, "long.example.com") == {"one and two", "three"}
