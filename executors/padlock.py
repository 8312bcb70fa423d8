"""The padlock check: what every ingress serves for a public host, as findings with their mends. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from model.mrkdwn import escape

Level = Literal["error", "warning"]

MARKS: dict[Level, str] = {"error": ":red_circle:", "warning": ":large_yellow_circle:"}
FINE = ":large_green_circle:"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
LINE = 480


@dataclass(frozen=True)
class HttpSeen:
    """An answer over HTTP or HTTPS; `status` is None where there was none, and `error` says why."""

    status: int | None = None
    location: str = ""
    hsts: bool = False
    error: str = ""


@dataclass(frozen=True)
class Certificate:
    """What of a certificate matters here."""

    names: tuple[str, ...]
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class TlsSeen:
    """A TLS handshake: `distrust` says why the chain as sent is not trusted for the host, or is empty."""

    certificate: Certificate | None = None
    distrust: str = ""
    old_versions: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class PortSeen:
    """One port of one ingress. `tls` is None on a port of plain HTTP."""

    node: str
    port: int
    answer: HttpSeen
    tls: TlsSeen | None = None

    @property
    def where(self) -> str:
        """As a finding names it."""
        return f"{self.node} port {self.port}"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what mends it."""

    level: Level
    text: str
    mend: str


def findings(host: str, seen: Sequence[PortSeen], now: datetime) -> list[Finding]:
    """What is wrong with a host, worst first."""
    found = [finding for one in seen for finding in _of_port(host, one, now)]
    return sorted(found, key=lambda finding: finding.level != "error")


def _of_port(host: str, seen: PortSeen, now: datetime) -> Iterable[Finding]:
    if seen.tls is not None and seen.tls.error:
        yield Finding("error", f"{seen.where}: no TLS connection ({seen.tls.error})", "look at nginx's error log there")
        return
    if seen.tls is not None:
        yield from _of_tls(host, seen.where, seen.tls, now)
    yield from _of_answer(seen)


def _of_answer(seen: PortSeen) -> Iterable[Finding]:
    answer, where = seen.answer, seen.where
    if answer.status is None:
        mend = "see whether nginx runs there and firewalld lets the port in"
        yield Finding("error", f"{where}: no answer ({answer.error})", mend)
        return
    if answer.status >= 500:
        mend = "no instance can be reached; status shows where they run"
        yield Finding("error", f"{where}: answers {answer.status}", mend)
    elif answer.status == 404:
        yield Finding("warning", f"{where}: answers 404", "see whether the app serves this location")
    if seen.tls is not None:
        if not answer.hsts:
            mend = "send Strict-Transport-Security once all of the host is served over https"
            yield Finding("warning", f"{where}: no HSTS", mend)
    elif not (answer.status in REDIRECTS and answer.location.startswith("https://")):
        mend = "get a certificate for the host, then redirect to it"
        yield Finding("warning", f"{where}: plain HTTP, not redirected to https", mend)


def _of_tls(host: str, where: str, tls: TlsSeen, now: datetime) -> Iterable[Finding]:
    if tls.distrust:
        yield Finding("error", f"{where}: the certificate is not trusted ({tls.distrust})", _mend_of(tls.distrust))
    if tls.certificate is not None:
        yield from _of_certificate(host, where, tls.certificate, now)
    if tls.old_versions:
        mend = "let nginx speak TLSv1.2 and TLSv1.3 only"
        yield Finding("warning", f"{where}: {' and '.join(tls.old_versions)} accepted", mend)


def _of_certificate(host: str, where: str, certificate: Certificate, now: datetime) -> Iterable[Finding]:
    if not any(covers(name, host) for name in certificate.names):
        names = ", ".join(certificate.names[:5]) or "no name at all"
        yield Finding("error", f"{where}: the certificate is for {names}", f"get one for {host}")
    days = (certificate.ends - now).days
    if certificate.ends <= now:
        text = f"{where}: the certificate ended on {certificate.ends:%Y-%m-%d}"
        yield Finding("error", text, "renew it")
    elif certificate.begins > now:
        text = f"{where}: the certificate begins on {certificate.begins:%Y-%m-%d} only"
        yield Finding("error", text, "set the clock of whoever issued it")
    # Renewal is due at two thirds of the lifetime, whatever the lifetime is.
    elif certificate.ends - now < (certificate.ends - certificate.begins) / 4:
        text = f"{where}: the certificate ends in {days} days and was not renewed in time"
        yield Finding("warning", text, "see why its renewal fails")


def covers(name: str, host: str) -> bool:
    """Whether a name of a certificate stands for a host; a star stands for one label, RFC 9525 section 6.3."""
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:]
    return name == host


def _mend_of(distrust: str) -> str:
    if "issuer" in distrust:
        return "let nginx send the whole chain (fullchain.pem)"
    return "get a certificate from an authority that browsers know"


def report(host: str, seen: Sequence[PortSeen], now: datetime) -> str:
    """The findings as Slack mrkdwn, a line each; all well is one line."""
    found = findings(host, seen, now)
    if not found:
        return f"{FINE} *{host}*: {_all_well(seen, now)}"
    lines = [f"{MARKS[one.level]} *{host}*, {_mrkdwn(one.text)}. _Mend:_ {_mrkdwn(one.mend)}" for one in found]
    return "\n".join(lines)


def _all_well(seen: Sequence[PortSeen], now: datetime) -> str:
    nodes = ", ".join(dict.fromkeys(one.node for one in seen))
    ends = [one.tls.certificate.ends for one in seen if one.tls is not None and one.tls.certificate is not None]
    days = f", certificate good for {(min(ends) - now).days} days" if ends else ""
    return f"{nodes} answers as it should{days}"


def _mrkdwn(text: str) -> str:
    """Text that came from outside, without a meaning to Slack."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in escape(text)).split())[:LINE]
