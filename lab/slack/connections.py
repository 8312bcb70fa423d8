"""One WebSocket of the app: pings, what it may still be sent, and how it ends."""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from lab.slack.wire import Json

PING_SECONDS = 30.0


@dataclass(eq=False)
class Connection:
    """`deaf`: it stays open and nothing comes out of it any more, not even an answer to a ping;
    `retiring`: it was told to go, and gets envelopes only where no other is there; `remote`: the address it is
    from."""

    number: int
    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    remote: str = ""
    retiring: bool = False
    deaf: bool = False
    heard_at: float = field(default_factory=time.monotonic)

    async def send(self, frame: str) -> None:
        """Into the void where the connection is deaf: Slack does not know it."""
        if not self.deaf:
            await self.socket.send_str(frame)

    async def pong(self, data: bytes) -> None:
        if not self.deaf:
            await self.socket.pong(data)

    async def say_disconnect(self, reason: str) -> None:
        await self.send(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-lab"}}))

    def drop(self) -> None:
        """End it without a closing handshake, as a broken network does."""
        if self.transport is not None:
            self.transport.abort()

    async def keep_alive(self) -> None:
        """Ping now and then, and drop a peer from which nothing came since the last ping."""
        with suppress(ConnectionError):
            while True:
                pinged_at = time.monotonic()
                if not self.deaf:
                    await self.socket.ping()
                await asyncio.sleep(PING_SECONDS)
                if self.heard_at < pinged_at and not self.deaf:
                    self.drop()

    def wire(self) -> Json:
        return {"connection": self.number, "from": self.remote, "retiring": self.retiring, "deaf": self.deaf}
