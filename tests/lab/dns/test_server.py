"""The name server's manners: EDNS, truncation, what it cannot understand, faults."""

import socket
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import pytest
from dns.message import Message
from dns.rcode import Rcode
from dns.rdataclass import RdataClass
from hypothesis import given
from hypothesis import strategies as st

from lab.dns.responder import format_error, read
from tests.lab.cloud.running_cloud import AnyClient, RunningCloud
from tests.lab.dns.asking import LOOPBACK, TIMEOUT, Resolver, records

LONG = [f'"{letter * 200}"' for letter in "abc"]


@pytest.fixture
def udp(cloud: RunningCloud) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT)
        client.connect((LOOPBACK, cloud.dns_port))
        yield client


@pytest.fixture
def www(zone: AnyClient) -> str:
    """A name with an address."""
    records(zone, "www", "A", "10.77.0.10")
    return "www.flstr.example"


def received(client: socket.socket) -> Message:
    return dns.message.from_wire(client.recv(65535))


def test_edns_is_answered_with_edns_and_nothing_else_is(resolver: Resolver, www: str) -> None:
    assert resolver.ask(www, payload=4096).edns == 0
    assert resolver.ask(www).edns == -1


def test_a_later_edns_is_told_which_one_is_spoken(udp: socket.socket, www: str) -> None:
    udp.send(dns.message.make_query(www, "A", use_edns=1).to_wire())
    answer = received(udp)
    assert (answer.rcode(), answer.edns, answer.answer) == (Rcode.BADVERS, 0, [])


@pytest.mark.parametrize("payload", [None, 512, 600])
def test_what_does_not_fit_is_cut_and_marked(
    zone: AnyClient, resolver: Resolver, udp: socket.socket, payload: int | None
) -> None:
    records(zone, "long", "TXT", *LONG)
    answer = resolver.ask("long.flstr.example", "TXT", payload=payload)
    assert answer.flags & dns.flags.TC
    udp.send(
        dns.message.make_query("long.flstr.example", "TXT", payload=payload, use_edns=payload is not None).to_wire()
    )
    assert len(udp.recv(65535)) <= (payload or 512)


def test_what_was_cut_comes_whole_by_tcp_and_with_room(zone: AnyClient, resolver: Resolver) -> None:
    records(zone, "long", "TXT", *LONG)
    by_tcp = resolver.ask("long.flstr.example", "TXT", by_tcp=True)
    by_udp = resolver.ask("long.flstr.example", "TXT", payload=1232)
    for answer in (by_tcp, by_udp):
        assert not answer.flags & dns.flags.TC
        assert sorted(rdata.to_text() for rdata in answer.answer[0]) == LONG
    records(zone, "longer", "TXT", *LONG, *(f'"{letter * 250}"' for letter in "xyz"))
    assert resolver.ask("longer.flstr.example", "TXT", payload=4096).flags & dns.flags.TC
    assert len(resolver.ask("longer.flstr.example", "TXT", by_tcp=True).answer[0]) == 6


def test_one_connection_carries_several_questions(cloud: RunningCloud, www: str) -> None:
    with socket.create_connection((LOOPBACK, cloud.dns_port), timeout=TIMEOUT) as connection:
        for _ in range(3):
            query = dns.message.make_query(www, "A")
            dns.query.send_tcp(connection, query)
            answer, _ = dns.query.receive_tcp(connection)
            assert query.is_response(answer)
        connection.sendall(b"\0\x0cnot a query!")
        assert dns.query.receive_tcp(connection)[0].rcode() == Rcode.FORMERR


def test_what_is_no_query_for_us_is_told_so(udp: socket.socket, www: str) -> None:
    notify = dns.message.make_query(www, "SOA")
    notify.set_opcode(dns.opcode.STATUS)
    chaos = dns.message.make_query("version.bind", "TXT", RdataClass.CH)
    two = dns.message.make_query(www, "A")
    two.question *= 2
    for query, code in ((notify, Rcode.NOTIMP), (chaos, Rcode.REFUSED), (two, Rcode.FORMERR)):
        udp.send(query.to_wire())
        answer = received(udp)
        assert (answer.id, answer.rcode()) == (query.id, code)
    udp.send(dns.message.make_query(www, "A").to_wire() + b"more")
    assert received(udp).rcode() == Rcode.FORMERR


def test_an_answer_is_not_answered(udp: socket.socket, www: str) -> None:
    query = dns.message.make_query(www, "A")
    udp.send(dns.message.make_response(dns.message.make_query(www, "A")).to_wire())
    udp.send(query.to_wire())
    assert received(udp).id == query.id


@given(st.binary(max_size=80))
def test_no_bytes_make_it_stumble(junk: bytes) -> None:
    if read(junk) is None and (error := format_error(junk)) is not None:
        told = dns.message.from_wire(error)
        assert (told.id, told.rcode(), told.question) == (int.from_bytes(junk[:2]), Rcode.FORMERR, [])


def test_a_fault_is_for_whom_it_was_planned_and_for_so_many(cloud: RunningCloud, resolver: Resolver, www: str) -> None:
    cloud.control("POST", "/dns/faults", {"kind": "servfail", "name": "www.*", "type": "a", "times": 2})
    assert resolver.ask(www, "AAAA").rcode() == Rcode.NOERROR
    assert [resolver.ask(www, by_tcp=by_tcp).rcode() for by_tcp in (False, True, False)] == [
        Rcode.SERVFAIL,
        Rcode.SERVFAIL,
        Rcode.NOERROR,
    ]
    cloud.control("POST", "/dns/faults", {"kind": "servfail", "times": 9})
    assert [fault["times"] for fault in cloud.control("GET", "/dns/faults")["faults"]] == [9]
    cloud.control("DELETE", "/dns/faults")
    assert resolver.ask(www).rcode() == Rcode.NOERROR


def test_a_silent_one_answers_the_next_question_only(cloud: RunningCloud, udp: socket.socket, www: str) -> None:
    cloud.control("POST", "/dns/faults", {"kind": "silence"})
    first, second = (dns.message.make_query(www, "A") for _ in range(2))
    for query in (first, second):
        udp.send(query.to_wire())
    assert received(udp).id == second.id


def test_a_slow_one_is_overtaken(cloud: RunningCloud, udp: socket.socket, www: str) -> None:
    cloud.control("POST", "/dns/faults", {"kind": "slow", "seconds": 1})
    first, second = (dns.message.make_query(www, "A") for _ in range(2))
    for query in (first, second):
        udp.send(query.to_wire())
    assert [received(udp).id for _ in range(2)] == [second.id, first.id]


def test_silence_and_slowness_by_tcp(cloud: RunningCloud, resolver: Resolver, www: str) -> None:
    cloud.control("POST", "/dns/faults", {"kind": "slow", "seconds": 0.1})
    assert resolver.ask(www, by_tcp=True).rcode() == Rcode.NOERROR
    cloud.control("POST", "/dns/faults", {"kind": "silence"})
    with pytest.raises(dns.exception.Timeout):
        dns.query.tcp(dns.message.make_query(www, "A"), LOOPBACK, timeout=0.2, port=cloud.dns_port)


def test_what_was_asked_is_remembered(cloud: RunningCloud, resolver: Resolver, www: str) -> None:
    resolver.ask("WWW.flstr.example", "AAAA")
    assert cloud.control("GET", "/dns/queries")["queries"] == [{"name": www, "type": "AAAA"}]
