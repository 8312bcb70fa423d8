"""What is seen of a public host from outside, before anything is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509

REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Answer:
    """An answer over http or https; `status` is None where there was none, and `error` says why.

    `headers` has small letters. `unread` says why the body was not read whole, or is empty.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    unread: str = ""
    error: str = ""

    @property
    def location(self) -> str:
        """Where a redirect leads, or nothing."""
        return self.headers.get("location", "") if self.status in REDIRECTS else ""

    @property
    def media_type(self) -> str:
        """Such as `text/html`."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Hop:
    """An address that was asked for, and what it answered."""

    url: str
    answer: Answer


@dataclass(frozen=True)
class Distrust:
    """One thing that OpenSSL has against a chain: its X509_V_ERR number, and the certificate's place and name."""

    code: int
    depth: int
    subject: str


@dataclass(frozen=True)
class TlsSeen:
    """A TLS handshake. `chain` is as it was sent, also where the handshake failed after that.

    `bad_signature`: the server could not prove that it has the key of the certificate it sent.
    """

    chain: tuple[x509.Certificate, ...] = ()
    distrust: tuple[Distrust, ...] = ()
    old_versions: tuple[str, ...] = ()
    bad_signature: bool = False
    error: str = ""


@dataclass(frozen=True)
class Load:
    """Something that a page loads over plain http; `active` is what could change the page, or carries a form away."""

    url: str
    what: str
    active: bool
    at: str = ""


@dataclass(frozen=True)
class PageSeen:
    """What a page and its style sheets load over plain http; `unread` is what of them was not read, and why."""

    url: str
    loads: tuple[Load, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class PortSeen:
    """One port of one ingress: the answers from the first one on, and on a port with TLS the handshake and the page.

    `hsts` is whether the host is meant to send it; `floating` is the floating IP that was asked instead of the
    ingress's own address, or nothing.
    """

    node: str
    port: int
    hops: tuple[Hop, ...]
    tls: TlsSeen | None = None
    page: PageSeen | None = None
    hsts: bool = True
    floating: str = ""

    @property
    def where(self) -> str:
        """As it stands in a finding."""
        return f"floating IP {self.floating} at {self.node}" if self.floating else self.node


@dataclass(frozen=True)
class CaaRecord:
    """One CAA record, RFC 8659."""

    critical: bool
    tag: str
    value: str


@dataclass(frozen=True)
class CaaSeen:
    """The CAA records that count for a host, the name that has them, and why they could not be looked up."""

    at: str = ""
    records: tuple[CaaRecord, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class HostSeen:
    """All that was seen of a host. `caa` is None where nobody needs a certificate for it."""

    host: str
    ports: tuple[PortSeen, ...]
    caa: CaaSeen | None = None
