"""Whether an ingress answers the public: its nginx itself, whatever is behind it."""

import socket
import time

PORT = 80
WITHIN_SECONDS = 1.0


def answers(address: str, port: int = PORT, within: float = WITHIN_SECONDS) -> bool:
    """Whether somebody there accepts a connection and begins an HTTP answer, all in good time.

    The request names no host that is served, so that no app is asked.
    """
    deadline = time.monotonic() + within
    request = f"HEAD / HTTP/1.0\r\nHost: {address}\r\nUser-Agent: flstr\r\n\r\n".encode()
    expected = b"HTTP/"
    try:
        with socket.create_connection((address, port), within) as connection:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            connection.sendall(request)
            said = b""
            while len(said) < len(expected):
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                more = connection.recv(len(expected) - len(said))
                if not more:
                    return False
                said += more
    except OSError:
        return False
    return said == expected
