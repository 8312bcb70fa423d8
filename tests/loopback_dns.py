"""A name server on loopback, over UDP, with the records that a test writes down; it can fail."""

import socketserver
import threading
from collections.abc import Collection, Mapping, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

ADDRESS = "127.0.0.1"


class LoopbackDns:
    """`records` are lines as in a zone file, with whole names.

    Of other names those in `missing` do not exist, or, where nothing is said of it, all of them. Names in `failing` get
    SERVFAIL; a silent one never answers.
    """

    def __init__(
        self,
        records: str = "",
        failing: Collection[str] = (),
        missing: Collection[str] | None = None,
        silent: bool = False,
    ) -> None:
        self._records = _sets(records)
        self._failing = failing
        self._missing = missing
        self.asked: list[str] = []
        answer = self._answer

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                received, socket = self.request
                if not silent:
                    socket.sendto(answer(received), self.client_address)

        self._server = socketserver.UDPServer((ADDRESS, 0), Handler)
        self.port = int(self._server.server_address[1])
        self.server = (ADDRESS, self.port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def resolver(self) -> dns.resolver.Resolver:
        """One that asks this server."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [ADDRESS], self.port
        return resolver

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, received: bytes) -> bytes:
        query = dns.message.from_wire(received)
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(name)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if name in self._failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in self._records:
            answer.answer.append(self._records[name, kind])
        elif self._does_not_exist(name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    def _does_not_exist(self, name: str) -> bool:
        if self._missing is None:
            return not any(known == name for known, _ in self._records)
        return name in self._missing


def caa_dns(
    records: Mapping[str, Sequence[str]],
    failing: Collection[str] = (),
    missing: Collection[str] = (),
    silent: bool = False,
) -> LoopbackDns:
    """One with CAA records; all names but those in `missing` exist."""
    lines = (f"{name}. 60 IN CAA {value}" for name, values in records.items() for value in values)
    return LoopbackDns("\n".join(lines), failing, missing, silent)


def _sets(records: str) -> Mapping[tuple[str, str], dns.rrset.RRset]:
    found: dict[tuple[str, str], dns.rrset.RRset] = {}
    for name, ttl, _, kind, data in (line.split(None, 4) for line in records.splitlines()):
        key = (name.rstrip("."), kind)
        found[key] = dns.rrset.from_text(name, int(ttl), "IN", kind, *map(str, found.get(key, ())), data)
    return found
