"""Ports of loopback, for servers that have to be told one."""

import itertools
import os
import socket

# The kernel gives those from 32768 on to whoever asks for any, and so to others before the server is there.
FIRST, COUNT = 20_000, 12_000
# A process begins that far behind another one.
EACH = 400

_numbers = itertools.count(os.getpid() * EACH)


def free_port() -> int:
    """Another one each time, at which nobody listens."""
    return next(port for number in _numbers if _is_free(port := FIRST + number % COUNT))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
