"""/lab/…: how a test makes Slack fail, and reads what became of every envelope."""

from typing import Literal

from aiohttp import web
from pydantic import Field

from lab.slack.calls import Fault
from lab.slack.control_wire import Body, body, gets, posts
from lab.slack.state import Slack


class FaultOrder(Body):
    method: str = "*"
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    lose_answer: bool = False
    times: int = 1


class Disconnect(Body):
    reason: Literal["warning", "refresh_requested", "link_disabled", "abort"] = "refresh_requested"
    connection: int | None = None


class Next(Body):
    next: int = Field(ge=0)


class Reorder(Next):
    twice: bool = False
    seed: int = 0
    seconds: float = 5.0


class Late(Next):
    seconds: float = Field(gt=0)
    what: Literal["envelope", "acknowledgement"] = "acknowledgement"


class Deaf(Body):
    connection: int | None = None
    deaf: bool = True


class FaultControl:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._socket = slack.socket

    def routes(self) -> list[web.RouteDef]:
        return [
            *gets({"envelopes": self.envelopes, "connections": self.connections}),
            *posts(
                {
                    "fault": self.fault,
                    "disconnect": self.disconnect,
                    "duplicate": self.duplicate,
                    "reorder": self.reorder,
                    "late": self.late,
                    "deaf": self.deaf,
                    "cut": self.cut,
                }
            ),
        ]

    async def envelopes(self, request: web.Request) -> web.Response:
        """Oldest first, of one `kind` where wished; times are seconds since 1970."""
        kind = request.query.get("kind")
        fates = [fate.wire() for fate in self._socket.envelopes.all() if kind in (None, fate.kind)]
        return web.json_response({"envelopes": fates})

    async def connections(self, _request: web.Request) -> web.Response:
        return web.json_response({"connections": [connection.wire() for connection in self._socket.all()]})

    async def fault(self, request: web.Request) -> web.Response:
        """`times` 0 clears what is still waiting."""
        order = await body(request, FaultOrder)
        if order.times == 0:
            self._slack.faults.clear()
        fault = Fault(order.method, order.error, order.status, order.retry_after, order.lose_answer)
        self._slack.faults.add(fault, order.times)
        return web.json_response({})

    async def disconnect(self, request: web.Request) -> web.Response:
        """One connection or all of them."""
        order = await body(request, Disconnect)
        return web.json_response({"connections": await self._socket.disconnect(order.reason, order.connection)})

    async def duplicate(self, request: web.Request) -> web.Response:
        """The next envelopes are sent twice."""
        self._socket.duplicate_next((await body(request, Next)).next)
        return web.json_response({})

    async def reorder(self, request: web.Request) -> web.Response:
        """The next envelopes are held back until all are there (`seconds` at most), then sent shuffled by `seed`;
        `twice`: about every second one again. `next` 0 sends what is held."""
        order = await body(request, Reorder)
        await self._socket.shuffle_next(order.next, twice=order.twice, seed=order.seed, seconds=order.seconds)
        return web.json_response({})

    async def late(self, request: web.Request) -> web.Response:
        """The next envelopes reach the app, or the next acknowledgements reach Slack, `seconds` late.

        Slack's deadline counts from when the person acted: beyond it they see the failure, and what is
        acknowledged then changes nothing.
        """
        order = await body(request, Late)
        self._socket.late_next(order.next, order.seconds, acks=order.what == "acknowledgement")
        return web.json_response({})

    async def deaf(self, request: web.Request) -> web.Response:
        """A connection (or all) stays open and says nothing any more, not even pong, until it is released with
        `deaf` false or dropped. What Slack sends there meanwhile is lost."""
        order = await body(request, Deaf)
        return web.json_response({"connections": self._socket.deafen(order.connection, deaf=order.deaf)})

    async def cut(self, request: web.Request) -> web.Response:
        """The next envelopes reach the app; their connection breaks before the acknowledgement is read."""
        self._socket.cut_next((await body(request, Next)).next)
        return web.json_response({})
