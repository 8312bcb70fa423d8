"""Connections that ask as a browser does, and know exactly why an answer did not come."""

import asyncio
import ssl
from dataclasses import dataclass

_MOST_HEAD = 64 * 1024


class NoAnswerError(Exception):
    """A request without a good answer. `silent`: the connection was closed before one byte of an answer came."""

    def __init__(self, reason: str, silent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.silent = silent


@dataclass(frozen=True)
class To:
    """Where a connection goes. With `tls` it is an encrypted one to `host`; everything may take `within` seconds."""

    address: str
    port: int
    within: float
    host: str = ""
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class _Head:
    status: int
    length: int | None
    closes: bool


class HttpConnection:
    """One connection to a server; may be asked again while `is_open`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, within: float) -> None:
        self._reader = reader
        self._writer = writer
        self._within = within
        self.is_open = True

    @classmethod
    async def open(cls, to: To) -> "HttpConnection":
        """Connect. Raises NoAnswerError, also where the certificate is not as it should be."""
        name = to.host if to.tls else None
        try:
            async with asyncio.timeout(to.within):
                connected = await asyncio.open_connection(
                    to.address, to.port, limit=_MOST_HEAD, ssl=to.tls, server_hostname=name
                )
                return cls(*connected, to.within)
        except TimeoutError:
            raise NoAnswerError(f"no connection within {to.within:g} s") from None
        except OSError as error:
            raise NoAnswerError(f"no connection: {error.strerror or error}") from error

    async def ask(self, request: bytes) -> str:
        """The first line of a 200's whole body. Raises NoAnswerError, and the connection is closed then."""
        try:
            async with asyncio.timeout(self._within):
                return await self._ask(request)
        except NoAnswerError:
            self.close()
            raise
        except TimeoutError:
            self.close()
            raise NoAnswerError(f"no whole answer within {self._within:g} s") from None

    def close(self) -> None:
        """Close it; nothing is waited for."""
        self.is_open = False
        self._writer.close()

    async def _ask(self, request: bytes) -> str:
        head = await self._read_head(request)
        try:
            body = await (self._reader.read() if head.length is None else self._reader.readexactly(head.length))
        except (OSError, EOFError) as error:
            raise NoAnswerError("closed in the middle of an answer") from error
        if head.closes or head.length is None:
            self.close()
        if head.status != 200:
            raise NoAnswerError(f"status {head.status}")
        return body.decode(errors="replace").partition("\n")[0]

    async def _read_head(self, request: bytes) -> _Head:
        try:
            self._writer.write(request)
            text = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise NoAnswerError("closed in the middle of an answer") from error
            raise NoAnswerError("closed without an answer", silent=True) from error
        except OSError as error:
            raise NoAnswerError("reset without an answer", silent=True) from error
        except asyncio.LimitOverrunError as error:
            raise NoAnswerError("no HTTP") from error
        return _head(text.decode("latin-1"))


class KeptConnection:
    """A connection that is opened when it is first needed, and again whenever the server has closed it."""

    def __init__(self, to: To) -> None:
        self._to = to
        self._connection: HttpConnection | None = None
        self.again = False

    async def ask(self, request: bytes) -> str:
        """As `HttpConnection.ask`; `again` says afterwards whether the first connection was found closed."""
        self.again = False
        if self._connection is not None and self._connection.is_open:
            try:
                return await self._connection.ask(request)
            except NoAnswerError as error:
                # It was closed while it was idle: a browser asks once more.
                if not error.silent:
                    raise
                self.again = True
        self._connection = await HttpConnection.open(self._to)
        return await self._connection.ask(request)

    def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()


def _head(text: str) -> _Head:
    first, *lines = text.split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    version, _, status = first.partition(" ")
    length = headers.get("content-length")
    if not version.startswith("HTTP/1.") or not status[:3].isdigit() or "transfer-encoding" in headers:
        raise NoAnswerError(f"an answer that is not understood: {first[:60]}")
    return _Head(int(status[:3]), None if length is None else int(length), headers.get("connection") == "close")
