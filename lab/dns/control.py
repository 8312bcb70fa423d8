"""The lab's own door to DNS, beside the cloud's: plan faults, read what was asked."""

from aiohttp import web

from lab.cloud.bodies import read_body
from lab.dns.faults import DnsFault
from lab.dns.server import DnsServer


def control_routes(server: DnsServer) -> list[web.RouteDef]:
    """Under the cloud's `/lab`."""

    async def list_faults(_: web.Request) -> web.Response:
        return web.json_response({"faults": [fault.model_dump() for fault in server.faults.planned()]})

    async def plan_fault(request: web.Request) -> web.Response:
        server.faults.plan(await read_body(request, DnsFault))
        return web.Response(status=204)

    async def clear_faults(_: web.Request) -> web.Response:
        server.faults.clear()
        return web.Response(status=204)

    async def list_queries(_: web.Request) -> web.Response:
        return web.json_response({"queries": [{"name": one.name, "type": one.kind} for one in server.asked]})

    return [
        web.get("/dns/faults", list_faults),
        web.post("/dns/faults", plan_fault),
        web.delete("/dns/faults", clear_faults),
        web.get("/dns/queries", list_queries),
    ]
