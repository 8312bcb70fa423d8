"""POST /api/<method>: token, limits, faults, the method, the log."""

import json

from aiohttp import web

from lab.slack.calls import Fault
from lab.slack.methods import chat, conversations, files, people, views
from lab.slack.methods.method import Args, Method
from lab.slack.settings import SlackSettings
from lab.slack.state import Slack
from lab.slack.wire import Json, RefusedError

METHODS: dict[str, Method] = {
    method.name: method for group in (chat, conversations, files, people, views) for method in group.METHODS
}


class WebApi:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            values = await _arguments(request)
            fault = self._slack.faults.next(name)
            body = self._answer(name, values, _token(request, values), fault)
        except RefusedError as refused:
            self._slack.calls.add(name, {}, refused.error)
            return _refusal(refused)
        if fault is not None and fault.lose_answer and request.transport is not None:
            request.transport.abort()
        return web.json_response(body) if isinstance(body, dict) else body

    def _answer(self, name: str, values: Json, token: str, fault: Fault | None) -> Json | web.Response:
        try:
            if fault is not None and not fault.lose_answer:
                return self._failed(name, values, fault)
            body = self._call(name, Args(values), token)
        except RefusedError as refused:
            self._slack.calls.add(name, values, refused.error)
            return _refusal(refused)
        self._slack.calls.add(name, values, None)
        return body

    def _call(self, name: str, args: Args, token: str) -> Json:
        method = METHODS.get(name)
        if method is None:
            raise RefusedError("unknown_method")
        _authorise(method, token, self._slack.settings)
        wait = self._slack.limiter.method(name, method.tier) if method.tier else 0
        if wait:
            raise RefusedError("ratelimited", retry_after=wait)
        return method.call(self._slack, args)

    def _failed(self, name: str, values: Json, fault: Fault) -> web.Response:
        if fault.status is not None and fault.status != 429:
            self._slack.calls.add(name, values, f"http_{fault.status}")
            return web.Response(status=fault.status, text="<html>the lab was told to fail</html>")
        limited = fault.status == 429 or fault.retry_after is not None
        raise RefusedError(
            "ratelimited" if limited else fault.error or "internal_error",
            retry_after=(fault.retry_after or 1) if limited else None,
        )


def _refusal(refused: RefusedError) -> web.Response:
    if refused.retry_after is None:
        return web.json_response(refused.body())
    return web.json_response(refused.body(), status=429, headers={"Retry-After": str(refused.retry_after)})


def _authorise(method: Method, token: str, settings: SlackSettings) -> None:
    if method.name == "api.test":
        return
    if not token:
        raise RefusedError("not_authed")
    if token not in (settings.bot_token, settings.app_token):
        raise RefusedError("invalid_auth")
    if token != (settings.app_token if method.identity == "app" else settings.bot_token):
        raise RefusedError("not_allowed_token_type")


def _token(request: web.Request, values: Json) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else str(values.get("token") or "")


async def _arguments(request: web.Request) -> Json:
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise RefusedError("invalid_json") from None
        if not isinstance(body, dict):
            raise RefusedError("json_not_object")
        return body | dict(request.query)
    form = await request.post()
    return {name: value for name, value in form.items() if isinstance(value, str)} | dict(request.query)
