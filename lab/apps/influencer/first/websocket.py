"""The server's end of a websocket (RFC 6455), on the connection of a request that asked for one."""

import base64
import hashlib
import struct
import threading
from typing import BinaryIO

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
GOING_AWAY, UNSUPPORTED = 1001, 1003

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_WHOLE = 0x80  # a frame that is no part of a longer message
_MASKED = 0x80
_LONGEST = 65535  # bytes of one message


def accept_key(key: str) -> str:
    """What a handshake answers to the client's Sec-WebSocket-Key."""
    digest = hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


class WebSocket:
    """Messages of text, both ways. Any thread may send or close; one thread receives."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._sending = threading.Lock()
        self._closed = False

    def send(self, text: str) -> None:
        self._send(TEXT, text.encode())

    def close(self, code: int) -> None:
        """Say that nothing more comes; the client answers with the same."""
        self._send(CLOSE, struct.pack("!H", code))

    def receive(self) -> str | None:
        """The next message, or None once either side has closed. Pings are answered meanwhile."""
        while (frame := self._frame()) is not None:
            kind, payload = frame
            if kind == TEXT:
                return payload.decode()
            if kind == PING:
                self._send(PONG, payload)
            elif kind == CLOSE:
                self._send(CLOSE, payload[:2])
                return None
            elif kind != PONG:
                self.close(UNSUPPORTED)
                return None
        return None

    def _send(self, kind: int, payload: bytes) -> None:
        length = struct.pack("!B", len(payload)) if len(payload) < 126 else struct.pack("!BH", 126, len(payload))
        with self._sending:
            if self._closed:
                return
            self._closed = kind == CLOSE
            self._outgoing.write(bytes([_WHOLE | kind]) + length + payload)
            self._outgoing.flush()

    def _frame(self) -> tuple[int, bytes] | None:
        """Kind and payload of the next frame, which the client has masked; kind 0 is one that is not understood."""
        head = self._incoming.read(2)
        if len(head) < 2:
            return None
        length = head[1] & ~_MASKED
        if length == 126:
            (length,) = struct.unpack("!H", self._incoming.read(2))
        if not head[0] & _WHOLE or not head[1] & _MASKED or length > _LONGEST or head[1] & ~_MASKED == 127:
            return 0, b""
        mask = self._incoming.read(4)
        payload = self._incoming.read(length)
        return head[0] & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
