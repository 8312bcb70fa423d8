"""A playbook of a cluster repo, run by Ansible over SSH."""

import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from executors.services.words import would_change
from executors.ssh import Ssh
from model.errors import Cancelled, Fenced, StepFailed
from tests.bot.room import eventually
from tests.executors.services.field import ADDRESSES, Field
from tests.executors.sshd import LoopbackSshd, make_key

AWKWARD = "{{ 1 + 1 }} {% raw %} \u00e9 \U0001f600 \"'\\"


def under_way(field: Field) -> bool:
    """Whether a run has come to where it waits for leave to go on."""
    return bool(field.tasks) and any(
        task.name == "Wait for leave to go on" and task.status == "running" for task in field.tasks[-1].shown
    )


def command_lines() -> str:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return "\n".join(found)


def password(field: Field) -> str:
    return field.read("service101", "password").strip().removeprefix("password=")


def left(field: Field) -> list[Path]:
    return list(field.state.glob("ansible-*"))


def test_a_playbook_finds_its_roles_and_collections_and_what_it_is_told(field: Field) -> None:
    field.run(queue_text=AWKWARD)
    assert field.read("service101", "told").splitlines() == [
        "apply queue 5672 10.111.0.1 leader=service101",
        AWKWARD,
    ]
    assert field.read("service102", "told").startswith("apply queue 5672 10.111.0.2")
    assert field.read("service102", "note") == "NOTED\n"
    assert left(field) == []


def test_its_tasks_are_shown_as_they_come_and_what_changed_is_told_in_the_end(field: Field) -> None:
    field.run()
    assert [(task.name, task.status) for task in field.tasks[0].shown] == [("Have a folder", "running")]
    last = field.tasks[-1]
    assert [(task.name, task.status, task.changed) for task in last.shown] == [
        ("Have a folder", "changed", 2),
        ("Write what it is told", "changed", 2),
        ("Write its password where others see it", "changed", 2),
        ("Leave a note", "changed", 2),
    ]
    assert last.quiet == 1
    first, *lines = field.told[0].splitlines()
    assert first == "queue: service101 ok=5 changed=4, service102 ok=5 changed=4"
    assert "Have a folder (service101, service102)" in lines
    assert "    +password=****" in lines


def test_a_second_run_changes_nothing(field: Field) -> None:
    field.run()
    field.run()
    assert field.tasks[-1].shown == ()
    assert field.told[-1] == "queue: service101 ok=5 changed=0, service102 ok=5 changed=0"


def test_machines_are_worked_on_side_by_side(field: Field) -> None:
    field.playbooks.run(field.run_of(field.service("meet")), field.context)
    assert field.tasks[-1].quiet == 1


def test_no_secret_is_in_a_command_line_in_what_is_told_or_in_etcd(field: Field) -> None:
    failures: list[BaseException] = []
    thread = field.start(field.service(queue_waits=True), failures)
    eventually(lambda: under_way(field))
    lines = command_lines()
    (field.files / "go-on").touch()
    thread.join()
    assert failures == []
    assert "ansible-playbook" in lines
    for text in (lines, *field.told, *field.reports, repr(field.tasks), repr(field.store.prefix(""))):
        assert password(field) not in text


def test_a_task_that_fails_is_named_with_its_machine_and_its_reason(field: Field) -> None:
    with pytest.raises(StepFailed) as failed:
        field.run(queue_fails_on="service102")
    assert failed.value.sentence == (
        "service102: the task 'Fail where it is told to' failed: non-zero return code: no room for ****"
    )
    assert password(field) not in failed.value.output
    assert field.tasks[-1].shown[-2].name == "Fail where it is told to"
    assert field.tasks[-1].shown[-2].status == "failed"
    assert field.read("service101", "note") == "NOTED\n"


def test_a_playbook_that_cannot_be_read_fails_with_what_ansible_says_of_it(field: Field) -> None:
    with pytest.raises(StepFailed, match=r"the playbook of queue cannot be run: .*no_such_module"):
        field.playbooks.run(field.run_of(field.service("broken")), field.context)
    with pytest.raises(StepFailed, match=r"the cluster repo has no playbooks/absent.yml at the revision"):
        field.playbooks.run(field.run_of(field.service("absent")), field.context)


def test_a_run_whose_controller_was_replaced_does_not_begin(field: Field) -> None:
    field.ssh.run_all(dict.fromkeys(ADDRESSES, ":"), field.led_by(2).fence)
    with pytest.raises(Fenced):
        field.run()
    assert list(field.files.iterdir()) == []


