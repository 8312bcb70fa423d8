"""A query's bytes in, an answer's bytes out: flags, EDNS and truncation, without a socket."""

import struct
from collections.abc import Iterable

import dns.exception
import dns.flags
import dns.message
import structlog
from dns.message import Message
from dns.opcode import Opcode
from dns.rcode import Rcode
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from lab.cloud.entities import Zone
from lab.dns.lookup import REFUSED, Found, look_up

log = structlog.get_logger()

# What gets through everywhere in one piece.
UDP_PAYLOAD = 1232
PLAIN_UDP_PAYLOAD = 512
TCP_PAYLOAD = 65535

_HEADER = struct.Struct("!HHHHHH")
# Whole zones are asked for, or the query is about a query: none of it is for the public.
_NOT_FOR_EVERYBODY = frozenset({RdataType.AXFR, RdataType.IXFR, RdataType.OPT, RdataType.TSIG, RdataType.TKEY})


def read(wire: bytes) -> Message | None:
    """The query, or None where it is none that can be understood."""
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    return None if query.flags & dns.flags.QR else query


def format_error(wire: bytes) -> bytes | None:
    """The answer to what cannot be understood; none to what may be an answer itself, or is no message at all."""
    if len(wire) < _HEADER.size:
        return None
    identity, flags, *_ = _HEADER.unpack_from(wire)
    if flags & dns.flags.QR:
        return None
    return _HEADER.pack(identity, dns.flags.QR | (flags & (0x7800 | dns.flags.RD)) | Rcode.FORMERR, 0, 0, 0, 0)


def answer(query: Message, zones: Iterable[Zone]) -> Message:
    """What these zones say to the query."""
    response = dns.message.make_response(query, our_payload=UDP_PAYLOAD)
    if query.edns > 0:
        response.set_rcode(Rcode.BADVERS)
    elif query.opcode() != Opcode.QUERY:
        response.set_rcode(Rcode.NOTIMP)
    elif len(query.question) != 1:
        response.set_rcode(Rcode.FORMERR)
    else:
        _fill_in(response, _found(query, zones))
    return response


def failure(query: Message) -> Message:
    """SERVFAIL."""
    response = dns.message.make_response(query, our_payload=UDP_PAYLOAD)
    response.set_rcode(Rcode.SERVFAIL)
    return response


def udp_wire(response: Message, query: Message) -> bytes:
    """The bytes for UDP; where they would not fit, as many as do, and the mark to ask again by TCP."""
    room = PLAIN_UDP_PAYLOAD if query.edns < 0 else min(max(query.payload, PLAIN_UDP_PAYLOAD), UDP_PAYLOAD)
    return response.to_wire(max_size=room, prefer_truncation=True)


def tcp_wire(response: Message) -> bytes:
    """The bytes for TCP, after their length."""
    return response.to_wire(max_size=TCP_PAYLOAD, prefer_truncation=True, prepend_length=True)


def _found(query: Message, zones: Iterable[Zone]) -> Found:
    [question] = query.question
    if question.rdclass != RdataClass.IN or question.rdtype in _NOT_FOR_EVERYBODY:
        return REFUSED
    try:
        return look_up(question.name, question.rdtype, zones)
    except dns.exception.DNSException:
        log.exception("a record of the cloud cannot be served", name=str(question.name))
        return Found(Rcode.SERVFAIL, authoritative=False)


def _fill_in(response: Message, found: Found) -> None:
    response.set_rcode(found.rcode)
    if found.authoritative:
        response.flags |= dns.flags.AA
    response.answer.extend(found.answer)
    response.authority.extend(found.authority)
    response.additional.extend(found.additional)
