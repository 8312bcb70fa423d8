"""Carrying a fault out: it takes the place of an answer, or spoils it."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from lab.ct.faults import Fault, Faults, Service

Handler = Callable[[web.Request], Awaitable[web.Response]]


def page(title: str, status: int, content_type: str = "text/html") -> web.Response:
    """What nginx sends for the server behind it."""
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(status=status, text=text, content_type=content_type)


def failing(service: Service, faults: Faults, handler: Handler) -> Handler:
    """The handler, and before it the faults that are planned for its service."""

    async def answer(request: web.Request) -> web.Response:
        fault = faults.take(service)
        if fault is None:
            return await handler(request)
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        if fault.kind == "cut":
            whole = await handler(request)
            body = whole.body if isinstance(whole.body, bytes) else b""
            return web.Response(body=body[: len(body) // 2], content_type="application/json")
        return _instead(service, fault)

    return answer


def _instead(service: Service, fault: Fault) -> web.Response:
    if fault.kind == "bad_gateway":
        return page("502 Bad Gateway", 502)
    if fault.kind == "empty":
        return web.Response(text="[]", content_type="application/json")
    if fault.kind == "html":
        # crt.sh has promised JSON already when its query fails.
        return page("Sorry, something went wrong", 200, "application/json" if service == "crt.sh" else "text/html")
    return too_many(service, fault.retry_after)


def too_many(service: Service, retry_after: int | None) -> web.Response:
    """429 in the words of the service."""
    if service == "crt.sh":
        response = page("429 Too Many Requests", 429)
    else:
        body = {"code": "rate_limited", "message": "You have exceeded the rate limit of this API"}
        response = web.json_response(body, status=429)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