def test_a_run_whose_controller_is_replaced_in_the_middle_of_it_does_nothing_more(field: Field) -> None:
    failures: list[BaseException] = []
    thread = field.start(field.service(queue_waits=True), failures)
    eventually(lambda: under_way(field))
    field.ssh.run_all(dict.fromkeys(ADDRESSES, ":"), field.led_by(2).fence)
    (field.files / "go-on").touch()
    thread.join()
    assert [type(failure) for failure in failures] == [Fenced]
    assert not (field.files / "service101/went-on").exists()
    assert not (field.files / "service101/note").exists()


def test_a_newer_controller_lends_its_token_to_no_older_run(field: Field) -> None:
    failures: list[BaseException] = []
    thread = field.start(field.service(queue_waits=True), failures)
    eventually(lambda: under_way(field))
    field.playbooks.run(field.run_of(field.service("meet")), field.led_by(2))
    (field.files / "go-on").touch()
    thread.join()
    assert [type(failure) for failure in failures] == [Fenced]


def test_a_run_that_nobody_wants_any_more_ends_with_all_that_it_started(field: Field) -> None:
    failures: list[BaseException] = []
    thread = field.start(field.service(queue_waits=True), failures)
    eventually(lambda: under_way(field))
    field.context.cancellation.cancel("a newer revision came")
    thread.join()
    assert [type(failure) for failure in failures] == [Cancelled]
    assert left(field) == []
    assert str(field.state) not in command_lines()


def test_a_run_that_takes_too_long_is_stopped(field: Field) -> None:
    service = field.service(queue_waits=True).model_copy(update={"within": 6.0})
    with pytest.raises(
        StepFailed,
        match=r"was not done after 6 s and was stopped in the task '",
    ):
        field.playbooks.run(field.run_of(service), field.context)


def test_a_machine_with_another_host_key_is_not_talked_to(field: Field, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    field.registry.put_host(field.sshd.record("service102", other, ip=ADDRESSES["service102"]))
    with pytest.raises(StepFailed, match=r"service102: 127.0.0.2 shows an SSH host key that is not the registered one"):
        field.run()
    with pytest.raises(StepFailed, match=r"service102: Ansible did not reach it for the task 'Have a folder'"):
        field.playbooks.check(field.run_of(field.service()), field.registry)
    assert list(field.files.iterdir()) == []


def test_check_mode_says_what_would_change_and_changes_nothing(field: Field) -> None:
    heard = field.playbooks.check(field.run_of(field.service()), field.registry)
    assert {(change.node, change.task) for change in heard.changes} >= {
        ("service101", "Have a folder"),
        ("service102", "Write what it is told"),
    }
    first, second = would_change(heard.changes)
    assert first.startswith("service101: Have a folder\n")
    assert "        +apply queue 5672 10.111.0.2 leader=service101\n" in second
    assert "        +password=****\n" in second
    assert list(field.files.iterdir()) == []
    assert not field.remote_state.exists()
    assert field.store.prefix("flstr/service_secret/") == {}


def test_an_unreachable_machine_fails_the_run(field: Field) -> None:
    field.registry.put_host(field.sshd.record("service102", ip="127.0.0.77"))
    with pytest.raises(StepFailed, match=r"service102: no SSH connection to 127.0.0.77"):
        field.run()
    field.registry.put_node(field.registry.read().nodes["service102"].model_copy(update={"addresses": {}}))
    with pytest.raises(StepFailed, match="service102: it has no address in vpn_ingr"):
        field.run()


def test_what_a_playbook_brings_sees_nothing_of_flstr_and_comes_to_no_other_machine(
    field: Field, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FLSTR_TOKEN", "MARK_OF_FLSTR")
    other = LoopbackSshd(tmp_path / "other", ("127.0.0.3",))
    (tmp_path / "other/authorized_keys").write_text(f"{field.sshd.client_public}\n")
    other.start()
    found = field.files / "found"
    seen: dict[str, JsonValue] = {
        "pry_state": str(field.state),
        "pry_process": os.getpid(),
        "pry_found": str(found),
        "pry_port": other.port,
        "pry_other": "127.0.0.3",
    }
    try:
        field.playbooks.run(field.run_of(field.service("prying", **seen), nodes=("service101",)), field.context)
        # It is the key that it may not use there.
        Ssh(lambda node: other.record(node, ip="127.0.0.3"), field.key, other.port, str(tmp_path / "there")).run(
            "service103", ":", field.context.fence
        )
    finally:
        other.stop()
    text = found.read_text()
    assert "must be superuser to unmount" in text
    for sign in ("umounted", "MARK_OF_FLSTR", "ssh\n", "came in"):
        assert sign not in text
