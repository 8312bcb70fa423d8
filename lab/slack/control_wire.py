"""What every part of the control API shares: bodies that are checked, refusals in a sentence."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from lab.slack.wire import RefusedError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


B = TypeVar("B", bound=Body)


async def body(request: web.Request, model: type[B]) -> B:
    return model.model_validate_json(await request.text())


def posts(handlers: Mapping[str, Handler]) -> list[web.RouteDef]:
    return [web.post(f"/lab/{name}", refusing(handler)) for name, handler in handlers.items()]


def gets(handlers: Mapping[str, Handler]) -> list[web.RouteDef]:
    return [web.get(f"/lab/{name}", refusing(handler)) for name, handler in handlers.items()]


def refusing(handler: Handler) -> Handler:
    """Refusals and bad bodies become status 400 with one sentence in `error`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except RefusedError as refused:
            return web.json_response(refused.body(), status=400)
        except ValidationError as invalid:
            first = invalid.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            return web.json_response({"ok": False, "error": f"{where}: {first['msg']}"}, status=400)

    return handle
