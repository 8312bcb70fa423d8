"""/lab/…: what the page and the tests use to read the workspace, to act as a person, and to make Slack fail."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.slack.acts import Acts, Clicked
from lab.slack.calls import Fault
from lab.slack.conversations import direct_id
from lab.slack.state import Slack, page_message
from lab.slack.wire import RefusedError
from lab.slack.workspace import BOT_NAME, BOT_USER_ID, SLACKBOT_ID, TEAM_NAME

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


B = TypeVar("B", bound=_Body)


class Line(_Body):
    person: str
    channel: str
    text: str
    thread_ts: str | None = None


class Click(_Body):
    person: str
    action_id: str
    block_id: str = ""
    channel: str = ""
    ts: str = ""
    view_id: str = ""
    value: str | list[str] | None = None


class Submission(_Body):
    person: str
    view_id: str
    values: dict[str, str | list[str] | None] = Field(default_factory=dict)


class Closing(_Body):
    person: str
    view_id: str
    clear: bool = False


class Suggestion(_Body):
    person: str
    view_id: str
    action_id: str
    value: str = ""


class Home(_Body):
    person: str


class Disconnect(_Body):
    reason: Literal["warning", "refresh_requested", "link_disabled", "abort"] = "refresh_requested"


class FaultOrder(_Body):
    method: str = "*"
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    lose_answer: bool = False
    times: int = 1


class Duplicate(_Body):
    next: int


class Control:
    def __init__(self, slack: Slack, acts: Acts) -> None:
        self._slack = slack
        self._acts = acts

    def routes(self) -> list[web.RouteDef]:
        reads = {
            "workspace": self.workspace,
            "messages": self.messages,
            "views": self.views,
            "calls": self.calls,
            "events": self.events,
        }
        acts = {
            "command": self.line,
            "message": self.line,
            "click": self.click,
            "submit": self.submit,
            "close": self.close,
            "suggest": self.suggest,
            "home": self.home,
            "disconnect": self.disconnect,
            "fault": self.fault,
            "duplicate": self.duplicate,
        }
        return [
            *(web.get(f"/lab/{name}", refusing(handler)) for name, handler in reads.items()),
            *(web.post(f"/lab/{name}", refusing(handler)) for name, handler in acts.items()),
        ]

    async def workspace(self, _request: web.Request) -> web.Response:
        """People, channels, the app: what does not change while the page is open."""
        slack = self._slack
        people = [
            {"id": p.id, "name": p.name, "real_name": p.real_name, "colour": p.colour, "direct": direct_id(p.id)}
            for p in slack.people.values()
        ]
        channels = [
            {"id": c.id, "name": c.name, "topic": c.topic, "members": len(c.members)}
            for c in slack.conversations.all()
            if c.direct_with is None
        ]
        return web.json_response(
            {
                "team": TEAM_NAME,
                "people": people,
                "channels": channels,
                "app": {"id": BOT_USER_ID, "name": BOT_NAME},
                "slackbot": SLACKBOT_ID,
                "groups": [{"id": group.id, "handle": group.handle} for group in slack.user_groups],
                "commands": slack.commands,
                "connections": slack.socket.connections,
            }
        )

    async def messages(self, request: web.Request) -> web.Response:
        """Oldest first. `channel`, and where wished `thread_ts`, and `person` to hide what is not for them."""
        channel = request.query.get("channel", "")
        thread_ts, person = request.query.get("thread_ts"), request.query.get("person")
        wanted = [
            message
            for message in self._slack.conversations.find(channel).messages.values()
            if (thread_ts is None or thread_ts in (message.ts, message.thread_ts))
            and (person is None or message.ephemeral_to in (None, person))
        ]
        return web.json_response({"messages": [page_message(message) for message in wanted]})

    async def views(self, request: web.Request) -> web.Response:
        person = self._slack.person(request.query.get("person", "")).id
        home = self._slack.views.home(person)
        modals = [view.wire() for view in self._slack.views.stack(person)]
        return web.json_response({"modals": modals, "home": home.wire() if home else None})

    async def calls(self, request: web.Request) -> web.Response:
        calls = self._slack.calls.all(request.query.get("method"))
        return web.json_response({"calls": [call.wire() for call in calls]})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: every change, as it happens."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        with suppress(ConnectionResetError):  # the page was closed
            await response.write(b": listening\n\n")
            async for event in self._slack.feed.listen():
                await response.write(f"data: {json.dumps(event)}\n\n".encode())
        return response

    async def line(self, request: web.Request) -> web.Response:
        line = await _body(request, Line)
        return web.json_response(await self._acts.type_line(line.person, line.channel, line.text, line.thread_ts))

    async def click(self, request: web.Request) -> web.Response:
        click = await _body(request, Click)
        clicked = Clicked(click.action_id, click.block_id, click.channel, click.ts, click.view_id, click.value)
        return web.json_response(await self._acts.click(click.person, clicked))

    async def submit(self, request: web.Request) -> web.Response:
        submission = await _body(request, Submission)
        values = submission.values
        return web.json_response(await self._acts.submit(submission.person, submission.view_id, values))

    async def close(self, request: web.Request) -> web.Response:
        closing = await _body(request, Closing)
        await self._acts.close(closing.person, closing.view_id, clear=closing.clear)
        return web.json_response({})

    async def suggest(self, request: web.Request) -> web.Response:
        asked = await _body(request, Suggestion)
        options = await self._acts.suggest(asked.person, asked.view_id, asked.action_id, asked.value)
        return web.json_response({"options": options})

    async def home(self, request: web.Request) -> web.Response:
        self._acts.open_home((await _body(request, Home)).person)
        return web.json_response({})

    async def disconnect(self, request: web.Request) -> web.Response:
        reason = (await _body(request, Disconnect)).reason
        return web.json_response({"connections": await self._slack.socket.disconnect(reason)})

    async def fault(self, request: web.Request) -> web.Response:
        """`times` 0 clears what is still waiting."""
        order = await _body(request, FaultOrder)
        if order.times == 0:
            self._slack.faults.clear()
        fault = Fault(order.method, order.error, order.status, order.retry_after, order.lose_answer)
        self._slack.faults.add(fault, order.times)
        return web.json_response({})

    async def duplicate(self, request: web.Request) -> web.Response:
        self._slack.socket.duplicate_next((await _body(request, Duplicate)).next)
        return web.json_response({})


async def _body(request: web.Request, model: type[B]) -> B:
    return model.model_validate_json(await request.text())


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
