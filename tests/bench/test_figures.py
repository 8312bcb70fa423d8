"""How figures are counted and shown."""

import io
import time

from rich.console import Console

from bench.figures import Figure, Group, in_turn, timed
from bench.report import duration, table

HUNDRED = Figure("a hundred runs", tuple(number / 1000 for number in range(100, 0, -1)))


def test_the_99th_percentile_leaves_out_one_run_of_a_hundred() -> None:
    assert HUNDRED.percentile(0.99) == 0.099
    assert HUNDRED.percentile(0.5) == 0.05


def test_of_few_runs_the_99th_percentile_is_the_slowest() -> None:
    assert Figure("", (0.3, 0.1, 0.2)).percentile(0.99) == 0.3


def test_figures_are_divided_by_the_floor_of_their_group() -> None:
    floor, twice = Figure("bare", (0.1,), "floor"), Figure("flstr", (0.2, 0.2, 5.0))
    group = Group("", (twice, floor))
    assert group.times_floor(twice) == 2
    assert group.times_floor(floor) is None
    assert Group("", (twice,)).times_floor(twice) is None


def test_what_comes_before_a_run_is_not_counted() -> None:
    [seconds] = timed(lambda: None, 1, before=lambda: time.sleep(0.2))
    assert seconds < 0.2


def test_works_take_turns() -> None:
    order: list[str] = []
    first, second = in_turn([lambda: order.append("a"), lambda: order.append("b")], 3)
    assert order == ["a", "b"] * 3
    assert len(first) == len(second) == 3


def test_durations_have_the_unit_a_reader_expects() -> None:
    assert [duration(seconds) for seconds in (0.00123, 0.0456, 1.5, 61)] == ["1.23 ms", "45.6 ms", "1.50 s", "61.0 s"]


def test_the_table_names_floor_and_peers() -> None:
    group = Group("a title", (HUNDRED, Figure("bare", (0.01,), "floor"), Figure("other", (0.02,), "peer")))
    text = io.StringIO()
    Console(file=text, width=120).print(table(group))
    lines = [" ".join(line.split()) for line in text.getvalue().splitlines()]
    assert lines[:3] == [
        "a title",
        "runs min median p99 max / floor",
        "a hundred runs 100 1.00 ms 50.5 ms 99.0 ms 100.0 ms 5.0",
    ]
    assert lines[3].startswith("floor: bare 1 10.0 ms")
    assert lines[4].startswith("peer: other 1 20.0 ms")


def test_columns_that_would_say_nothing_are_left_out() -> None:
    text = io.StringIO()
    Console(file=text, width=120).print(table(Group("", (Figure("once", (2.5,), note="a note"),))))
    assert [" ".join(line.split()) for line in text.getvalue().splitlines()][-2:] == ["took", "once 2.50 s a note"]
