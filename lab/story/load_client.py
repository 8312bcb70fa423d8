"""The process that makes the load: `python -m lab.story.load_client '{"address": …}'`, until SIGTERM.

Requests and websockets are written to standard output, each when it has ended.
"""

import asyncio
import contextlib
import json
import signal
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from lab.story.load_http import HttpConnection, KeptConnection, NoAnswerError, To
from lab.story.load_records import Kind, Record, Request, Socket, SocketEnd, line_of

PING_SECONDS = 1.0


ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Orders:
    """Whom to ask, by how many users of each kind, how long each rests, and how many seconds an answer may take.

    With `root`, a file of the authority to trust, they ask by https.
    """

    address: str
    host: str
    port: int = 80
    root: str = ""
    path: str = "/"
    socket_path: str = "/ws"
    kept: int = 6
    short: int = 3
    websockets: int = 4
    pause: float = 0.03
    within: float = ANSWER_SECONDS


class Client:
    """Users of all kinds, side by side, until told to stop."""

    def __init__(self, orders: Orders, write: Callable[[Record], None]) -> None:
        self._orders = orders
        self._write = write
        self._over = asyncio.Event()
        self._tls = ssl.create_default_context(cafile=orders.root) if orders.root else None
        self._to = To(orders.address, orders.port, orders.within, orders.host, self._tls)
        self._request = f"GET {orders.path} HTTP/1.1\r\nHost: {orders.host}\r\n\r\n".encode()
        self._last_request = self._request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    def stop(self) -> None:
        """What is under way is waited for, nothing new begun."""
        self._over.set()

    async def run(self) -> None:
        """Ask until stopped."""
        orders = self._orders
        no_limit = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(timeout=no_limit) as session, asyncio.TaskGroup() as users:
            for _ in range(orders.kept):
                users.create_task(self._kept())
            for _ in range(orders.short):
                users.create_task(self._short())
            for _ in range(orders.websockets):
                users.create_task(self._websockets(session))

    async def _kept(self) -> None:
        connection = KeptConnection(self._to)
        while not self._over.is_set():
            began = time.time()
            try:
                answer = await connection.ask(self._request)
            except NoAnswerError as error:
                self._failed("kept", began, error.reason, connection.again)
            else:
                self._write(Request("kept", began, time.time(), answer, again=connection.again))
            await self._rest()
        connection.close()

    async def _short(self) -> None:
        while not self._over.is_set():
            began = time.time()
            try:
                connection = await HttpConnection.open(self._to)
                answer = await connection.ask(self._last_request)
                connection.close()
            except NoAnswerError as error:
                self._failed("short", began, error.reason)
            else:
                self._write(Request("short", began, time.time(), answer))
            await self._rest()

    async def _websockets(self, session: aiohttp.ClientSession) -> None:
        while not self._over.is_set():
            began = time.time()
            try:
                websocket, greeting = await self._open_websocket(session)
            except NoAnswerError as error:
                self._failed("websocket", began, error.reason)
            else:
                opened = time.time()
                self._write(Request("websocket", began, opened, greeting))
                end, reason = await self._live(websocket)
                self._write(Socket(opened, time.time(), end, greeting, reason))
                await websocket.close()
            await self._rest()

    async def _open_websocket(self, session: aiohttp.ClientSession) -> tuple[aiohttp.ClientWebSocketResponse, str]:
        """A websocket and the first thing it says. Raises NoAnswerError."""
        orders = self._orders
        url = f"{'wss' if self._tls else 'ws'}://{orders.address}:{orders.port}{orders.socket_path}"
        try:
            async with asyncio.timeout(orders.within):
                websocket = await session.ws_connect(
                    url, headers={"Host": orders.host}, ssl=self._tls or True, server_hostname=orders.host
                )
                greeting = await websocket.receive()
        except TimeoutError:
            raise NoAnswerError(f"no greeting within {orders.within:g} s") from None
        except aiohttp.WSServerHandshakeError as error:
            raise NoAnswerError(f"status {error.status}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswerError(f"no websocket: {error}") from error
        if greeting.type != aiohttp.WSMsgType.TEXT:
            raise NoAnswerError(f"{greeting.type.name} instead of a greeting")
        return websocket, str(greeting.data)

    async def _live(self, websocket: aiohttp.ClientWebSocketResponse) -> tuple[SocketEnd, str]:
        """Ping and rest in turn, until the end of it; who ended it, and why."""
        while not self._over.is_set():
            word = f"ping {time.time()}"
            try:
                await websocket.send_str(word)
                message = await websocket.receive(timeout=self._orders.within)
            except TimeoutError:
                return "cut", f"no echo within {self._orders.within:g} s"
            except OSError as error:
                return "cut", str(error)
            if message.type == aiohttp.WSMsgType.TEXT and message.data == word:
                try:
                    message = await websocket.receive(timeout=PING_SECONDS)
                except TimeoutError:
                    continue
            if message.type == aiohttp.WSMsgType.CLOSE:
                return "closed", str(message.data)
            return "cut", f"{message.type.name} instead of an echo"
        return "ours", ""

    def _failed(self, kind: Kind, began: float, reason: str, again: bool = False) -> None:
        self._write(Request(kind, began, time.time(), failure=reason, again=again))

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), self._orders.pause)


async def main(orders: Orders) -> None:
    """Ask until SIGTERM; whoever started this reads along."""

    def write(record: Record) -> None:
        sys.stdout.write(line_of(record))
        sys.stdout.flush()

    client = Client(orders, write)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, client.stop)
    await client.run()


if __name__ == "__main__":
    asyncio.run(main(Orders(**json.loads(sys.argv[1]))))
