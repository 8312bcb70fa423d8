"""Socket Mode: WebSocket connections of the app, envelopes to it, acknowledgements from it."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Coroutine

import structlog
from aiohttp import WSMessage, WSMsgType, web

from lab.slack.connections import Connection
from lab.slack.disturbances import Disturbances, Late, Shuffle
from lab.slack.envelopes import Delivery, Envelope, EnvelopeLog, Fate
from lab.slack.feed import Feed
from lab.slack.wire import Json, RefusedError, new_id
from lab.slack.workspace import APP_ID

log = structlog.get_logger(__name__)

WARNING_SECONDS = 10.0
REFRESH_SECONDS = 0.5


class _NoConnectionError(LookupError):
    """No app is there to send to."""


class SocketMode:
    def __init__(self, ack_seconds: float, most_connections: int, feed: Feed) -> None:
        self._feed = feed
        self._ack_seconds = ack_seconds
        self._most = most_connections
        self._connections: list[Connection] = []
        self._tickets: set[str] = set()
        self._numbers = itertools.count(1)
        self._turn = itertools.count()
        self._waiting: dict[str, asyncio.Future[Json | None]] = {}
        self._cut: set[str] = set()
        self._disturbances = Disturbances()
        self._tasks: set[asyncio.Task[None]] = set()
        self.envelopes = EnvelopeLog()

    @property
    def connections(self) -> int:
        return len(self._connections)

    def all(self) -> list[Connection]:
        return list(self._connections)

    def ticket(self) -> str:
        """A path that one WebSocket may connect to (apps.connections.open)."""
        if len(self._connections) >= self._most:
            raise RefusedError("too_many_websockets")
        ticket = new_id("", 32)
        self._tickets.add(ticket)
        return f"/link/?ticket={ticket}&app_id={APP_ID}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET /link/: one connection, until either side closes it."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="unknown or used ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        connection = Connection(next(self._numbers), socket, request.transport, request.remote or "")
        self._connections.append(connection)
        self._tell()
        alive = asyncio.create_task(connection.keep_alive())
        try:
            await connection.send(self._hello())
            async for frame in socket:
                await self._take(connection, frame)
        finally:
            alive.cancel()
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

    async def _take(self, connection: Connection, frame: WSMessage) -> None:
        connection.heard_at = time.monotonic()
        if frame.type == WSMsgType.PING:
            await connection.pong(frame.data)
        elif frame.type == WSMsgType.TEXT:
            self._receive(connection, frame.data)

    def _receive(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
            envelope_id, payload = str(frame["envelope_id"]), frame.get("payload")
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("slack.socket.unreadable_frame", frame=text[:200])
            return
        if envelope_id in self._cut:
            self._cut.discard(envelope_id)
            connection.drop()
            return
        answer = payload if isinstance(payload, dict) else None
        seconds = self._disturbances.late_acks.take()
        if seconds:
            self._start(self._acknowledge_later(seconds, envelope_id, answer))
        else:
            self._acknowledge(envelope_id, answer)

    def _acknowledge(self, envelope_id: str, answer: Json | None) -> None:
        """One that comes too late, or again, changes nothing."""
        self.envelopes.acknowledged(envelope_id)
        waiting = self._waiting.get(envelope_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _acknowledge_later(self, seconds: float, envelope_id: str, answer: Json | None) -> None:
        await asyncio.sleep(seconds)
        self._acknowledge(envelope_id, answer)

    async def deliver(self, envelope: Envelope) -> Delivery:
        """Send to one connection and wait for the acknowledgement, from whichever connection it comes."""
        fate = self.envelopes.begin(envelope)
        waiting: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope.id] = waiting
        try:
            await self._send_somehow(envelope, fate)
            delivery = Delivery(payload=await asyncio.wait_for(waiting, self._ack_seconds))
        except TimeoutError:
            delivery = Delivery(error="operation_timeout")
        except (ConnectionError, _NoConnectionError):
            delivery = Delivery(error="dispatch_failed")
        finally:
            del self._waiting[envelope.id]
        fate.error = delivery.error
        return delivery

    async def _send_somehow(self, envelope: Envelope, fate: Fate) -> None:
        """At once, or as a test ordered it."""
        ordered = self._disturbances

        async def send() -> None:
            await self._send(envelope, fate)

        if ordered.shuffle is not None and ordered.shuffle.left > 0:
            await ordered.shuffle.hold(send)
        elif seconds := ordered.late_envelopes.take():
            self._start(self._send_later(seconds, envelope, fate))
        else:
            await send()
            if ordered.take_duplicate():
                await send()

    async def _send_later(self, seconds: float, envelope: Envelope, fate: Fate) -> None:
        await asyncio.sleep(seconds)
        try:
            await self._send(envelope, fate)
        except (ConnectionError, _NoConnectionError):
            log.info("slack.socket.late_envelope_lost", envelope=envelope.id)

    async def _send(self, envelope: Envelope, fate: Fate) -> None:
        connection = self._next_connection()
        if connection is None:
            raise _NoConnectionError(envelope.id)
        if self._disturbances.take_cut():
            self._cut.add(envelope.id)
        fate.sends.append((connection.number, time.time()))
        await connection.send(envelope.wire())

    def _next_connection(self) -> Connection | None:
        live = [c for c in self._connections if not c.socket.closed]
        preferred = [c for c in live if not c.retiring] or live
        return preferred[next(self._turn) % len(preferred)] if preferred else None

    def duplicate_next(self, envelopes: int) -> None:
        self._disturbances.duplicates = envelopes

    def cut_next(self, envelopes: int) -> None:
        """The next envelopes arrive, and their connection goes before their acknowledgement is read."""
        self._disturbances.cut = envelopes

    async def shuffle_next(self, envelopes: int, *, twice: bool, seed: int, seconds: float) -> None:
        """Hold the next envelopes back until all are there, `seconds` at most; 0 releases those that are held."""
        before = self._disturbances.shuffle
        if before is not None:
            await before.release()
        shuffle = Shuffle(envelopes, twice, random.Random(seed))  # noqa: S311 - an order that can be had again
        self._disturbances.shuffle = shuffle
        self._start(self._release_later(seconds, shuffle))

    @staticmethod
    async def _release_later(seconds: float, shuffle: Shuffle) -> None:
        await asyncio.sleep(seconds)
        await shuffle.release()

    def late_next(self, envelopes: int, seconds: float, *, acks: bool) -> None:
        late = Late(envelopes, seconds)
        if acks:
            self._disturbances.late_acks = late
        else:
            self._disturbances.late_envelopes = late

    def _named(self, number: int | None) -> list[Connection]:
        """That connection, or every one."""
        named = [c for c in self._connections if number in (None, c.number)]
        if number is not None and not named:
            raise RefusedError("connection_not_found")
        return named

    def deafen(self, number: int | None, *, deaf: bool) -> int:
        named = self._named(number)
        for connection in named:
            connection.deaf = deaf
        return len(named)

    async def disconnect(self, reason: str, number: int | None = None) -> int:
        """Tell connections to go, as Slack does before it closes; `abort` drops them without a word.

        `warning` leaves about ten seconds, `refresh_requested` closes at once.
        """
        named = self._named(number)
        for connection in named:
            connection.retiring = True
            if reason == "abort":
                connection.drop()
                continue
            await connection.say_disconnect(reason)
            self._start(_close_later(WARNING_SECONDS if reason == "warning" else REFRESH_SECONDS, connection))
        return len(named)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._connections):
            connection.drop()


async def _close_later(seconds: float, connection: Connection) -> None:
    await asyncio.sleep(seconds)
    await connection.socket.close()
