"""A web server that misbehaves as it is told, for clients that have to notice."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import WSMsgType, web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadServer:
    """Serves `/` and `/ws` on loopback while its `with` block runs; by https with `tls`."""

    def __init__(self, answer: Answer, socket: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._app = web.Application()
        self._app.router.add_get("/", answer)
        self._app.router.add_get("/ws", socket)
        self._runner = web.AppRunner(self._app, shutdown_timeout=0.1)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


def transport_of(request: web.Request) -> asyncio.Transport:
    """The connection that a request came on."""
    assert isinstance(request.transport, asyncio.Transport)
    return request.transport


async def _until_gone(request: web.Request) -> None:
    while request.transport is not None:
        await asyncio.sleep(0.02)


async def well(request: web.Request) -> web.StreamResponse:
    return web.Response(text="app first\n")


async def unavailable(request: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


async def silent(request: web.Request) -> web.StreamResponse:
    await _until_gone(request)
    return web.Response()


async def closing(request: web.Request) -> web.StreamResponse:
    """Close before one byte was said."""
    transport_of(request).close()
    return web.Response()


async def breaking(request: web.Request) -> web.StreamResponse:
    """Close in the middle of the body."""
    answer = web.StreamResponse(headers={"Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b"app fi")
    transport_of(request).close()
    return answer


async def impatient(request: web.Request) -> web.StreamResponse:
    """Answer well, and close the kept connection once the whole answer is on its way."""
    answer = web.Response(text="app first\n")
    await answer.prepare(request)
    await answer.write_eof()
    transport_of(request).close()
    return answer


async def echoing(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("app first")
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


async def saying_goodbye(request: web.Request) -> web.StreamResponse:
    """Close in order after the first echo."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("app first")
    await socket.send_str(await socket.receive_str())
    await socket.close(code=1001)
    return socket


async def cutting(request: web.Request) -> web.StreamResponse:
    """Cut off after the first echo."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("app first")
    await socket.send_str(await socket.receive_str())
    transport_of(request).abort()
    return socket


async def deaf(request: web.Request) -> web.StreamResponse:
    """Greet, and never echo."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("app first")
    await _until_gone(request)
    return socket


async def mute(request: web.Request) -> web.StreamResponse:
    """Never greet."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await _until_gone(request)
    return socket
