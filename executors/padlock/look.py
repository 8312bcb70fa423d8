"""Looking at one port of one ingress for one host."""

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from executors.padlock.chain import dns_names
from executors.padlock.mixed import OK, see_page
from executors.padlock.redirects import follow
from executors.padlock.seen import Answer, Hop, PageSeen, PortSeen, TlsSeen
from executors.padlock.tls import see_tls
from executors.padlock.web import Web
from gitops.domains import stands_for


@dataclass(frozen=True)
class Target:
    """What is looked at. One that is not `expected` counts only where it serves the host; see `PortSeen` for `hsts`
    and `floating`."""

    host: str
    node: str
    address: str
    port: int
    path: str
    tls: bool
    expected: bool = True
    hsts: bool = True
    floating: str = ""

    @property
    def url(self) -> str:
        """As a person would type it."""
        scheme, default = ("https", 443) if self.tls else ("http", 80)
        port = "" if self.port == default else f":{self.port}"
        return f"{scheme}://{self.host}{port}{self.path}"


def see_port(
    target: Target, ours: Container[str], address_of: Callable[[str], str | None], authority: Path | None
) -> PortSeen | None:
    """What the port answers, or None where nobody expects it to serve the host and it does not.

    `address_of` says where hosts are to be asked for that the port leads to.
    """
    web = Web(address_of)
    if not target.tls:
        return _seen(target, follow(target.url, web.ask, ours))
    tls = see_tls(target.address, target.port, target.host, authority)
    if not target.expected and not _serves(target.host, tls):
        return None
    if tls.error:
        return _seen(target, (), tls)
    hops = follow(target.url, web.ask, ours)
    last = hops[-1]
    is_page = last.answer.status in OK and urlsplit(last.url).scheme == "https"
    page = see_page(last.url, last.answer, web.ask) if is_page else None
    return _seen(target, hops, tls, page)


def closed_port(target: Target, why: str) -> PortSeen | None:
    """A port to which nobody can connect."""
    if not target.expected:
        return None
    return _seen(target, (Hop(target.url, Answer(error=why)),))


def _seen(target: Target, hops: tuple[Hop, ...], tls: TlsSeen | None = None, page: PageSeen | None = None) -> PortSeen:
    """A round keeps what it saw of every port until it reports, so without the bodies."""
    bare = tuple(replace(one, answer=replace(one.answer, body=b"")) for one in hops)
    return PortSeen(target.node, target.port, bare, tls, page, target.hsts, target.floating)


def _serves(host: str, tls: TlsSeen) -> bool:
    return not tls.error and any(stands_for(name, host) for one in tls.chain[:1] for name in dns_names(one))
