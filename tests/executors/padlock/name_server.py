"""A DNS server on loopback that knows CAA records, and can fail."""

import socket
import threading
from collections.abc import Collection, Mapping, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

ADDRESS = "127.0.0.1"


class NameServer:
    """Answers for the names in `records`; those in `failing` get SERVFAIL, those in `missing` NXDOMAIN, all others
    exist and have nothing."""

    def __init__(
        self,
        records: Mapping[str, Sequence[str]],
        failing: Collection[str] = (),
        missing: Collection[str] = (),
        silent: bool = False,
    ) -> None:
        self._records = records
        self._failing = failing
        self._missing = missing
        self._silent = silent
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ADDRESS, 0))
        self.port = int(self._socket.getsockname()[1])
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._stopped = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
            waking.sendto(b"", (ADDRESS, self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, client = self._socket.recvfrom(4096)
            if self._stopped:
                return
            if self._silent:
                continue
            self._socket.sendto(self._answer(dns.message.from_wire(wire)).to_wire(), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append(name)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self._failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name in self._missing:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif name in self._records:
            answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", "CAA", self._records[name]))
        return answer
