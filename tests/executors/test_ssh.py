"""Scripts over SSH, against a real sshd on loopback."""

import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executors.remote import Unreachable
from executors.script import wrapped
from executors.ssh import WHOLE, Ssh
from gitops.executor import HostFence
from model.errors import Fenced, StepFailed
from model.registered import HostRecord
from tests.executors.sshd import LoopbackSshd, make_key

NODE = "worker101"


class Hosts:
    """What the registry would answer; tests change it."""

    def __init__(self, *records: HostRecord) -> None:
        self.records = {record.node: record for record in records}

    def __call__(self, node: str) -> HostRecord | None:
        return self.records.get(node)


@pytest.fixture
def hosts(sshd: LoopbackSshd) -> Hosts:
    return Hosts(sshd.record(NODE))


@pytest.fixture
def ssh(sshd: LoopbackSshd, hosts: Hosts, tmp_path: Path) -> Iterator[Ssh]:
    ssh = Ssh(hosts, sshd.client_key, port=sshd.port, state_folder=str(tmp_path / "state"))
    yield ssh
    ssh.close()


def test_standard_output_comes_back_and_every_line_is_heard(ssh: Ssh) -> None:
    heard: list[str] = []
    assert (
        ssh.run(NODE, "echo one; echo two >&2; echo three", fence=HostFence(1), on_line=heard.append) == "one\nthree\n"
    )
    assert sorted(heard) == ["one", "three", "two"]


