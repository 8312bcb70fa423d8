"""Certificates in words, as Slack mrkdwn. Pure."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby

from gitops import desired
from gitops.certificate_budget import Known, ration, told_limit
from gitops.certificates_due import record_of, secured_hosts
from gitops.issuance_budget import LimitReached
from gitops.manifests import Manifests
from gitops.renewal import AFTER_FAILURE
from model.certificates import CertificateRecord
from model.mrkdwn import inert
from model.names import CertificateHost
from model.registered import Registered

MOST_LINES = 20
NAMED = 5


def certificates(registered: Registered, now: datetime) -> list[str]:
    """A line for each host with https: those that fail first, then by the days that are left."""
    records = [record_of(host, registered) for host in secured_hosts(registered)]
    records.sort(key=lambda record: (record.failure is None, _ends(record), record.name))
    lines = [_line(record, registered, now) for record in records[:MOST_LINES]]
    if len(records) > MOST_LINES:
        least = min(_ends(record) for record in records[MOST_LINES:])
        days = max(0, int((least - now.timestamp()) // 86400))
        lines.append(f"• and {len(records) - MOST_LINES} more, good for {days} days at least")
    return lines


def refusals(manifests: Manifests, registered: Registered, known: Known, now: datetime) -> list[str]:
    """What the limits leave no certificate for, of all hosts that a revision has; a line for each limit."""
    records = desired.ingress_records(manifests.apps.values()).values()
    secured = {record.publish.host_name for record in records if record.publish.ssl}
    under_way = registered.due.keys() & secured
    new = sorted(host for host in secured - under_way if record_of(host, registered).issued is None)
    refused = ration(new, known, now, under_way).refused
    # What was said once is said in the same words.
    told = {name: told_limit(record_of(name, registered), now) for name in refused}
    return _by_limit({name: told[name] or limit for name, limit in refused.items()})


def _by_limit(refused: Mapping[CertificateHost, LimitReached]) -> list[str]:
    ordered = sorted(refused, key=lambda name: (refused[name].sentence, name))
    lines = []
    for sentence, group in groupby(ordered, key=lambda name: refused[name].sentence):
        names = list(group)
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        lines.append(f":hourglass: {inert(', '.join(names[:NAMED]))}{more}: {inert(sentence)}")
    return lines


def _line(record: CertificateRecord, registered: Registered, now: datetime) -> str:
    name, failure = inert(record.name), record.failure
    has = _has(record, now)
    if record.name in registered.due:
        return f"• {name}: {has}; a new one is being got"
    if failure is None:
        waits = "; it is asked for once the host is routed and its name leads there" if record.issued is None else ""
        return f"• {name}: {has}{waits}"
    again = failure.retry_at or failure.at + AFTER_FAILURE
    why = failure.sentence.removeprefix(f"{record.name}: ").removeprefix("no certificate, because ")
    verdict = "" if failure.over_budget else "the last attempt failed: "
    return f":warning: {name}: {has}; {verdict}{inert(why)}; tried again {_at(again, now)}"


def _has(record: CertificateRecord, now: datetime) -> str:
    if record.issued is None:
        return "no certificate yet"
    if record.issued.not_after <= now:
        return f"its certificate ended on {record.issued.not_after:%Y-%m-%d}"
    days = (record.issued.not_after - now).days
    return f"good for {days} day{'' if days == 1 else 's'}"


def _at(when: datetime, now: datetime) -> str:
    return "now" if when <= now else f"at {when:%Y-%m-%d %H:%M} UTC"


def _ends(record: CertificateRecord) -> float:
    """What has none yet comes before what has one."""
    return 0.0 if record.issued is None else record.issued.not_after.timestamp()
