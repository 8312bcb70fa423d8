"""What a terminal shows of an operation, and what is printed where there is none."""

import io

from rich.console import Console

from cli.operation_display import Display, News, table, took
from model.operation import Operation, Origin, StepState
from model.steps import InstallController, Plan, PlannedStep

PLAN = Plan(
    title="bootstrap small",
    steps=tuple(
        PlannedStep(id=node, title=f"install flstr on {node}", step=InstallController(node=node))
        for node in ("controller101", "controller102")
    ),
)

WAITING = StepState()


def operation(one: StepState, other: StepState = WAITING) -> Operation:
    steps = {"controller101": one, "controller102": other}
    return Operation(
        id="1", revision="", plan=PLAN, origin=Origin(), status="running", steps=steps, created=100.0, started=100.0
    )


def shown(of: Operation, now: float) -> list[str]:
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(table(of, now))
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


def test_each_step_has_its_state_its_newest_line_and_its_time() -> None:
    running = StepState(status="running", detail="sent 8 of 33 MiB", started=100.0)
    assert shown(operation(running), 165.0) == [
        "▶ install flstr on controller101 sent 8 of 33 MiB 1 min 5 s",
        "· install flstr on controller102",
    ]


def test_a_step_that_is_done_says_how_long_it_took_and_no_more() -> None:
    done = StepState(status="done", detail="has flstr", started=100.0, ended=112.4)
    assert shown(operation(done), 500.0)[0] == "✓ install flstr on controller101 12 s"
    assert took(StepState(), 500.0) == ""


def test_without_a_terminal_each_thing_is_said_once() -> None:
    news, running = News(), StepState(status="running", detail="unpacking", started=100.0)
    failed = StepState(status="failed", detail="controller101: no room", started=100.0, ended=103.0)
    assert list(news.lines(operation(running), 101.0)) == ["▶ install flstr on controller101: unpacking"]
    assert list(news.lines(operation(running), 102.0)) == []
    assert list(news.lines(operation(failed), 103.0)) == [
        "✗ install flstr on controller101 (3 s): controller101: no room"
    ]


def test_a_file_gets_plain_lines() -> None:
    file = io.StringIO()
    with Display(Console(file=file, width=200)) as display:
        display.show(operation(StepState(status="done", started=100.0, ended=101.0)))
    assert file.getvalue() == "✓ install flstr on controller101 (1 s)\n"
