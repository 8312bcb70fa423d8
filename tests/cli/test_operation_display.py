"""What a terminal shows of an operation, and what is printed where there is none."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from cli.operation_display import Display, News, table, took
from model.operation import Operation, Origin, StepState, StepTask, StepTasks
from model.steps import InstallController, Plan, PlannedStep
from tests.cli.screen import Screen

PLAN = Plan(
    title="bootstrap small",
    steps=tuple(
        PlannedStep(id=node, title=f"install flstr on {node}", step=InstallController(node=node))
        for node in ("controller101", "controller102")
    ),
)

WAITING = StepState()
TIMES = {"started": 100.0, "ended": 103.0}
DONE = StepState(status="done", started=100.0, ended=103.0)


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


PLAYBOOK = StepTasks(
    shown=(
        StepTask(name="Write the configuration", status="changed", changed=2),
        StepTask(name="Start\x1b[2J", status="failed", failed=1),
        StepTask(name="Wait", status="running"),
    ),
    quiet=1,
)


def test_the_tasks_of_a_playbook_are_shown_below_its_step_while_it_runs() -> None:
    running = StepState(status="running", tasks=PLAYBOOK, started=100.0)
    assert shown(operation(running), 101.0)[1:-1] == [
        "✓ 1 task found nothing to change",
        "✓ Write the configuration (changed on 2)",
        "✗ Start [2J (failed on 1)",
        "▶ Wait",
    ]
    assert len(shown(operation(DONE.model_copy(update={"tasks": PLAYBOOK})), 500.0)) == 2


def test_without_a_terminal_a_task_is_told_once_it_has_changed_something_or_failed() -> None:
    news, running = News(), StepState(status="running", tasks=PLAYBOOK, started=100.0)
    assert list(news.lines(operation(running), 101.0)) == [
        "▶ install flstr on controller101",
        "    ✓ Write the configuration (changed on 2)",
        "    ✗ Start [2J (failed on 1)",
    ]
    assert list(news.lines(operation(running), 102.0)) == []


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


LONG = "controller101: the archive did not arrive as it was sent; what came is 31 of 38 MiB, and it was removed there"
NARROW = 36


def live(acts: Callable[[Display], None], columns: int = 100, rows: int = 50, term: str = "xterm") -> Screen:
    """The screen of a terminal once the display has been left; consoles are made as the commands make theirs."""
    file = io.StringIO()
    console = Console(
        file=file,
        force_terminal=True,
        highlight=False,
        soft_wrap=True,
        width=columns,
        height=rows,
        _environ={"TERM": term},
    )
    with Display(console) as display:
        acts(display)
    screen = Screen(columns, rows)
    screen.write(file.getvalue())
    return screen


def seen(screen: Screen) -> list[str]:
    assert screen.cursor_is_shown
    return [" ".join(line.split()) for line in screen.lines()]


def test_on_a_terminal_each_step_stays_where_it_is_and_its_newest_state_is_left() -> None:
    def acts(display: Display) -> None:
        display.show(operation(StepState(status="running", detail="sent 8 of 33 MiB", started=100.0)))
        display.show(operation(StepState(status="running", detail="unpacking", started=100.0)))
        display.show(operation(StepState(status="done", started=100.0, ended=112.4), DONE))

    assert seen(live(acts)) == ["✓ install flstr on controller101 12 s", "✓ install flstr on controller102 3 s"]


def test_what_is_said_stays_above_the_steps() -> None:
    def acts(display: Display) -> None:
        display.show(operation(StepState(status="running", detail="unpacking", started=100.0)))
        display.say("stopping within 10 s; Ctrl-C again [stops] at once")
        display.show(operation(StepState(status="failed", detail="no room", started=100.0, ended=103.0), DONE))

    assert seen(live(acts)) == [
        "stopping within 10 s; Ctrl-C again [stops] at once",
        "✗ install flstr on controller101 no room 3 s",
        "✓ install flstr on controller102 3 s",
    ]


def test_a_narrow_terminal_keeps_nothing_of_lines_that_were_longer_or_more() -> None:
    running, done = StepState(status="running", detail=LONG, started=100.0), StepState(status="done", **TIMES)

    def acts(display: Display) -> None:
        display.show(operation(running, running))
        display.say(LONG)
        display.show(operation(done, running))
        display.show(operation(done, done))

    def end_alone(display: Display) -> None:
        display.show(operation(done, done))

    said, end = len(LONG) // NARROW + 1, live(end_alone, NARROW).lines()
    screen = live(acts, NARROW).lines()
    assert "".join(screen[:said]).replace(" ", "") == LONG.replace(" ", "")
    assert screen[said:] == end
    assert all(len(line) <= NARROW for line in screen)


def test_a_narrow_terminal_shows_all_of_why_a_step_failed() -> None:
    failed = StepState(status="failed", detail=LONG, started=100.0, ended=103.0)
    screen = live(lambda display: display.show(operation(failed)), NARROW).lines()
    assert not any("…" in line for line in screen)
    assert all(len(line) <= NARROW for line in screen)


def test_in_a_low_terminal_all_steps_are_there_in_the_end() -> None:
    def acts(display: Display) -> None:
        for _ in range(3):
            display.show(operation(StepState(status="running", detail="unpacking", started=100.0)))
        display.show(operation(StepState(status="done", **TIMES), DONE))

    assert seen(live(acts, rows=2)) == ["✓ install flstr on controller101 3 s", "✓ install flstr on controller102 3 s"]


def test_what_a_machine_printed_moves_no_cursor_and_begins_no_line() -> None:
    printed = StepState(status="failed", detail="dpkg\x1b[2J\x1b]0;title\x07 said:\r\nno room\t", **TIMES)
    assert seen(live(lambda display: display.show(operation(printed, DONE)))) == [
        "✗ install flstr on controller101 dpkg [2J ]0;title said: no room 3 s",
        "✓ install flstr on controller102 3 s",
    ]
    assert list(News().lines(operation(printed), 103.0)) == [
        "✗ install flstr on controller101 (3 s): dpkg [2J ]0;title said: no room"
    ]


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_be_written_over_gets_lines_while_it_runs(term: str) -> None:
    def acts(display: Display) -> None:
        display.show(operation(StepState(status="running", detail="unpacking", started=100.0)))
        display.show(operation(StepState(status="done", **TIMES)))

    assert seen(live(acts, term=term)) == [
        "▶ install flstr on controller101: unpacking",
        "✓ install flstr on controller101 (3 s)",
    ]
