"""As much of Redis's protocol (RESP) as counting takes: https://redis.io/docs/latest/develop/reference/protocol-spec/."""

import os
import socket
from pathlib import Path
from typing import BinaryIO

SECONDS = 2.0


def call(*command: str) -> int | str | None:
    """What Redis, at the machine's own HAProxy, answers to a command. Raises OSError where it does not."""
    address = os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])
    password = Path(os.environ["CREDENTIALS_DIRECTORY"], "REDIS_PASSWORD").read_text()
    with socket.create_connection(address, SECONDS) as connection, connection.makefile("rwb") as stream:
        _send(stream, "AUTH", password)
        _send(stream, *command)
        stream.flush()
        _answer(stream)
        return _answer(stream)


def _send(stream: BinaryIO, *words: str) -> None:
    stream.write(b"*%d\r\n" % len(words))
    for word in words:
        stream.write(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()))


def _answer(stream: BinaryIO) -> int | str | None:
    line = stream.readline()
    kind, rest = line[:1], line[1:].strip().decode()
    match kind:
        case b"+":
            return rest
        case b":":
            return int(rest)
        case b"$":
            return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
    raise OSError(rest or "Redis closed the connection")