def test_lines_are_heard_while_the_script_runs(ssh: Ssh, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    script = f"echo first; until [ -e {go_on} ]; do sleep 0.02; done; echo second"
    heard: list[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        go_on.touch()

    ssh.run(NODE, script, fence=HostFence(1), timeout=60, on_line=hear)
    assert heard == ["first", "second"]


def test_one_connection_serves_many_scripts(ssh: Ssh, sshd: LoopbackSshd) -> None:
    for number in range(5):
        assert ssh.run(NODE, f"echo {number}", fence=HostFence(1)) == f"{number}\n"
    assert sshd.connections() == 1


def test_many_scripts_at_once_stay_within_the_sessions_that_sshd_allows(ssh: Ssh, sshd: LoopbackSshd) -> None:
    assert many(ssh, 40) == ["hello\n"] * 40
    assert sshd.connections() == 1


@pytest.mark.parametrize("sshd_options", [["MaxSessions=2"]])
def test_a_session_that_sshd_refuses_for_now_is_asked_for_again_and_cuts_off_no_other(
    ssh: Ssh, sshd: LoopbackSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The last one's turn comes when all others are over.
    monkeypatch.setattr("executors.ssh.CONNECT_SECONDS", 120)
    assert many(ssh, 20) == ["hello\n"] * 20
    assert sshd.connections() == 1


def many(ssh: Ssh, count: int) -> list[str]:
    """What as many scripts answer that are begun at once."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: ssh.run(NODE, "sleep 0.05; echo hello", fence=HostFence(1)), range(count)))


def test_a_failing_script_says_its_last_words(ssh: Ssh) -> None:
    with pytest.raises(StepFailed) as failed:
        ssh.run(NODE, "echo working; echo 'the disk is full' >&2; exit 3", fence=HostFence(1))
    assert failed.value.sentence == "worker101: the disk is full"
    assert set(failed.value.output.splitlines()) == {"working", "the disk is full"}


def test_a_silent_failure_tells_its_status(ssh: Ssh) -> None:
    with pytest.raises(StepFailed, match="worker101: the script ended with status 3"):
        ssh.run(NODE, "exit 3", fence=HostFence(1))


def test_a_command_that_fails_ends_the_script(ssh: Ssh) -> None:
    with pytest.raises(StepFailed) as failed:
        ssh.run(NODE, "false\necho went on", fence=HostFence(1))
    assert "went on" not in failed.value.output


def test_a_script_is_not_eaten_by_a_command_that_reads_standard_input(ssh: Ssh) -> None:
    assert ssh.run(NODE, "cat\necho here", fence=HostFence(1)) == "here\n"


def test_a_script_may_be_larger_than_an_argument(ssh: Ssh) -> None:
    text = "x" * 300_000
    assert ssh.run(NODE, f"cat <<'END'\n{text}\nEND", fence=HostFence(1)) == f"{text}\n"


def test_a_script_cut_short_on_its_way_does_nothing(tmp_path: Path) -> None:
    script = wrapped(f"touch {tmp_path}/begun\necho done", HostFence(1), str(tmp_path / "state"))
    for left in (len(script) // 2, script.index("echo done")):
        done = subprocess.run(
            ["sh", "-c", f"exec {WHOLE}"], input=script[:left].encode(), capture_output=True, check=False
        )
        assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_a_script_that_takes_too_long_is_stopped_over_there(ssh: Ssh, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    # On a busy machine the first of these limits may end it before its first line.
    for limit in (1, 5, 25):
        with pytest.raises(StepFailed, match=f"worker101: the script was not done after {limit} s and was stopped"):
            ssh.run(NODE, f"echo $$ >{pid_file}; sleep 60", fence=HostFence(1), timeout=limit)
        if pid_file.exists():
            break
    assert not Path(f"/proc/{pid_file.read_text().strip()}").exists()


def test_nothing_of_a_script_is_in_an_argument_list(ssh: Ssh) -> None:
    seen = ssh.run(NODE, ": secret-word; cat /proc/$$/cmdline /proc/$PPID/cmdline | tr '\\0' ' '", fence=HostFence(1))
    assert "timeout" in seen
    assert "secret-word" not in seen


def test_another_host_key_is_refused_before_anything_is_sent(
    ssh: Ssh, hosts: Hosts, sshd: LoopbackSshd, tmp_path: Path
) -> None:
    hosts.records[NODE] = sshd.record(NODE, make_key(tmp_path / "other"))
    with pytest.raises(Unreachable, match=r"worker101: 127\.0\.0\.1 shows an SSH host key that is not the registered"):
        ssh.run(NODE, "echo hi", fence=HostFence(1))
    assert sshd.connections() == 0


def test_a_changed_registration_ends_the_warm_connection(ssh: Ssh, hosts: Hosts, sshd: LoopbackSshd) -> None:
    ssh.run(NODE, "true", fence=HostFence(1))
    hosts.records[NODE] = sshd.record(NODE).model_copy(update={"ip": "127.0.0.2"})
    with pytest.raises(Unreachable, match=r"worker101: no SSH connection to 127\.0\.0\.2 .*refused"):
        ssh.run(NODE, "true", fence=HostFence(1))


def test_a_foreign_client_key_is_one_sentence(sshd: LoopbackSshd, hosts: Hosts, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    with pytest.raises(Unreachable, match="does not accept flstr's SSH key for root"):
        Ssh(hosts, tmp_path / "stranger", port=sshd.port).run(NODE, "true", fence=HostFence(1))


def test_a_dead_connection_is_made_anew(ssh: Ssh, sshd: LoopbackSshd) -> None:
    assert ssh.run(NODE, "echo before", fence=HostFence(1)) == "before\n"
    sshd.stop()
    sshd.start()
    assert ssh.run(NODE, "echo after", fence=HostFence(1)) == "after\n"
    assert sshd.connections() == 2


def test_a_connection_that_breaks_in_the_middle_is_one_sentence(ssh: Ssh, sshd: LoopbackSshd) -> None:
    stopping = threading.Thread(target=sshd.stop)

    def stop_after(line: str) -> None:
        if line == "begun":
            stopping.start()

    with pytest.raises(StepFailed, match="worker101: the connection broke in the middle of a script") as failed:
        ssh.run(NODE, "echo begun; sleep 30", fence=HostFence(1), on_line=stop_after)
    stopping.join()
    assert not isinstance(failed.value, Unreachable)


def test_an_unknown_machine_has_no_address(ssh: Ssh) -> None:
    with pytest.raises(Unreachable, match="worker999: no address is registered for it"):
        ssh.run("worker999", "true", fence=HostFence(1))


def test_one_dead_machine_does_not_hold_up_the_others(ssh: Ssh, hosts: Hosts, sshd: LoopbackSshd) -> None:
    hosts.records["worker102"] = sshd.record("worker102").model_copy(update={"ip": "192.0.2.1"})
    hosts.records["worker103"] = sshd.record("worker103")
    begun = time.monotonic()
    done: dict[str, float] = {}
    answers = ssh.run_all({NODE: "echo a", "worker102": "echo b", "worker103": "echo c"}, fence=HostFence(1))
    done["all"] = time.monotonic() - begun
    assert answers[NODE] == "a\n"
    assert answers["worker103"] == "c\n"
    assert isinstance(answers["worker102"], Unreachable)


def test_each_machine_is_heard_of_as_soon_as_its_script_is_over(
    ssh: Ssh, hosts: Hosts, sshd: LoopbackSshd, tmp_path: Path
) -> None:
    hosts.records |= {node: sshd.record(node) for node in ("worker102", "worker103")}
    ended, both = [], tmp_path / "both"

    def on_end(node: str) -> None:
        ended.append(node)
        if len(ended) == 2:
            both.touch()

    scripts = {NODE: f"until [ -e {both} ]; do sleep 0.02; done", "worker102": "true", "worker103": "fail no"}
    answers = ssh.run_all(scripts, HostFence(1), on_end=on_end)
    assert (answers[NODE], answers["worker102"]) == ("", "")
    assert (sorted(ended[:2]), ended[2:]) == (["worker102", "worker103"], [NODE])


def test_an_older_controller_is_fenced_off(ssh: Ssh) -> None:
    ssh.run(NODE, "true", fence=HostFence(7))
    with pytest.raises(
        Fenced, match=r"worker101: this machine already obeys a newer controller \(leader has token 7, not 6\)"
    ):
        ssh.run(NODE, "echo must not run", fence=HostFence(6))
    assert ssh.run(NODE, "echo again", fence=HostFence(7)) == "again\n"
    assert ssh.run(NODE, "echo newer", fence=HostFence(8)) == "newer\n"


def test_status_75_of_an_app_is_no_fence(ssh: Ssh) -> None:
    with pytest.raises(StepFailed, match="status 75"):
        ssh.run(NODE, "exit 75", fence=HostFence(1))
