"""The lab's own door to the cloud, outside of /v1: plan faults, sell types out, read the request log."""

from aiohttp import web

from lab.cloud.bodies import Body, read_body
from lab.cloud.errors import ApiError
from lab.cloud.faults import Fault, Faults
from lab.cloud.project import Project
from lab.cloud.rate_limit import RateLimit
from lab.cloud.request_log import RequestLog


class ActionFault(Body):
    """The next action of the command ends with this error."""

    command: str
    code: str = "action_failed"
    message: str = "Action failed"


class SoldOut(Body):
    server_type: str
    location: str


class Remaining(Body):
    remaining: int


class Control:
    def __init__(self, project: Project, faults: Faults, requests: RequestLog, limit: RateLimit) -> None:
        self._project = project
        self._faults = faults
        self._requests = requests
        self._limit = limit

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/requests", self.list_requests),
            web.delete("/requests", self.clear_requests),
            web.get("/faults", self.list_faults),
            web.post("/faults", self.plan_fault),
            web.delete("/faults", self.clear_faults),
            web.post("/action_faults", self.plan_action_fault),
            web.post("/sold_out", self.sell_out),
            web.delete("/sold_out", self.restock),
            web.post("/rate_limit", self.set_remaining),
        ]

    async def list_requests(self, _: web.Request) -> web.Response:
        return web.json_response({"requests": self._requests.view()})

    async def clear_requests(self, _: web.Request) -> web.Response:
        self._requests.requests.clear()
        return web.Response(status=204)

    async def list_faults(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": [fault.model_dump() for fault in self._faults.planned()]})

    async def plan_fault(self, request: web.Request) -> web.Response:
        self._faults.plan(await read_body(request, Fault))
        return web.Response(status=204)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def plan_action_fault(self, request: web.Request) -> web.Response:
        fault = await read_body(request, ActionFault)
        self._project.actions.fail_next(fault.command, ApiError(fault.code, fault.message))
        return web.Response(status=204)

    async def sell_out(self, request: web.Request) -> web.Response:
        body = await read_body(request, SoldOut)
        self._project.sold_out.add((body.server_type, body.location))
        return web.Response(status=204)

    async def restock(self, _: web.Request) -> web.Response:
        self._project.sold_out.clear()
        return web.Response(status=204)

    async def set_remaining(self, request: web.Request) -> web.Response:
        self._limit.set_remaining((await read_body(request, Remaining)).remaining)
        return web.Response(status=204)
