"""TLS handshakes with one address for one host: the chain as it is sent, and the versions that are spoken.

By pyOpenSSL: the standard library's `ssl` shows no chain before Python 3.13, and none of a handshake that failed.
"""

import select
import socket
import time
from pathlib import Path

from cryptography import x509
from OpenSSL import SSL, crypto

from executors.padlock.chain import name_of
from executors.padlock.seen import Distrust, TlsSeen

PROBE_SECONDS = 4.0
OLD_VERSIONS = {"TLS 1.0": SSL.TLS1_VERSION, "TLS 1.1": SSL.TLS1_1_VERSION}
# What is weak is to be seen and told, not to end the handshake.
_ANYTHING = b"ALL:!aNULL:@SECLEVEL=0"
_BAD_SIGNATURE = frozenset({"bad signature", "wrong signature type", "wrong signature length"})


def see_tls(address: str, port: int, host: str, authority: Path | None = None) -> TlsSeen:
    """What is sent for a host, and what OpenSSL has against it with the system's authorities, or with `authority`."""
    distrust: list[Distrust] = []

    def note(_: SSL.Connection, certificate: crypto.X509, code: int, depth: int, is_fine: int) -> bool:
        if not is_fine:
            distrust.append(Distrust(code, depth, _name(certificate)))
        return True

    context = _context(SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)
    if authority is None:
        context.set_default_verify_paths()
    else:
        context.load_verify_locations(str(authority))
    context.set_verify(SSL.VERIFY_PEER, note)
    chain, error = _handshake(address, port, host, context)
    if error:
        return TlsSeen(chain, tuple(distrust), bad_signature=bool(chain) and error in _BAD_SIGNATURE, error=error)
    old = tuple(name for name, version in OLD_VERSIONS.items() if _speaks(address, port, host, version))
    return TlsSeen(chain, tuple(distrust), old)


def _name(certificate: crypto.X509) -> str:
    try:
        return name_of(certificate.to_cryptography())
    except ValueError:
        return "a certificate that cannot be read"


def why_closed(address: str, port: int) -> str:
    """Why nobody can connect, or nothing."""
    try:
        socket.create_connection((address, port), PROBE_SECONDS).close()
    except OSError as error:
        return reason(error, PROBE_SECONDS)
    return ""


def _speaks(address: str, port: int, host: str, version: int) -> bool:
    return not _handshake(address, port, host, _context(version, version))[1]


def _context(least: int, most: int) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(_ANYTHING)
    context.set_min_proto_version(least)
    context.set_max_proto_version(most)
    return context


def _handshake(address: str, port: int, host: str, context: SSL.Context) -> tuple[tuple[x509.Certificate, ...], str]:
    """The chain that was sent, and what went wrong or nothing."""
    deadline = time.monotonic() + PROBE_SECONDS
    try:
        with socket.create_connection((address, port), PROBE_SECONDS) as raw:
            raw.setblocking(False)
            connection = SSL.Connection(context, raw)
            connection.set_tlsext_host_name(host.encode("idna"))
            connection.set_connect_state()
            error = ""
            try:
                _shake(connection, raw, deadline)
            except (SSL.Error, TimeoutError) as failure:
                error = reason(failure, PROBE_SECONDS)
            chain = tuple(connection.get_peer_cert_chain(as_cryptography=True) or ())
            for one in chain:
                # Read late by the library; what cannot be read is to end here.
                _ = (one.subject, one.issuer, one.extensions)
            return chain, error
    except (OSError, ValueError) as failure:
        return (), reason(failure, PROBE_SECONDS)


def _shake(connection: SSL.Connection, raw: socket.socket, deadline: float) -> None:
    while True:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            waiting: tuple[list[socket.socket], list[socket.socket]] = ([raw], [])
        except SSL.WantWriteError:
            waiting = ([], [raw])
        else:
            return
        left = deadline - time.monotonic()
        if left <= 0 or not any(select.select(*waiting, [], left)):
            raise TimeoutError


def reason(error: Exception, seconds: float) -> str:
    """What went wrong, in few words; `seconds` is how long was waited for an answer."""
    if isinstance(error, TimeoutError):
        return f"silent for {seconds:g} s"
    if isinstance(error, SSL.SysCallError):
        return "the connection was cut"
    if isinstance(error, SSL.Error):
        reasons = [entry[-1] for entry in error.args[0]] if error.args else []
        return str(reasons[-1]) if reasons else "TLS fault"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
