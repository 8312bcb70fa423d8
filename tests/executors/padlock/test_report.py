"""Findings as lines: joined, ordered, and without a meaning to Slack whatever they say."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.padlock.findings import BROKEN, ORDER, Finding, merged
from executors.padlock.report import LINE, MOST_LINES, report
from executors.padlock.seen import Answer, Hop, HostSeen, PortSeen, TlsSeen
from tests.executors.padlock.authority import HOST, issue
from tests.executors.padlock.test_certificate import NOW


def finding(host: str = HOST, node: str = "ingress016", text: str = "no HSTS") -> Finding:
    return Finding("no HSTS", text, "send it", (host,), (node,), 443)


def lines(*found: Finding) -> list[str]:
    return report(found, [], NOW).splitlines()


def test_a_finding_is_a_line_with_its_mend() -> None:
    assert lines(finding()) == [f":large_yellow_circle: *{HOST}*, ingress016 port 443: no HSTS. _Mend:_ send it"]


def test_a_finding_of_no_machine_names_none() -> None:
    assert lines(Finding("CAA forbids", "no", "yes", (HOST,))) == [f":red_circle: *{HOST}*: no. _Mend:_ yes"]


def test_the_same_on_several_machines_and_hosts_is_one_line() -> None:
    found = [
        finding(host, node) for host in ("a.example.com", "b.example.com") for node in ("ingress016", "ingress017")
    ]
    (line,) = lines(*found)
    assert line.startswith(":large_yellow_circle: *a.example.com*, *b.example.com*, ingress016, ingress017 port 443: ")


def test_what_differs_between_machines_stays_apart() -> None:
    assert len(lines(finding("a.example.com", "ingress016"), finding("b.example.com", "ingress017"))) == 2
    assert len(lines(finding(), finding(text="HSTS for 1 seconds only"))) == 2


def test_many_hosts_are_counted() -> None:
    (line,) = lines(*(finding(f"h{number}.example.com") for number in range(100)))
    assert "*h4.example.com* and 95 more, ingress016 port 443" in line


def test_errors_come_before_warnings_and_worse_ones_first() -> None:
    found = merged(Finding(kind, "", "") for kind in reversed(ORDER))
    assert [one.kind for one in found] == list(ORDER)
    assert [one.level for one in found] == ["error"] * len(BROKEN) + ["warning"] * (len(ORDER) - len(BROKEN))


def test_a_long_report_ends_with_a_count() -> None:
    many = lines(*(finding(text=f"fault {number}") for number in range(MOST_LINES + 7)))
    assert len(many) == MOST_LINES + 1
    assert many[-1] == "… and 7 findings more"


@pytest.mark.parametrize("hosts", [1, 2])
def test_all_well_tells_the_certificate_that_ends_first(hosts: int) -> None:
    ends = [NOW + timedelta(days=60, hours=1), NOW + timedelta(days=40, hours=1)]
    issued = [issue(HOST, left=end - NOW).certificate for end in ends]
    ports = tuple(
        PortSeen(f"ingress{number}", 443, (Hop("", Answer(200)),), TlsSeen((one,))) for number, one in enumerate(issued)
    )
    seen = [HostSeen(f"h{number}.example.com", ports) for number in range(hosts)]
    wanted = {
        1: ":large_green_circle: *h0.example.com*: ingress0, ingress1 answer as they should, certificate good for 40 days",
        2: ":large_green_circle: 2 hosts: ingress0, ingress1 answer as they should, every certificate good for 40 days "
        "at least",
    }
    assert report([], seen, NOW) == wanted[hosts]


@given(st.text(max_size=1000))
def test_what_is_said_outside_means_nothing_to_slack(said: str) -> None:
    (line,) = report([Finding("untrusted", said, said, (HOST,), ("ingress016",), 443)], [], NOW).splitlines()
    assert "<" not in line
    assert ">" not in line
    assert "`" not in line
    assert all(letter.isprintable() for letter in line)
    # Escaping makes one character into five at most.
    assert len(line) < 2 * 5 * LINE + 200
