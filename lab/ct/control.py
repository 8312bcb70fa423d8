"""The lab's own door to the logs, under /lab: feed them, plan faults, have a rogue certificate issued."""

from aiohttp import web
from cryptography import x509

from lab.cloud.bodies import Body, read_body
from lab.cloud.errors import invalid_input
from lab.cloud.request_log import RequestLog
from lab.ct.authority import rogue
from lab.ct.faults import Fault, Faults
from lab.ct.log import Entry, Log
from lab.ct.wire import serial_hex
from lab.errors import LabError


class Pem(Body):
    """One certificate."""

    certificate: str


class Names(Body):
    names: list[str]


class Control:
    def __init__(self, log: Log, faults: Faults, requests: RequestLog) -> None:
        self._log = log
        self._faults = faults
        self._requests = requests
        self._rogue = rogue()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/certificates", self.log),
            web.post("/rogue", self.log_rogue),
            web.get("/faults", self.list_faults),
            web.post("/faults", self.plan_fault),
            web.delete("/faults", self.clear_faults),
            web.get("/requests", self.list_requests),
            web.delete("/requests", self.clear_requests),
        ]

    def issue_rogue(self, *names: str) -> x509.Certificate:
        """A certificate by an authority that nobody asked, in the log."""
        return self._log.log(self._rogue.issue(names)).certificate

    async def log(self, request: web.Request) -> web.Response:
        body = await read_body(request, Pem)
        try:
            return _logged(self._log.log(body.certificate))
        except LabError as error:
            raise invalid_input("certificate", str(error)) from None

    async def log_rogue(self, request: web.Request) -> web.Response:
        names = (await read_body(request, Names)).names
        if not names:
            raise invalid_input("names", "a certificate needs a name")
        return _logged(self._log.log(self._rogue.issue(names)))

    async def list_faults(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": [fault.model_dump() for fault in self._faults.planned()]})

    async def plan_fault(self, request: web.Request) -> web.Response:
        self._faults.plan(await read_body(request, Fault))
        return web.Response(status=204)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def list_requests(self, _: web.Request) -> web.Response:
        return web.json_response({"requests": self._requests.view()})

    async def clear_requests(self, _: web.Request) -> web.Response:
        self._requests.requests.clear()
        return web.Response(status=204)


def _logged(entry: Entry) -> web.Response:
    return web.json_response({"id": entry.id, "serial_number": serial_hex(entry.certificate.serial_number)}, status=201)
