"""A program that is kept running on a machine, beside the scripts of its one connection."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executors.remote import Unreachable
from executors.ssh import SESSIONS, Ssh
from gitops.executor import HostFence
from model.errors import StepFailed
from tests.executors.sshd import NODE, LoopbackSshd

ECHO = "exec cat"


def test_each_line_is_answered_by_one(ssh: Ssh) -> None:
    conversation = ssh.talk(NODE, ECHO)
    assert [conversation.ask(line, 60) for line in ("one", "two, ü", "three")] == ["one\n", "two, ü\n", "three\n"]
    conversation.close()


def test_as_many_scripts_as_ever_run_beside_it_over_the_same_connection(ssh: Ssh, sshd: LoopbackSshd) -> None:
    conversation = ssh.talk(NODE, ECHO)
    with ThreadPoolExecutor(SESSIONS) as pool:
        script = "until [ -e $state/go-on ]; do sleep 0.02; done; echo done"
        running = [pool.submit(ssh.run, NODE, script, HostFence(1)) for _ in range(SESSIONS - 1)]
        assert conversation.ask("meanwhile", 60) == "meanwhile\n"
        ssh.run(NODE, "touch $state/go-on", HostFence(1))
        assert [one.result() for one in running] == ["done\n"] * (SESSIONS - 1)
    assert conversation.ask("and after", 60) == "and after\n"
    assert sshd.connections() == 1


def test_it_ends_when_it_is_closed_or_the_connection_is(ssh: Ssh, tmp_path: Path) -> None:
    command = f"cat; echo ended >>{tmp_path}/ended"
    ssh.talk(NODE, command).close()
    ssh.talk(NODE, command)
    ssh.close()
    wait = f"until [ $(wc -l <{tmp_path}/ended) = 2 ]; do sleep 0.02; done"
    ssh.run(NODE, wait, HostFence(1), timeout=60)


@pytest.mark.parametrize(
    ("command", "within", "sentence"),
    [
        (
            "read -r line; echo 'it is not installed' >&2; exit 1",
            30,
            "worker101: a program that is kept running has ended",
        ),
        ("exec cat >/dev/null", 1, "worker101: a program that is kept running answered nothing for 1 s"),
    ],
)
def test_one_that_does_not_answer_is_a_sentence(ssh: Ssh, command: str, within: float, sentence: str) -> None:
    with pytest.raises(StepFailed, match=f"^{sentence}$") as failed:
        ssh.talk(NODE, command).ask("anybody?", within)
    assert failed.value.output in ("", "it is not installed")


def test_a_machine_that_is_not_there_is_not_reached(ssh: Ssh, sshd: LoopbackSshd) -> None:
    with pytest.raises(Unreachable, match=r"^worker102: no address is registered"):
        ssh.talk("worker102", ECHO)
    conversation = ssh.talk(NODE, ECHO)
    sshd.stop()
    with pytest.raises(StepFailed, match=r"^worker101: "):
        conversation.ask("anybody?", 60)
