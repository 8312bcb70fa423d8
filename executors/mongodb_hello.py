"""The question by which MongoDB says whether it is the primary, and what a primary's answer holds, as bytes. Pure.

The wire format is MongoDB's own: an OP_MSG with one BSON document. `hello` is answered to whoever asks, without a user.
"""

import struct

OP_MSG = 2013
_INT32, _STRING, _BOOLEAN = b"\x10", b"\x02", b"\x08"


def hello() -> bytes:
    """The message that asks."""
    return message(document(_INT32 + _name("hello") + _int32(1) + _STRING + _name("$db") + _text("admin")))


def is_primary() -> bytes:
    """The element that stands in the answer of a primary, and of nobody else."""
    return _BOOLEAN + _name("isWritablePrimary") + b"\x01"


def message(body: bytes, answers: int = 0) -> bytes:
    """An OP_MSG without flags, and with one section, which is the body; `answers` is the id of what it replies to."""
    content = b"\0\0\0\0" + b"\0" + body
    header = struct.pack("<iiii", 16 + len(content), 1, answers, OP_MSG)
    return header + content


def document(elements: bytes) -> bytes:
    """A BSON document, whose length counts itself and the zero at its end."""
    return _int32(4 + len(elements) + 1) + elements + b"\0"


def _name(text: str) -> bytes:
    return text.encode() + b"\0"


def _text(text: str) -> bytes:
    return _int32(len(text.encode()) + 1) + _name(text)


def _int32(number: int) -> bytes:
    return struct.pack("<i", number)
