"""What every request passes: the log, the errors' wording, the token, the rate limit, the planned faults."""

import asyncio
import hmac
import secrets

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from lab.cloud.errors import ApiError
from lab.cloud.faults import Faults
from lab.cloud.rate_limit import RateLimit
from lab.cloud.request_log import RequestLog

log = structlog.get_logger()

BASE_PATH = "/v1"


def api_path(request: web.Request) -> str:
    return request.path.removeprefix(BASE_PATH)


def logging(requests: RequestLog) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        gone = request.transport is None or request.transport.is_closing()
        requests.add(request.method, api_path(request), request.query_string, 0 if gone else response.status)
        return response

    return middleware


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except ApiError as error:
        response = error.response()
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        response = ApiError("not_found", f"there is no {request.method} {request.path}").response()
    except web.HTTPRequestEntityTooLarge:
        response = ApiError("invalid_input", "the request body is too large").response()
    except Exception:
        log.exception("cloud request failed", method=request.method, path=request.path)
        response = ApiError("server_error", "an unexpected error occurred").response()
    response.headers["X-Correlation-Id"] = secrets.token_hex(8)
    return response


def authentication(token: str) -> Middleware:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, expected):
            raise ApiError("unauthorized", "the token you have provided is invalid")
        return await handler(request)

    return middleware


def rate_limiting(limit: RateLimit) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if limit.spend():
            try:
                response = await handler(request)
            except ApiError as error:
                response = error.response()
        else:
            response = ApiError("rate_limit_exceeded", "limit of requests per hour reached").response()
        response.headers.update(limit.headers())
        return response

    return middleware


def fault_injection(faults: Faults) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = faults.take(request.method, api_path(request))
        if fault is None:
            return await handler(request)
        if fault.kind == "error":
            raise fault.error()
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        response = await handler(request)
        if request.transport is not None:
            request.transport.abort()
        return response

    return middleware
