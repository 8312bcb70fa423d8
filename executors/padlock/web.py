"""Asking the way a browser does: the hosts of the cluster at ingresses by their addresses, others where DNS says."""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, quote, urlsplit

from executors.padlock.seen import Answer
from executors.padlock.tls import reason

REQUEST_SECONDS = 4.0
# For everything that is asked of one port: redirects, the page, its style sheets.
ALL_SECONDS = 40.0
BODY_BYTES = 1 << 20
HEADER_CHARACTERS = 2000
_PORTS = {"http": 80, "https": 443}
_HEADERS = {
    "User-Agent": "flstr-padlock",
    "Accept": "text/html,text/css,*/*;q=0.1",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class Web:
    """The web as a browser sees it whose DNS says what `address_of` does, and of all others, for which that is None,
    the truth."""

    def __init__(self, address_of: Callable[[str], str | None]) -> None:
        self._address_of = address_of
        self._until = time.monotonic() + ALL_SECONDS

    def ask(self, url: str) -> Answer:
        """One GET. The certificates of our hosts are looked at by `tls`; others have to be right."""
        if time.monotonic() > self._until:
            return Answer(error="there was no time left to ask")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
            ours = self._address_of(host)
            address = ours or _public_address(host, port)
            with socket.create_connection((address, port), REQUEST_SECONDS) as raw, _ended(raw) as ended:
                return _get(raw, parts, ours is not None, ended)
        except ssl.SSLError as error:
            return Answer(error=(error.reason or "TLS fault").replace("_", " ").lower())
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            return Answer(error=reason(error, REQUEST_SECONDS))


def _get(raw: socket.socket, parts: SplitResult, is_ours: bool, ended: threading.Event) -> Answer:
    connection = http.client.HTTPConnection(parts.hostname or "")
    try:
        connection.sock = raw
        if parts.scheme == "https":
            context = _any_certificate() if is_ours else ssl.create_default_context()
            connection.sock = context.wrap_socket(raw, server_hostname=parts.hostname)
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (f"?{_query(parts)}" if parts.query else "")
        connection.request("GET", target, headers={**_HEADERS, "Host": parts.netloc.rpartition("@")[2]})
        with connection.getresponse() as answer:
            if ended.is_set():
                # The library takes the end of the connection for the end of the headers.
                raise TimeoutError
            # Of a header that is sent twice the first counts.
            headers = {name.lower(): value[:HEADER_CHARACTERS] for name, value in reversed(answer.getheaders())}
            if headers.get("content-encoding", "identity") != "identity":
                return Answer(answer.status, headers, unread="compressed, which was not asked for")
            body = answer.read(BODY_BYTES + 1)
            unread = f"longer than {BODY_BYTES >> 20} MiB" if len(body) > BODY_BYTES else ""
            if ended.is_set():
                unread = f"not there after {REQUEST_SECONDS:g} s"
            return Answer(answer.status, headers, body[:BODY_BYTES], unread)
    except (OSError, http.client.HTTPException):
        if ended.is_set():
            raise TimeoutError from None
        raise
    finally:
        connection.close()


def _query(parts: SplitResult) -> str:
    return quote(parts.query, safe="/%:@!$&'()*+,;=~?")


@contextmanager
def _ended(raw: socket.socket) -> Iterator[threading.Event]:
    """Ends a connection when its time is up: one that sends a byte now and then is never silent for long."""
    ended = threading.Event()
    # The handshake takes the socket over and leaves this one without: the connection is ended by a handle of its own.
    handle = raw.dup()

    def end() -> None:
        ended.set()
        try:
            # Of reading only: what was read stays, and the other end's next byte is not answered by a reset.
            handle.shutdown(socket.SHUT_RD)
        except OSError:
            # It ended by itself.
            return

    timer = threading.Timer(REQUEST_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()
        timer.join()
        handle.close()


def _any_certificate() -> ssl.SSLContext:
    # Without the system's authorities, which take a while to load.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def _public_address(host: str, port: int) -> str:
    """Where DNS says a host is. A page must not have the controller ask inside its own networks."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    public = [address for address in found if _is_public(address)]
    if not public:
        raise ValueError(f"{host} has no public address")
    return public[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    # An IPv4 address can be written as an IPv6 one, which would be public.
    return (getattr(address, "ipv4_mapped", None) or address).is_global
