"""What a person reads: one line a finding, worst first, in words that mean nothing to Slack."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.ask import plain
from executors.doctor.findings import LONGEST, MENDED, Finding, in_order, mended_report, report
from executors.findings import Level
from model.mrkdwn import inert

ONE = Finding("error", "worker101", "worker101 is wrong", "mend it", "ingress016", "vpn_ingr")
BROKEN = Finding("error", "worker101", "worker101 is broken", "mend it", mends=frozenset({"worker101"}))
OTHER = Finding("warning", "ingress016", "ingress016 is old", "look at it")


def test_all_well_is_one_line_that_says_what_was_looked_at() -> None:
    assert report([], ["worker101"], 1) == ":large_green_circle: 1 machine, 1 tunnel: all well"
    assert report([], ["worker101", "ingress016"], 0) == ":large_green_circle: 2 machines, 0 tunnels: all well"


def test_a_finding_is_a_line_that_says_what_is_wrong_and_what_to_do() -> None:
    assert report([OTHER, ONE], ["worker101"], 1).splitlines() == [
        ":red_circle: worker101 is wrong: mend it",
        ":large_yellow_circle: ingress016 is old: look at it",
    ]


def test_errors_come_before_warnings_and_then_it_goes_by_machine() -> None:
    levels: list[tuple[Level, str]] = [("warning", "a"), ("error", "b"), ("error", "a"), ("warning", "b")]
    found = [Finding(level, node, "text", "mend") for level, node in levels]
    assert [(one.level, one.node) for one in in_order(found)] == [
        ("error", "a"),
        ("error", "b"),
        ("warning", "a"),
        ("warning", "b"),
    ]


def claimed(before: list[Finding], after: list[Finding]) -> list[str]:
    lines = mended_report(before, after, ["worker101"], 1).splitlines()
    return [line.removeprefix(f"{MENDED} mended: ") for line in lines if line.startswith(MENDED)]


def test_what_is_mended_comes_before_what_is_left() -> None:
    assert mended_report([BROKEN, OTHER], [OTHER], ["worker101"], 1).splitlines() == [
        ":white_check_mark: mended: worker101 is broken",
        ":large_yellow_circle: ingress016 is old: look at it",
    ]
    assert mended_report([BROKEN], [], ["worker101"], 1).splitlines()[-1].endswith("all well")


def test_what_flstr_does_not_mend_is_not_said_to_be_mended() -> None:
    assert claimed([BROKEN, ONE], []) == ["worker101 is broken"]


def test_what_is_there_still_with_another_figure_is_not_mended() -> None:
    before, after = (replace(BROKEN, text=f"worker101 is {far} off", fault="off") for far in ("4 m", "5 m"))
    assert claimed([before], [after]) == []


def test_what_the_other_end_tells_of_now_is_not_mended() -> None:
    before = replace(BROKEN, text="ingress016 is silent", about="ingress016", fault="silence")
    after = replace(before, node="ingress016", about="worker101", text="worker101 is silent")
    assert claimed([before], [after]) == []


@pytest.mark.parametrize("node", ["worker101", "ingress016"])
def test_what_a_new_error_at_one_of_its_ends_may_explain_is_not_said_to_be_mended(node: str) -> None:
    dead = Finding("error", node, f"{node} cannot be looked at", "see whether it is up")
    before = replace(BROKEN, about="ingress016")
    assert claimed([before], [dead]) == []
    assert claimed([before, dead], [dead]) == ["worker101 is broken"]
    assert claimed([before], [replace(dead, level="warning")]) == ["worker101 is broken"]


def test_a_finding_concerns_both_its_ends() -> None:
    assert [ONE.concerns(node) for node in (None, "worker101", "ingress016", "worker102")] == [True, True, True, False]


def test_what_a_machine_said_cannot_become_markup_or_another_line() -> None:
    bad = Finding("error", "worker101", "<!channel> & <@U1>\nnext\x1b[31m", "mend")
    assert report([bad], [], 0) == ":red_circle: &lt;!channel&gt; &amp; &lt;@U1&gt; next [31m: mend"


def test_what_a_machine_said_is_not_formatted_and_a_shell_shows_it_as_it_was() -> None:
    said = "*bold* _italic_ ~gone~ `code` ```block``` :x: vpn_ingr 10.5.0.1:762 __init__"
    line = report([Finding("error", "worker101", said, "say `doctor worker101 --fix` to _who_")], [], 0)
    found, mend = line.removeprefix(":red_circle: ").split(": say ")
    assert not set("*~`").intersection(found)
    assert not re.search(r":\w+:", found)
    assert re.findall(r"\S*_\S*|[0-9]\S+", found) == ["vpn_ingr", "10.5.0.1:762"]
    assert mend == f"`doctor worker101 --fix` to {inert('_who_')}"
    assert plain(line) == f"✗ {said}: say doctor worker101 --fix to _who_"


@given(st.text(), st.text())
def test_whatever_a_finding_says_it_is_one_line_that_is_not_too_long(text: str, mend: str) -> None:
    told = report([Finding("error", "worker101", text, mend)], [], 0)
    assert len(told.splitlines()) == 1
    assert len(told) < 2 * LONGEST + 50
    assert "<" not in told
