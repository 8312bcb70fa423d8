"""Whether the other end of a TCP connection is still there, asked of the kernel: nothing is sent for it."""

import contextlib
import socket
import struct

# In Linux's struct tcp_info, 32 bits: the milliseconds since the last acknowledgement came in.
_LAST_ACK_RECEIVED = 56
_LENGTH = _LAST_ACK_RECEIVED + 4


def acknowledged_within(sock: object, seconds: float) -> bool:
    """Whether anything was acknowledged in the last seconds; not so on a socket that is closed, or none of TCP."""
    if not isinstance(sock, socket.socket):
        return False
    with contextlib.suppress(OSError, struct.error):
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LENGTH)
        (milliseconds,) = struct.unpack_from("I", info, _LAST_ACK_RECEIVED)
        return bool(milliseconds < seconds * 1000)
    return False
