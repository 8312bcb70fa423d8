"""/lab/…: what the page and the tests use to read the workspace and to act as a person."""

import json
from contextlib import suppress
from typing import Literal

from aiohttp import web
from pydantic import Field

from lab.slack.acts import Acts, Clicked
from lab.slack.control_wire import Body, body, gets, posts
from lab.slack.directory import directory
from lab.slack.state import Slack, page_message


class Line(Body):
    person: str
    channel: str
    text: str
    thread_ts: str | None = None


class Click(Body):
    person: str
    action_id: str
    block_id: str = ""
    channel: str = ""
    ts: str = ""
    view_id: str = ""
    value: str | list[str] | None = None
    values: dict[str, str | list[str] | None] = Field(default_factory=dict)


class Submission(Body):
    person: str
    view_id: str
    values: dict[str, str | list[str] | None] = Field(default_factory=dict)


class Closing(Body):
    person: str
    view_id: str
    clear: bool = False


class Suggestion(Body):
    person: str
    view_id: str = ""
    channel: str = ""
    ts: str = ""
    action_id: str
    value: str = ""


class Home(Body):
    person: str
    tab: Literal["home", "messages"] = "home"


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
        }
        return [*gets(reads), *posts(acts)]

    async def workspace(self, _request: web.Request) -> web.Response:
        return web.json_response(directory(self._slack))

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
        line = await body(request, Line)
        return web.json_response(await self._acts.type_line(line.person, line.channel, line.text, line.thread_ts))

    async def click(self, request: web.Request) -> web.Response:
        click = await body(request, Click)
        clicked = Clicked(**click.model_dump(exclude={"person"}))
        return web.json_response(await self._acts.click(click.person, clicked))

    async def submit(self, request: web.Request) -> web.Response:
        submission = await body(request, Submission)
        values = submission.values
        return web.json_response(await self._acts.submit(submission.person, submission.view_id, values))

    async def close(self, request: web.Request) -> web.Response:
        closing = await body(request, Closing)
        await self._acts.close(closing.person, closing.view_id, clear=closing.clear)
        return web.json_response({})

    async def suggest(self, request: web.Request) -> web.Response:
        asked = await body(request, Suggestion)
        where = Clicked(asked.action_id, channel=asked.channel, ts=asked.ts, view_id=asked.view_id)
        return web.json_response(await self._acts.suggest(asked.person, where, asked.value))

    async def home(self, request: web.Request) -> web.Response:
        opened = await body(request, Home)
        self._acts.open_home(opened.person, opened.tab)
        return web.json_response({})
