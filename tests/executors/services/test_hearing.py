"""What is kept of a run's events."""

from functools import partial
from typing import Any

from executors.services.hearing import MOST_SHOWN, Heard
from executors.services.words import MOST_CHARACTERS, told, would_change
from gitops.secrets import masked
from model.operation import StepTask


def event(kind: str, task: str = "Install", host: str = "service101", **data: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": {"task": task, "task_uuid": task, "host": host, **data}}


def heard(*events: dict[str, Any]) -> Heard:
    found = Heard(partial(masked, values=(b"hunter2hunter2",)))
    for one in events:
        found.hear(one)
    return found


START = event("playbook_on_task_start")


def test_a_task_runs_until_the_next_one_begins() -> None:
    both = [event("runner_on_ok", res={"changed": True}), event("runner_on_ok", host="service102", res={})]
    assert heard(START).tasks().shown == (StepTask(name="Install", status="running"),)
    assert heard(START, *both).tasks().shown == (StepTask(name="Install", status="running", ok=1, changed=1),)
    after = heard(START, *both, event("playbook_on_task_start", "Start"))
    assert [(task.name, task.status) for task in after.tasks().shown] == [("Install", "changed"), ("Start", "running")]


def test_tasks_that_changed_nothing_are_counted_and_those_that_were_skipped_are_not() -> None:
    found = heard(
        START, event("runner_on_ok", res={}),
        event("playbook_on_task_start", "Leave"), event("runner_on_skipped", "Leave"),
    )  # fmt: skip
    found.end()
    assert (found.tasks().shown, found.tasks().quiet) == ((), 1)


def test_of_very_many_tasks_the_newest_are_shown() -> None:
    names = [f"task {number}" for number in range(MOST_SHOWN + 5)]
    found = heard(*(event("runner_on_ok", name, res={"changed": True}) for name in names))
    found.end()
    assert [task.name for task in found.tasks().shown] == names[5:]
    assert found.tasks().quiet == 5


def test_a_failure_says_where_what_and_why() -> None:
    (failure,) = heard(event("runner_on_failed", res={"msg": "no such\npackage hunter2hunter2"})).failures
    assert failure.sentence == "service101: the task 'Install' failed: no such package ****"
    (failure,) = heard(event("runner_on_unreachable", res={"msg": "timed out"})).failures
    assert failure.sentence == "service101: Ansible did not reach it for the task 'Install': timed out"
    command = {"msg": "non-zero return code", "stderr": "first\nno room\n"}
    (failure,) = heard(event("runner_on_failed", res=command)).failures
    assert failure.why == "non-zero return code: no room"
    turns = {"msg": "One or more items failed", "results": [{"failed": False}, {"failed": True, "msg": "the second"}]}
    (failure,) = heard(event("runner_on_failed", res=turns)).failures
    assert failure.why == "the second"


def test_a_failure_that_the_playbook_ignores_is_none() -> None:
    found = heard(event("runner_on_failed", res={"msg": "it is not there"}, ignore_errors=True))
    found.end()
    assert (found.failures, found.tasks().quiet) == ([], 1)


def test_what_ansible_hides_stays_hidden() -> None:
    hidden = {"censored": "the output has been hidden due to the fact that 'no_log: true' was specified"}
    (failure,) = heard(event("runner_on_failed", res=hidden)).failures
    assert "has been hidden" in failure.why
    found = heard(event("runner_on_ok", res={"changed": True, **hidden}))
    assert found.changes[0].lines == ()


def test_what_changed_is_told_by_task_with_its_lines_and_without_secrets() -> None:
    diff = [{"before": "a\nport 1\n", "after": "a\nport 2\npass hunter2hunter2\n", "after_header": "/etc/redis.conf"}]
    changed = [
        event("runner_on_ok", host=host, res={"changed": True, "diff": diff}) for host in ("service102", "service101")
    ]
    stats = {
        "event": "playbook_on_stats",
        "event_data": {"ok": {"service101": 3, "service102": 3}, "changed": {"service101": 1, "service102": 1}},
    }
    assert told("cache", heard(*changed, stats)).splitlines() == [
        "cache: service101 ok=3 changed=1, service102 ok=3 changed=1",
        "Install (service101, service102)",
        "    /etc/redis.conf",
        "    -port 1",
        "    +port 2",
        "    +pass ****",
    ]


def test_what_would_change_is_said_of_each_machine_with_its_lines_and_without_secrets() -> None:
    diff = {"before": "port 1\n", "after": "port 2\npass hunter2hunter2\n", "after_header": "/etc/redis.conf"}
    settings = [
        event("runner_on_ok", "Settings", host, res={"changed": True, "diff": diff})
        for host in ("service102", "service101")
    ]
    more = [event("runner_on_ok", task, res={"changed": True}) for task in ("Start", "Start", "Leave a note")]
    assert would_change(heard(*settings, *more).changes) == [
        "service101: Settings\n        /etc/redis.conf\n        -port 1\n        +port 2\n        +pass ****\n"
        "    Start\n    Leave a note",
        "service102: Settings\n        /etc/redis.conf\n        -port 1\n        +port 2\n        +pass ****",
    ]
    assert would_change([]) == []


def test_a_machine_that_says_much_of_what_would_change_leaves_room_for_the_others() -> None:
    diff = {"before": "", "after": "x" * 500}
    events = [event("runner_on_ok", f"task {number}", res={"changed": True, "diff": diff}) for number in range(200)]
    first, second = would_change(
        heard(*events, event("runner_on_ok", host="service102", res={"changed": True})).changes
    )
    assert MOST_CHARACTERS / 2 < len(first) < MOST_CHARACTERS / 2 + 30
    assert first.endswith("… (cut short)")
    assert second == "service102: Install"


def test_a_recap_names_what_failed_and_who_was_not_reached() -> None:
    stats = {"event": "playbook_on_stats", "event_data": {"failures": {"service101": 1}, "dark": {"service102": 1}}}
    assert told("cache", heard(stats)) == (
        "cache: service101 ok=0 changed=0 failed=1, service102 ok=0 changed=0 unreachable=1"
    )


def test_what_is_told_is_never_longer_than_a_record_may_hold() -> None:
    diff = {"before": "", "after": "x" * 500}
    events = [event("runner_on_ok", f"task {number}", res={"changed": True, "diff": diff}) for number in range(200)]
    assert len(told("cache", heard(*events))) < MOST_CHARACTERS + 30
