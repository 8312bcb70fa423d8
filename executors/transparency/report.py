"""What was found, as Slack mrkdwn: a line a finding, worst first, and one of what there is. Pure."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from executors.findings import FINE, line
from executors.transparency.budget_use import LETS_ENCRYPT, issued
from executors.transparency.finding import Finding
from executors.transparency.judgement import findings
from executors.transparency.lookup import Answer
from executors.transparency.ours import Ours
from executors.transparency.shown import age, shown
from gitops.issuance_budget import A_DOMAIN, of_domain
from model.transparency import CertificateId, Issuance

# What is known from before is worth a finding from then on.
OLD = timedelta(days=1)
MOST_LINES = 20
ISSUERS = 3
PLAIN = "•"


@dataclass(frozen=True)
class Report:
    """What is said of one registered domain, as lines: alarms, and everything else."""

    alarms: tuple[str, ...]
    others: tuple[str, ...]


def together(reports: Sequence[Report]) -> str:
    """All of them as one text. It may be cut where it is long, so alarms come first, and the first of each domain
    before anybody's second."""
    alarms = [line for some in zip_longest(*(one.alarms for one in reports)) for line in some if line is not None]
    return "\n".join([*alarms, *(line for one in reports for line in one.others)])


def report(
    ours: Ours,
    answer: Answer,
    logged: Sequence[Issuance],
    asked: Collection[CertificateId],
    now: datetime,
    authority: str = LETS_ENCRYPT,
) -> Report:
    """The findings of one registered domain; all well is one line. `logged` is what all answers together say."""
    if answer.logged is None:
        return Report((), (_line(ours, _unknown(answer)),))
    found = findings(ours, logged, asked, now, authority)
    if answer.is_from_before and now - answer.logged.at > OLD:
        found.append(_outdated(answer.logged.at, now))
    there_is = f"{_there_is(ours, logged, now, authority)}{_source(answer, now)}"
    if not found:
        return Report((), (f"{FINE} *{shown(ours.title)}*: {there_is}",))
    told, title = found[:MOST_LINES], f"*{shown(ours.title)}*"
    alarms = tuple(_line(ours, one) for one in told if one.level == "error")
    others = tuple(_line(ours, one) for one in told if one.level != "error")
    more = (f"{PLAIN} {title}: and {len(found) - len(told)} more",) if len(found) > len(told) else ()
    return Report(alarms, (*others, *more, f"{PLAIN} {title}: {there_is}"))


def _line(ours: Ours, finding: Finding) -> str:
    return line(finding.level, f"*{shown(ours.title)}*", finding.text, finding.mend)


def _unknown(answer: Answer) -> Finding:
    text = f"nobody could say what was issued ({_faults(answer)})"
    return Finding("warning", text, "ask again later")


def _outdated(at: datetime, now: datetime) -> Finding:
    return Finding("warning", f"what was issued in the last {age(now - at)} is not known", "ask again later")


def _there_is(ours: Ours, logged: Sequence[Issuance], now: datetime, authority: str) -> str:
    good = [one for one in logged if ours.is_about(one) and one.good_at(now)]
    counted = issued([one for one in logged if ours.in_domain(one)], authority)
    used = f"{len(of_domain(ours.domain, counted, now))} of {A_DOMAIN} new ones in 7 days"
    if not good:
        return f"no certificate is good now; {used} by {shown(authority)}"
    by = Counter(one.id.issuer.words for one in good).most_common()
    listed = ", ".join(f"{count} by {shown(words)}" for words, count in by[:ISSUERS])
    others = f", {sum(count for _, count in by[ISSUERS:])} by others" if len(by) > ISSUERS else ""
    return f"good now {'is' if len(good) == 1 else 'are'} {listed}{others}; {used} by {shown(authority)}"


def _source(answer: Answer, now: datetime) -> str:
    if answer.logged is None:
        return ""
    left_out = f"; {answer.logged.left_out} older ones are not kept" if answer.logged.left_out else ""
    if not answer.is_from_before:
        return f" (says {answer.logged.source}){left_out}"
    return f" (as {answer.logged.source} said {age(now - answer.logged.at)} ago; {_faults(answer)}){left_out}"


def _faults(answer: Answer) -> str:
    return "; ".join(map(shown, answer.faults)) or "nobody was asked"
