"""Findings as Slack shows them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.transparency.lookup import Answer
from executors.transparency.ours import Ours
from executors.transparency.report import MOST_LINES, Report, report, together
from executors.transparency.shown import age
from model.transparency import CertificateId, Issuance, Issuer, Logged
from tests.executors.transparency.logged import NOW, issuance, logged

SHOP = Ours("example.com", ("shop.example.com",))
OURS = issuance("shop.example.com", days=20)
FAULTS = ("crt.sh answered 502", "Cert Spotter answered 429")


def said(*issuances: Issuance, answer: Answer | None = None, asked: tuple[Issuance, ...] = (OURS,)) -> str:
    answer = answer or Answer("example.com", logged(*issuances))
    assert answer.logged is not None
    return together([report(SHOP, answer, answer.logged.issuances, {one.id for one in asked}, NOW)])


def before(ago: timedelta, left_out: int = 0) -> Answer:
    kept = logged(OURS, at=NOW - ago).model_copy(update={"left_out": left_out})
    return Answer("example.com", kept, is_from_before=True, faults=FAULTS)


def test_all_well_is_one_line() -> None:
    assert said(OURS) == (
        ":large_green_circle: *example.com*: good now is 1 by Let's Encrypt R11; "
        "0 of 50 new ones in 7 days by Let's Encrypt (says crt.sh)"
    )


def test_nothing_issued_is_well_too() -> None:
    assert said() == (
        ":large_green_circle: *example.com*: no certificate is good now; "
        "0 of 50 new ones in 7 days by Let's Encrypt (says crt.sh)"
    )


def test_who_issued_is_counted() -> None:
    others = [issuance("shop.example.com", days=30, serial=f"{number}") for number in (5, 6)]
    line = said(OURS, *others, issuance("shop.example.com", by="other", serial="7"), asked=(OURS, *others))
    assert "good now are 3 by Let's Encrypt R11, 1 by Other Trust CA; " in line


def test_a_finding_is_a_line_with_its_mend_and_what_there_is_comes_last() -> None:
    forged = issuance("shop.example.com", by="rogue", serial="bad")
    assert said(forged, OURS).splitlines() == [
        ":red_circle: *example.com*: Rogue &amp; Sons, Ltd Rogue Issuing CA 1 issued a certificate for shop.example.com "
        "that flstr did not ask for, on 2026-04-30, good until 2026-07-29, serial number bad. "
        "_Mend:_ if nobody of yours did, have Rogue &amp; Sons, Ltd Rogue Issuing CA 1 revoke it; "
        "a CAA record says which authorities may issue",
        "• *example.com*: good now are 1 by Rogue &amp; Sons, Ltd Rogue Issuing CA 1, 1 by Let's Encrypt R11; "
        "0 of 50 new ones in 7 days by Let's Encrypt (says crt.sh)",
    ]


def test_what_comes_from_before_says_how_old_it_is_and_why() -> None:
    assert said(answer=before(timedelta(hours=3))).endswith(
        "(as crt.sh said 3 hours ago; crt.sh answered 502; Cert Spotter answered 429)"
    )


def test_what_is_older_than_a_day_is_a_finding() -> None:
    lines = said(answer=before(timedelta(days=3), left_out=7)).splitlines()
    assert lines[0] == (
        ":large_yellow_circle: *example.com*: what was issued in the last 3 days is not known. _Mend:_ ask again later"
    )
    assert lines[1].endswith("Cert Spotter answered 429); 7 older ones are not kept")


def test_without_any_answer_that_is_the_finding() -> None:
    assert together([report(SHOP, Answer("example.com", None, faults=FAULTS), (), (), NOW)]) == (
        ":large_yellow_circle: *example.com*: nobody could say what was issued "
        "(crt.sh answered 502; Cert Spotter answered 429). _Mend:_ ask again later"
    )


def test_of_very_many_findings_the_worst_are_told_and_the_rest_counted() -> None:
    forged = [issuance(f"host{number}.example.com", by="rogue", serial=f"{number}") for number in range(1, 31)]
    lines = said(*forged, issuance("shop.example.com", by="rogue", serial="bad")).splitlines()
    assert lines[0].startswith(":red_circle: ")
    assert lines[MOST_LINES] == "• *example.com*: and 11 more"
    assert len(lines) == MOST_LINES + 2


def test_alarms_of_all_domains_come_before_anything_else_and_each_first_one_before_a_second() -> None:
    reports = [Report(("a1", "a2"), ("a3",)), Report((), ("b1", "b2")), Report(("c1", "c2", "c3"), ("c4",))]
    assert together(reports).split() == ["a1", "c1", "a2", "c2", "c3", "a3", "b1", "b2", "c4"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (119 * 60, "119 minutes"),
        (3 * 3600, "3 hours"),
        (47 * 3600, "47 hours"),
        (5 * 86400, "5 days"),
    ],
)
def test_an_age_in_words(seconds: int, expected: str) -> None:
    assert age(timedelta(seconds=seconds)) == expected


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_what_anybody_says_means_nothing_to_slack(organisation: str, name: str, fault: str) -> None:
    issuer = Issuer(organisation=organisation, common_name=name)
    forged = issuance("shop.example.com").model_copy(update={"id": CertificateId(issuer=issuer, serial="1")})
    kept = Logged(domain="example.com", source="crt.sh", at=NOW, issuances=(forged,))
    answer = Answer("example.com", kept, is_from_before=True, faults=(fault,))
    text = together([report(SHOP, answer, (forged,), (), NOW)])
    assert "<" not in text
    assert ">" not in text
    assert len(text.splitlines()) == 2
    assert text.count("*") == 4
