"""The door of the lab's logs: the aiohttp application, and starting and stopping it."""

import socket

from aiohttp import web
from aiohttp.typedefs import Handler
from cryptography import x509

from lab.cloud.middleware import errors
from lab.cloud.request_log import RequestLog
from lab.ct.certspotter import CertSpotter
from lab.ct.control import Control
from lab.ct.crtsh import CrtSh
from lab.ct.failing import failing
from lab.ct.faults import Faults
from lab.ct.log import Log
from lab.ct.settings import CtSettings

CONTROL_PATH = "/lab"


class CtApi:
    """One log, that crt.sh and Cert Spotter answer from; both have the address that `start` returns."""

    def __init__(self, settings: CtSettings | None = None) -> None:
        self.faults = Faults()
        self.requests = RequestLog()
        self._log = Log()
        self._control = Control(self._log, self.faults, self.requests)
        self._crtsh = CrtSh(self._log)
        self._certspotter = CertSpotter(self._log, settings or CtSettings())
        self._runner: web.AppRunner | None = None

    def log(self, certificate: x509.Certificate | bytes | str) -> None:
        """Make a certificate, an object or PEM, known to the world. Raises LabError for what is none."""
        self._log.log(certificate)

    def issue_rogue(self, *names: str) -> x509.Certificate:
        """Have another authority issue a certificate for these names, and log it."""
        return self._control.issue_rogue(*names)

    def app(self) -> web.Application:
        control = web.Application(middlewares=[errors])
        control.add_routes(self._control.routes())
        app = web.Application(middlewares=[self._logging])
        app.add_subapp(CONTROL_PATH, control)
        app.add_routes(
            [
                web.get("/", failing("crt.sh", self.faults, self._crtsh.search)),
                web.get("/v1/issuances", failing("certspotter", self.faults, self._certspotter.issuances)),
            ]
        )
        return app

    async def start(self, door: socket.socket | None = None) -> str:
        """Listen at a door, or on loopback at a free port, and return the address of both services."""
        door = door or socket.create_server(("127.0.0.1", 0))
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        await web.SockSite(self._runner, door).start()
        host, port = door.getsockname()[:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _logging(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(f"{CONTROL_PATH}/"):
            return await handler(request)
        status = 0
        try:
            response = await handler(request)
            status = response.status
        finally:
            # 0 for whoever did not wait for it.
            self.requests.add(request.method, request.path, request.query_string, status)
        return response
