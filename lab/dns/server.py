"""The name server: UDP and TCP, for as long as the lab is up."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from dns.message import Message
from dns.rdatatype import RdataType

from lab.cloud.entities import Zone
from lab.dns.faults import DnsFault, DnsFaults
from lab.dns.responder import answer, failure, format_error, read, tcp_wire, udp_wire

PORT = 53
_IDLE_SECONDS = 30.0
_REMEMBERED = 10_000
_PORTS_TRIED = 8


@dataclass(frozen=True)
class Asked:
    """A question: the name in small letters without the dot at its end, and the type."""

    name: str
    kind: str


@dataclass(frozen=True)
class Sockets:
    """Both at one address and port."""

    udp: socket.socket
    tcp: socket.socket

    @classmethod
    def bound(cls, address: str, port: int = 0) -> "Sockets":
        """A port that is free for both where none is named. Raises OSError."""
        for _ in range(0 if port else _PORTS_TRIED):
            with contextlib.suppress(OSError):
                return cls._bound(address, 0)
        return cls._bound(address, port)

    @classmethod
    def _bound(cls, address: str, port: int) -> "Sockets":
        tcp = socket.create_server((address, port))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            raise
        return cls(udp, tcp)


class DnsServer:
    """Serves the zones that `zones` has whenever it is asked: there is no copy that could be late."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        self.faults = DnsFaults()
        self.asked: deque[Asked] = deque(maxlen=_REMEMBERED)
        self._zones = zones
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, sockets: Sockets) -> None:
        loop = asyncio.get_running_loop()
        sockets.udp.setblocking(False)
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=sockets.udp)
        self._tcp = await asyncio.start_server(self._serve_connection, sock=sockets.tcp)

    async def stop(self) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def suffering(self, query: Message) -> DnsFault | None:
        """Notes what is asked, and says what was planned for it."""
        if len(query.question) != 1:
            return None
        [question] = query.question
        asked = Asked(question.name.to_text(omit_final_dot=True).lower(), RdataType.to_text(question.rdtype))
        self.asked.append(asked)
        return self.faults.take(asked.name, asked.kind)

    def response(self, query: Message, fault: DnsFault | None) -> Message:
        return failure(query) if fault is not None and fault.kind == "servfail" else answer(query, self._zones)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as one
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            while (wire := await self._answer_by_tcp(reader)) is not None:
                writer.write(wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass  # the client has what it wanted, or is gone
        finally:
            writer.close()

    async def _answer_by_tcp(self, reader: asyncio.StreamReader) -> bytes | None:
        """The next query's answer; None ends the connection."""
        async with asyncio.timeout(_IDLE_SECONDS):
            received = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        query = read(received)
        if query is None:
            error = format_error(received)
            return None if error is None else len(error).to_bytes(2) + error
        fault = self.suffering(query)
        if fault is not None and fault.kind == "silence":
            await reader.read()  # until the client has had enough
            return None
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        return tcp_wire(self.response(query, fault))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own is none by its class.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = read(data)
        if query is None:
            self._send(format_error(data), addr)
            return
        fault = self._server.suffering(query)
        if fault is not None and fault.kind == "slow":
            asyncio.get_running_loop().call_later(fault.seconds, self._reply, query, fault, addr)
        elif fault is None or fault.kind != "silence":
            self._reply(query, fault, addr)

    def _reply(self, query: Message, fault: DnsFault | None, addr: tuple[str, int]) -> None:
        self._send(udp_wire(self._server.response(query, fault), query), addr)

    def _send(self, wire: bytes | None, addr: tuple[str, int]) -> None:
        if wire is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(wire, addr)
