"""Redirects: from http to https, staying on the hosts of the cluster, and coming to an end."""

from collections.abc import Callable, Collection, Container, Iterator
from urllib.parse import urlsplit

from executors.padlock.findings import Finding
from executors.padlock.mixed import absolute
from executors.padlock.seen import Answer, Hop, PortSeen

LONGEST = 10
SHOWN = 4


def follow(url: str, ask: Callable[[str], Answer], ours: Container[str]) -> tuple[Hop, ...]:
    """The answers from an address on, until one is no redirect, leads to a host that is not ours, or to one that was
    asked already, which is the last hop then and has no answer."""
    hops: list[Hop] = []
    while True:
        answer = ask(url)
        hops.append(Hop(url, answer))
        target = absolute(url, answer.location) if answer.location else None
        if target is None:
            return tuple(hops)
        if goes_round(target, hops) or urlsplit(target).hostname not in ours:
            return (*hops, Hop(target, Answer()))
        url = target


def goes_round(target: str, hops: Collection[Hop]) -> bool:
    """Whether an address was asked before, or too many were."""
    return len(hops) >= LONGEST or any(one.url == target for one in hops)


def loop_findings(seen: PortSeen) -> Iterator[Finding]:
    """A loop is told from wherever it begins in the same words, so that it is told once."""
    *before, last = seen.hops or (None,)
    if last is None or not before or not goes_round(last.url, before):
        return
    urls = [one.url for one in before]
    ring = urls[urls.index(last.url) :] if last.url in urls else urls
    first = ring.index(min(ring))
    around = [*ring[first:], *ring[:first]]
    shown = [*around[:SHOWN], "…"] if len(around) > SHOWN else [*around, around[0]]
    text = f"the redirects go round: {' to '.join(url[:80] for url in shown)}"
    yield Finding(
        "redirect loop", text, "see which of nginx and the app redirects, and let only one of them", port=None
    )


def redirect_findings(seen: PortSeen, host: str, ours: Container[str], has_tls: bool) -> Iterator[Finding]:
    """Where a port of plain http leads to. A loop is told by itself."""
    urls = [urlsplit(one.url) for one in seen.hops]
    first = next((url for url in urls if url.scheme == "https"), None)
    if first is None:
        mend = "redirect it to https" if has_tls else "get a certificate for the host, then redirect to it"
        yield Finding("no redirect", "plain HTTP, not redirected to https", mend)
    elif first.hostname not in ours:
        text = f"redirected to {first.hostname}, which is no host of this cluster"
        yield Finding("redirect elsewhere", text, f"redirect to https://{host}/ first")


def downgrade_findings(seen: PortSeen) -> Iterator[Finding]:
    """Where a port with TLS leads back to plain http."""
    for one in seen.hops:
        if urlsplit(one.url).scheme == "http":
            yield Finding("redirect to http", f"redirected back to {one.url[:200]}", "redirect to https addresses only")
            return
