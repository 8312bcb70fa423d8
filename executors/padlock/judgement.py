"""All findings of a host, from what was seen of it."""

from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from executors.padlock.caa import caa_findings
from executors.padlock.certificate import certificate_findings
from executors.padlock.findings import Finding
from executors.padlock.hsts import hsts_findings
from executors.padlock.mixed import mixed_findings
from executors.padlock.redirects import downgrade_findings, loop_findings, redirect_findings
from executors.padlock.seen import Hop, HostSeen, PortSeen, TlsSeen

_NODE_MEND = "see whether nginx runs there and firewalld lets the port in"
_FLOATING_MEND = "see whether the cloud has it assigned to that machine, and the machine has the address (ip address)"


def findings(seen: HostSeen, ours: Container[str], authority: str, now: datetime) -> list[Finding]:
    """What is wrong with a host. `ours` are the hosts of the cluster, `authority` is who issues for them."""
    has_tls = any(_is_https(port) for port in seen.ports)
    found: list[Finding] = []
    if not seen.ports:
        mend = "see which pool or machines its binding names, and whether they have joined"
        found.append(Finding("unreachable", "no ingress serves it", mend, hosts=(seen.host,)))
    for port in seen.ports:
        loops = list(loop_findings(port))
        others = _of_port(seen.host, port, ours, has_tls, now)
        found += (replace(one, hosts=(seen.host,), nodes=(port.where,)) for one in loops)
        found += (
            replace(one, hosts=(seen.host,), nodes=(port.where,), port=port.port)
            for one in others
            if not (loops and one.kind in {"no redirect", "redirect to http"})
        )
    if seen.caa is not None:
        found += (replace(one, hosts=(seen.host,)) for one in caa_findings(seen.host, seen.caa, authority))
    return found


def _is_https(port: PortSeen) -> bool:
    return port.tls is not None or port.hops[0].url.startswith("https:")


def _of_port(host: str, seen: PortSeen, ours: Container[str], has_tls: bool, now: datetime) -> Iterator[Finding]:
    if seen.tls is not None:
        yield from _of_handshake(seen.tls)
        yield from certificate_findings(host, seen.tls, now)
        if seen.tls.error:
            return
    first = seen.hops[0].answer
    if first.status is None:
        yield Finding("unreachable", f"no answer ({first.error})", _FLOATING_MEND if seen.floating else _NODE_MEND)
        return
    if seen.tls is not None:
        yield from _of_answers(seen.hops)
        yield from downgrade_findings(seen)
        yield from hsts_findings(first) if seen.hsts else ()
        yield from mixed_findings(seen.page) if seen.page is not None else ()
    else:
        # Where it redirects to https, that port is looked at by itself.
        yield from _of_answers(seen.hops if not has_tls else seen.hops[:1])
        yield from redirect_findings(seen, host, ours, has_tls)


def _of_handshake(tls: TlsSeen) -> Iterator[Finding]:
    if tls.bad_signature:
        text = (
            f"the handshake fails by a {tls.error}: as far as can be told from outside, the private key there is not "
            "the one of the certificate"
        )
        mend = "put the key there for which the certificate was issued, or get a certificate for the key"
        yield Finding("key mismatch", text, mend)
    elif tls.error:
        yield Finding("unreachable", f"no TLS connection ({tls.error})", "look at nginx's error log there")
    if tls.old_versions:
        mend = "let nginx speak TLSv1.2 and TLSv1.3 only"
        yield Finding("old TLS", f"{' and '.join(tls.old_versions)} accepted", mend)


def _of_answers(hops: tuple[Hop, ...]) -> Iterator[Finding]:
    """What is wrong with the last answer, to which the redirects led."""
    last = hops[-1]
    path = "" if last is hops[0] else f" at {urlsplit(last.url).path or '/'}"
    if last.answer.error:
        text = f"redirected to {last.url[:200]}, where there is no answer ({last.answer.error})"
        yield Finding("unreachable", text, "redirect to an address that answers")
    elif last.answer.status is not None and last.answer.status >= 500:
        mend = "no instance can be reached; status shows where they run"
        yield Finding("server error", f"answers {last.answer.status}{path}", mend)
    elif last.answer.status == 404:
        yield Finding("not found", f"answers 404{path}", "see whether the app serves this location")
