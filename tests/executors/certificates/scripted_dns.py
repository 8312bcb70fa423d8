"""A name server on loopback with the records that a test writes down, over UDP."""

import socketserver
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import dns.zone


class ScriptedDns:
    """`records` are lines as in a zone file, with whole names; what is not there does not exist."""

    def __init__(self, records: str) -> None:
        lines = [line.split(None, 4) for line in records.splitlines()]
        self._records: dict[tuple[str, str], dns.rrset.RRset] = {}
        for name, ttl, _, kind, data in lines:
            texts = [*map(str, self._records.get((name, kind), ())), data]
            self._records[name, kind] = dns.rrset.from_text(name, int(ttl), "IN", kind, *texts)
        answer = self._answer

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                received, socket = self.request
                socket.sendto(answer(received), self.client_address)

        self._server = socketserver.UDPServer(("127.0.0.1", 0), Handler)
        self.server = ("127.0.0.1", int(self._server.server_address[1]))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def resolver(self) -> dns.resolver.Resolver:
        """One that asks this server."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [self.server[0]], self.server[1]
        return resolver

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, received: bytes) -> bytes:
        query = dns.message.from_wire(received)
        (question,) = query.question
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        if (name, kind) in self._records:
            answer.answer.append(self._records[name, kind])
        elif not any(known == name for known, _ in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()
