"""SSH connections with paramiko: to machines whose host key is known beforehand, as root, with flstr's own key."""

import socket
from pathlib import Path

import paramiko

from executors.remote import Unreachable

TCP_SECONDS = 4.0  # three tries of the kernel: a machine that is just booting is soon tried anew
CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 5
SILENT_SECONDS = 20  # a machine that acknowledges nothing for so long is gone


def connect(node: str, ip: str, host_key: str, key: Path, port: int) -> paramiko.SSHClient:
    """A connection to the machine that has this host key. Raises `Unreachable`."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    known = _parse_key(node, host_key)
    known_as = ip if port == 22 else f"[{ip}]:{port}"
    client.get_host_keys().add(known_as, known.get_name(), known)
    try:
        client.connect(
            ip,
            port,
            username="root",
            key_filename=str(key),
            sock=_tcp(ip, port),
            allow_agent=False,
            look_for_keys=False,
            timeout=CONNECT_SECONDS,
            banner_timeout=CONNECT_SECONDS,
            auth_timeout=CONNECT_SECONDS,
        )
    except paramiko.BadHostKeyException as error:
        client.close()
        raise Unreachable(
            f"{node}: {ip} shows an SSH host key that is not the registered one; either another machine has its "
            "address, or somebody is in between"
        ) from error
    except paramiko.AuthenticationException as error:
        client.close()
        raise Unreachable(f"{node}: {ip} does not accept flstr's SSH key for root") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        client.close()
        raise Unreachable(f"{node}: no SSH connection to {ip} port {port} ({reason(error)})") from error
    transport = client.get_transport()
    if transport is not None:
        transport.set_keepalive(KEEPALIVE_SECONDS)
    return client


def _tcp(ip: str, port: int) -> socket.socket:
    sock = socket.create_connection((ip, port), timeout=TCP_SECONDS)
    # Without it a warm script takes 49 ms instead of 5.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_SECONDS * 1000)
    return sock


def is_alive(client: paramiko.SSHClient) -> bool:
    """Whether it still stands, as far as this end knows."""
    transport = client.get_transport()
    return transport is not None and transport.is_active()


def _parse_key(node: str, text: str) -> paramiko.PKey:
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{node} {text}")
    if entry is None or entry.key is None:
        raise Unreachable(f"{node}: its registered SSH host key cannot be read")
    return entry.key


def reason(error: Exception) -> str:
    """Why it did not work, in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
