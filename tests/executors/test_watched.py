"""What was seen of new instances, and what it says of their release."""

from hypothesis import given
from hypothesis import strategies as st

from executors.watched import (
    LEAST_FAILED,
    MARGIN,
    Counts,
    Look,
    Unit,
    Watched,
    down_from,
    ended_fault,
    failing_fault,
    fails_more,
    parse_looks,
)
from tests.executors.example import influencer

NEW = {"3-new": "worker101", "4-new": "worker102"}
PRINTED = """\
before haproxy 1-old 100 2 0 1 UP
before haproxy 3-new 10 0 0 0 UP
before unit 3-new active 0a1b 0
after haproxy 1-old 160 2 0 1 UP
after haproxy 3-new 30 4 1 2 DOWN 1/2
after unit 3-new activating none 1
"""

counts = st.builds(
    lambda requests, failed: Counts(requests, min(requests, failed)), st.integers(0, 500), st.integers(0, 500)
)


def watched(**of: tuple[int, int]) -> Watched:
    """A machine whose HAProxy counted (requests, failed) of instances, `new3` being `3-new`."""
    named = {f"{name[3:]}-{name[:3]}": Counts(*count) for name, count in of.items()}
    return Watched(Look(), Look(named), named)


def test_what_the_script_prints_is_read() -> None:
    before, after = parse_looks(PRINTED, "http")
    assert before.counts == {"1-old": Counts(100, 3), "3-new": Counts(10, 0)}
    assert before.units == {"3-new": Unit(True, 0, "0a1b")}
    assert after.counts["3-new"] == Counts(30, 7)
    assert after.down == {"3-new"}
    assert after.units == {"3-new": Unit(False, 1, "none")}


def test_an_app_that_does_not_speak_http_is_judged_by_its_connections_alone() -> None:
    _, after = parse_looks(PRINTED, "tcp")
    assert after.counts["3-new"] == Counts(30, 1)


def test_only_what_came_since_the_beginning_counts() -> None:
    before, after = parse_looks(PRINTED, "http")
    assert Watched(before, before).then(after).counts == {"1-old": Counts(60, 0), "3-new": Counts(20, 7)}


def test_counters_that_began_anew_with_a_reload_are_added() -> None:
    first = Look({"3-new": Counts(100, 10)})
    grown = Watched(first, first).then(Look({"3-new": Counts(120, 12)})).then(Look({"3-new": Counts(5, 1)}))
    assert grown.counts == {"3-new": Counts(25, 3)}


@given(st.lists(counts, max_size=8))
def test_rounds_add_up_to_what_haproxy_counted(parts: list[Counts]) -> None:
    total = Counts(7, 3)
    seen = Watched(Look({"3-new": total}), Look({"3-new": total}))
    for part in parts:
        total += part
        seen = seen.then(Look({"3-new": total}))
    assert seen.counts.get("3-new", Counts()) == sum(parts, Counts())


def test_without_traffic_nothing_is_wrong() -> None:
    assert failing_fault(influencer(), NEW, {"ingress016": watched(new3=(0, 0), new4=(0, 0), old1=(0, 0))}) is None
    assert failing_fault(influencer(), NEW, {}) is None


def test_a_new_one_that_fails_where_the_old_does_not_is_told_with_both_counts() -> None:
    seen = {"ingress016": watched(new3=(20, 6), old1=(21, 0)), "worker102": watched(new3=(1, 1), old1=(19, 0))}
    fault = failing_fault(influencer(), NEW, seen)
    assert fault is not None
    assert fault.sentence == (
        "influencer 3-new on worker101: 7 of 21 requests failed, against 0 of 40 to the instances beside it"
    )
    assert fault.instance == "3-new"


def test_what_fails_as_often_on_the_old_ones_is_not_the_new_ones_fault() -> None:
    assert failing_fault(influencer(), NEW, {"ingress016": watched(new3=(20, 7), old1=(20, 7))}) is None


def test_failures_that_each_new_one_has_a_few_of_are_seen_together() -> None:
    seen = {"ingress016": watched(new3=(20, 2), new4=(20, 2), old1=(40, 0))}
    fault = failing_fault(influencer(), NEW, seen)
    assert fault is not None
    assert fault.sentence == (
        "influencer 3-new, 4-new: 4 of 40 requests failed, against 0 of 40 to the instances beside it"
    )


def test_a_first_release_has_nothing_beside_it_and_is_judged_all_the_same() -> None:
    app = influencer(env={"PROTOCOL": "tcp"})
    fault = failing_fault(app, NEW, {"worker101": watched(new3=(4, 3))})
    assert fault is not None
    assert fault.sentence == "influencer 3-new on worker101: 3 of 4 connections failed, and nobody asked the others"


@given(counts, counts)
def test_a_release_is_at_fault_from_three_failures_and_five_points_on(new: Counts, others: Counts) -> None:
    at_fault = fails_more(new, others)
    assert at_fault == (new.failed >= LEAST_FAILED and new.share - others.share > MARGIN) or (
        abs(new.share - others.share - MARGIN) < 1e-9
    )
    if at_fault:
        assert not fails_more(others, new)


@given(counts, counts)
def test_more_failures_never_acquit(new: Counts, others: Counts) -> None:
    if fails_more(new, others):
        assert fails_more(new + Counts(1, 1), others)


def with_unit(first: Unit, last: Unit) -> dict[str, Watched]:
    return {"worker101": Watched(Look(units={"3-new": first}), Look(units={"3-new": last}))}


def test_an_instance_that_goes_on_is_not_at_fault() -> None:
    running = Unit(True, 0, "0a1b")
    assert ended_fault(influencer(), NEW, with_unit(running, running)) is None
    assert ended_fault(influencer(), NEW, {}) is None


def test_one_that_ended_was_started_again_or_anew_is() -> None:
    running = Unit(True, 0, "0a1b")
    for last, words in (
        (Unit(False, 0, "0a1b"), "ended after it had been healthy"),
        (Unit(True, 1, "2c3d"), "ended after it had been healthy, and systemd started it again once"),
        (Unit(False, 3, "none"), "ended after it had been healthy, and systemd started it again 3 times"),
        (Unit(True, 0, "2c3d"), "was started again while it was watched"),
    ):
        fault = ended_fault(influencer(), NEW, with_unit(running, last))
        assert fault is not None
        assert fault.sentence == f"influencer 3-new on worker101 {words}"


def down(*, first: bool) -> Watched:
    gone = Look(down=frozenset({"3-new"}))
    return Watched(gone if first else Look(), gone)


def test_one_that_went_down_is_found_by_its_own_machine_first() -> None:
    seen = {"ingress016": down(first=False), "worker101": down(first=False)}
    assert down_from(NEW, seen, ("ingress016",)) == {"3-new": "worker101"}
    assert down_from(NEW, {"worker102": down(first=False)}, ()) == {"3-new": "worker102"}


def test_one_that_was_down_from_the_beginning_counts_only_where_it_was_seen_before() -> None:
    assert down_from(NEW, {"ingress016": down(first=True)}, ("ingress016",)) == {"3-new": "ingress016"}
    assert down_from(NEW, {"worker102": down(first=True)}, ("ingress016",)) == {}


def test_old_ones_that_are_down_are_not_judged() -> None:
    gone = Look(down=frozenset({"1-old"}))
    assert down_from(NEW, {"ingress016": Watched(Look(), gone)}, ("ingress016",)) == {}
