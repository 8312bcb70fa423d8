"""The lab's Slack as one server on loopback, with a second door for an app that is elsewhere."""

import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web

from lab.slack.acts import Acts
from lab.slack.control import Control
from lab.slack.control_faults import FaultControl
from lab.slack.control_wire import refusing
from lab.slack.control_workspace import WorkspaceControl
from lab.slack.directory import Administration
from lab.slack.events import Events
from lab.slack.replies import handle_response_url
from lab.slack.settings import SlackSettings
from lab.slack.state import Slack
from lab.slack.web_api import WebApi
from lab.slack.workspace import CHANNELS, COMMANDS, PEOPLE, USER_GROUPS, Channel, Person, UserGroup

PAGE = Path(__file__).with_name("page")
UPLOAD_BYTES = 64 * 1024 * 1024
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
_PAGE_POLICY = "default-src 'self'; img-src 'self' data: http: https:; style-src 'self' 'unsafe-inline'"


class SlackApi:
    """A workspace with its Web API, Socket Mode, page and control API.

    A client of it: `WebClient(token=slack.bot_token, base_url=slack.api_url)`, and
    `SocketModeHandler(app, slack.app_token)`.
    """

    def __init__(
        self,
        people: Iterable[Person] = PEOPLE,
        channels: Iterable[Channel] = CHANNELS,
        commands: Iterable[str] = COMMANDS,
        settings: SlackSettings | None = None,
        user_groups: Iterable[UserGroup] = USER_GROUPS,
    ) -> None:
        self.settings = settings or SlackSettings()
        self._slack = Slack.new(people, channels, user_groups, commands, self.settings)
        self._events = Events(self._slack.socket, self.settings.event_subscriptions, self.settings.event_retry_seconds)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Of the page; empty before `start`."""
        return self._slack.base_url

    @property
    def api_url(self) -> str:
        """The SDK's `base_url`."""
        return f"{self._slack.app_url}/api/"

    @property
    def bot_token(self) -> str:
        return self.settings.bot_token

    @property
    def app_token(self) -> str:
        return self.settings.app_token

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, on a free port where none is named; returns the page's address."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound_host, bound_port = self._runner.addresses[0][:2]
        self._slack.base_url = self._slack.app_url = f"http://{bound_host}:{bound_port}"
        return self.url

    async def open(self, door: socket.socket) -> None:
        """Listen at another door as well: an app is told from now on that Slack is there, and people are not."""
        assert self._runner is not None  # noqa: S101 - started before
        await web.SockSite(self._runner, door).start()
        host, port = door.getsockname()[:2]
        self._slack.app_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        self._slack.feed.close()
        await self._events.stop()
        await self._slack.socket.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=UPLOAD_BYTES)
        controls = (
            Control(self._slack, Acts(self._slack, self._events)),
            FaultControl(self._slack),
            WorkspaceControl(Administration(self._slack, self._events)),
        )
        application.add_routes(
            [
                web.post("/api/{method}", WebApi(self._slack).handle),
                web.get("/link/", self._slack.socket.handle),
                web.post("/response/{key}", self._response_url),
                web.post("/upload/v1/{file}", refusing(self._upload)),
                web.get("/files/{file}", refusing(self._download)),
                *(route for control in controls for route in control.routes()),
                web.get("/archives/{channel}/p{digits}", self._permalink),
                web.get("/", self._page),
                web.static("/page", PAGE),
            ]
        )
        return application

    async def _page(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": _PAGE_POLICY})

    async def _permalink(self, request: web.Request) -> web.Response:
        """The page, where the message is."""
        digits, thread = request.match_info["digits"], request.query.get("thread_ts")
        where = {"in": request.match_info["channel"], "ts": f"{digits[:-6]}.{digits[-6:]}"}
        raise web.HTTPFound(f"/#{urlencode(where | ({'thread': thread} if thread else {}))}")

    async def _response_url(self, request: web.Request) -> web.Response:
        return await handle_response_url(self._slack, request)

    async def _upload(self, request: web.Request) -> web.Response:
        data = await request.read()
        self._slack.files.receive(request.match_info["file"], data)
        return web.Response(text=f"OK - {len(data)}")

    async def _download(self, request: web.Request) -> web.Response:
        """Pictures are shown, text is read as text, anything else is kept as a file; nothing runs as a page."""
        file = self._slack.files.find(request.match_info["file"])
        kind = file.content_type
        shown = kind if kind in _PICTURES else "text/plain" if kind.startswith("text/") else None
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
        if shown is None:
            headers["Content-Disposition"] = "attachment"
        return web.Response(body=file.data, content_type=shown or "application/octet-stream", headers=headers)
