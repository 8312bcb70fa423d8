"""Findings as Slack mrkdwn, a line each; all well is one line."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from executors.findings import FINE, line, shown
from executors.padlock.findings import Finding, merged
from executors.padlock.seen import HostSeen

LINE = 480
MOST_LINES = 60
SHOWN_HOSTS = 5


def report(found: Iterable[Finding], seen: Sequence[HostSeen], now: datetime) -> str:
    """The findings, worst first."""
    lines = [_line(one) for one in merged(found)]
    if not lines:
        return f"{FINE} {_all_well(seen, now)}"
    more = len(lines) - MOST_LINES
    return "\n".join(lines[:MOST_LINES] + ([f"… and {more} findings more"] if more > 0 else []))


def _line(one: Finding) -> str:
    where = f", {_safe(one.where)}" if one.where else ""
    return line(one.level, f"{_hosts(one.hosts)}{where}", _safe(one.text), _safe(one.mend))


def _hosts(hosts: Sequence[str]) -> str:
    more = len(hosts) - SHOWN_HOSTS
    return ", ".join(f"*{_safe(host)}*" for host in hosts[:SHOWN_HOSTS]) + (f" and {more} more" if more > 0 else "")


def _all_well(seen: Sequence[HostSeen], now: datetime) -> str:
    ports = [port for host in seen for port in host.ports]
    nodes = list(dict.fromkeys(port.where for port in ports))
    answer = f"{', '.join(nodes)} {'answers as it' if len(nodes) == 1 else 'answer as they'} should"
    hosts = _hosts([host.host for host in seen]) if len(seen) == 1 else f"{len(seen)} hosts"
    ends = [port.tls.chain[0].not_valid_after_utc for port in ports if port.tls is not None and port.tls.chain]
    days = f"good for {(min(ends) - now).days} days" if ends else ""
    if len(seen) == 1:
        return f"{hosts}: {answer}{', certificate ' + days if days else ''}"
    return f"{hosts}: {answer}{', every certificate ' + days + ' at least' if days else ''}"


def _safe(text: str) -> str:
    return shown(text, LINE)
