"""What status says of certificates."""

from datetime import timedelta
from typing import Any

from gitops.describe_certificates import MOST_LINES, certificates
from model.certificates import CertificateRecord, IssueFailure
from model.mrkdwn import inert
from model.registered import Registered
from tests.gitops.scene import NOON, app_yaml, certificate, registered, secured

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOST = "a.flstr.lab"


def tree(*hosts: str, **changes: Any) -> Registered:
    return registered(app_text=secured(app_yaml(), *hosts)).model_copy(update=changes)


def having(host: str, days: int, failure: IssueFailure | None = None) -> dict[str, CertificateRecord]:
    issued = certificate(host, NOON - 90 * DAY, days=90 + days)
    return {host: CertificateRecord(name=host, issued=issued, failure=failure)}


def failing(host: str, failure: IssueFailure) -> dict[str, CertificateRecord]:
    return {host: CertificateRecord(name=host, failure=failure)}


def test_without_https_there_is_nothing_to_tell() -> None:
    assert certificates(registered(), NOON) == []


def test_one_that_waits_says_for_what() -> None:
    waits = "it is asked for once the host is routed and its name leads there"
    assert certificates(tree(HOST), NOON) == [f"• {HOST}: no certificate yet; {waits}"]
    assert certificates(tree(HOST, due={HOST: "x"}), NOON) == [f"• {HOST}: no certificate yet; a new one is being got"]


def test_one_that_has_ended_says_when() -> None:
    assert certificates(tree(HOST, certificates=having(HOST, -1)), NOON) == [
        f"• {HOST}: its certificate ended on 2026-11-25"
    ]
    assert certificates(tree(HOST, certificates=having(HOST, 1)), NOON) == [f"• {HOST}: good for 1 day"]


def test_one_that_fails_says_why_and_when_it_is_tried_again() -> None:
    failure = IssueFailure(sentence=f"{HOST}: no certificate, because *nobody* answers", at=NOON)
    assert certificates(tree(HOST, certificates=failing(HOST, failure)), NOON) == [
        f":warning: {HOST}: no certificate yet; the last attempt failed: {inert('*nobody*')} answers; "
        "tried again at 2026-11-26 13:00 UTC"
    ]
    told = failure.model_copy(update={"retry_at": NOON + 3 * DAY})
    (line,) = certificates(tree(HOST, certificates=having(HOST, 20, told)), NOON)
    assert line.startswith(f":warning: {HOST}: good for 20 days; the last attempt failed: ")
    assert line.endswith("; tried again at 2026-11-29 12:00 UTC")
    (late,) = certificates(tree(HOST, certificates=having(HOST, 20, told)), NOON + 4 * DAY)
    assert late.endswith("; tried again now")


def test_those_that_fail_come_first_and_then_those_that_end_first() -> None:
    failure = IssueFailure(sentence="no", at=NOON)
    hosts = ("a.flstr.lab", "b.flstr.lab", "c.flstr.lab", "d.flstr.lab")
    kept = {
        **having("a.flstr.lab", 60),
        **having("b.flstr.lab", 30),
        **having("c.flstr.lab", 80, failure),
    }
    told = certificates(tree(*hosts, certificates=kept), NOON)
    assert [next(host for host in hosts if host in line) for line in told] == [hosts[2], hosts[3], hosts[1], hosts[0]]


def test_of_many_those_that_end_last_are_counted() -> None:
    hosts = [f"host{number:02}.flstr.lab" for number in range(MOST_LINES + 5)]
    kept = {name: record for number, host in enumerate(hosts) for name, record in having(host, 10 + number).items()}
    told = certificates(tree(*hosts, certificates=kept), NOON)
    assert len(told) == MOST_LINES + 1
    assert told[-1] == f"• and 5 more, good for {10 + MOST_LINES} days at least"
