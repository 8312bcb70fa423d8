"""Socket Mode: WebSocket connections of the app, envelopes to it, acknowledgements from it."""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field

import structlog
from aiohttp import WSMsgType, web

from lab.slack.feed import Feed
from lab.slack.wire import Json, RefusedError, new_id
from lab.slack.workspace import APP_ID

log = structlog.get_logger(__name__)

WARNING_SECONDS = 10.0
REFRESH_SECONDS = 0.5
PING_SECONDS = 30.0


@dataclass(frozen=True)
class Envelope:
    kind: str
    payload: Json
    wants_payload: bool = False
    retry_attempt: int | None = None
    retry_reason: str | None = None
    id: str = field(default_factory=lambda: new_id("", 20).lower())

    def wire(self) -> str:
        frame: Json = {
            "type": self.kind,
            "envelope_id": self.id,
            "payload": self.payload,
            "accepts_response_payload": self.wants_payload,
        }
        if self.kind == "events_api":
            frame |= {"retry_attempt": self.retry_attempt or 0, "retry_reason": self.retry_reason or ""}
        return json.dumps(frame)


@dataclass(frozen=True)
class Delivery:
    """How an envelope fared: acknowledged with a payload or none, or Slack's word for why not."""

    payload: Json | None = None
    error: str | None = None

    @property
    def acknowledged(self) -> bool:
        return self.error is None


@dataclass(eq=False)
class _Connection:
    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    retiring: bool = False

    def drop(self) -> None:
        """End it without a closing handshake, as a broken network does."""
        if self.transport is not None:
            self.transport.abort()


class SocketMode:
    def __init__(self, ack_seconds: float, most_connections: int, feed: Feed) -> None:
        self._feed = feed
        self._ack_seconds = ack_seconds
        self._most = most_connections
        self._connections: list[_Connection] = []
        self._tickets: set[str] = set()
        self._turn = itertools.count()
        self._waiting: dict[str, asyncio.Future[Json | None]] = {}
        self._duplicates = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._connections)

    def ticket(self) -> str:
        """A path that one WebSocket may connect to (apps.connections.open)."""
        if len(self._connections) >= self._most:
            raise RefusedError("too_many_websockets")
        ticket = new_id("", 32)
        self._tickets.add(ticket)
        return f"/link/?ticket={ticket}&app_id={APP_ID}"

    def duplicate_next(self, envelopes: int) -> None:
        self._duplicates = envelopes

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET /link/: one connection, until either side closes it."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="unknown or used ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        connection = _Connection(socket, request.transport)
        self._connections.append(connection)
        self._tell()
        try:
            await socket.send_str(self._hello())
            async for frame in socket:
                if frame.type == WSMsgType.TEXT:
                    self._receive(frame.data)
        finally:
            self._connections.remove(connection)
            self._tell()
        return socket

    def _tell(self) -> None:
        self._feed.publish({"type": "connections", "connections": len(self._connections)})

    def _hello(self) -> str:
        return json.dumps(
            {
                "type": "hello",
                "num_connections": len(self._connections),
                "connection_info": {"app_id": APP_ID},
                "debug_info": {
                    "host": "applink-lab",
                    "started": time.strftime("%Y-%m-%d %H:%M:%S"),
                    "build_number": 1,
                    "approximate_connection_time": 18_060,
                },
            }
        )

    def _receive(self, text: str) -> None:
        try:
            frame = json.loads(text)
            envelope_id, payload = frame["envelope_id"], frame.get("payload")
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("slack.socket.unreadable_frame", frame=text[:200])
            return
        waiting = self._waiting.get(envelope_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(payload if isinstance(payload, dict) else None)

    async def deliver(self, envelope: Envelope) -> Delivery:
        """Send to one connection and wait for the acknowledgement, from whichever connection it comes."""
        connection = self._next_connection()
        if connection is None:
            return Delivery(error="dispatch_failed")
        waiting: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope.id] = waiting
        try:
            await connection.socket.send_str(envelope.wire())
            if self._duplicates > 0:
                self._duplicates -= 1
                again = self._next_connection() or connection
                await again.socket.send_str(envelope.wire())
            return Delivery(payload=await asyncio.wait_for(waiting, self._ack_seconds))
        except TimeoutError:
            return Delivery(error="operation_timeout")
        except ConnectionError:
            return Delivery(error="dispatch_failed")
        finally:
            del self._waiting[envelope.id]

    def _next_connection(self) -> _Connection | None:
        live = [c for c in self._connections if not c.socket.closed]
        preferred = [c for c in live if not c.retiring] or live
        return preferred[next(self._turn) % len(preferred)] if preferred else None

    async def disconnect(self, reason: str) -> int:
        """Tell every connection to go, as Slack does before it closes; `abort` drops them without a word.

        `warning` leaves about ten seconds, `refresh_requested` closes at once.
        """
        connections = list(self._connections)
        for connection in connections:
            connection.retiring = True
            if reason == "abort":
                connection.drop()
                continue
            frame = {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-lab"}}
            await connection.socket.send_str(json.dumps(frame))
            self._later(WARNING_SECONDS if reason == "warning" else REFRESH_SECONDS, connection)
        return len(connections)

    def _later(self, seconds: float, connection: _Connection) -> None:
        async def close() -> None:
            await asyncio.sleep(seconds)
            await connection.socket.close()

        task = asyncio.create_task(close())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._connections):
            connection.drop()
