"""The shell that tasks are started by."""

import subprocess
from pathlib import Path

from executors.script import FENCED_STATUS, wrapped
from executors.services.fenced_shell import fenced_shell, prepare_script, shell_path
from gitops.executor import HostFence
from tests.executors.expected import shellcheck

FENCE = HostFence(7 << 40, (("service-cache", 12),))


def ran(folder: Path) -> "subprocess.CompletedProcess[str]":
    path = folder / "shell"
    path.write_text(fenced_shell(FENCE, str(folder)))
    return subprocess.run(["/bin/sh", path, "-c", "echo it runs"], capture_output=True, text=True, check=False)


def heard(folder: Path, name: str, token: int) -> None:
    (folder / "fences").mkdir(exist_ok=True)
    (folder / "fences" / name).write_text(f"{token}\n")


def test_it_is_a_shell_for_as_long_as_no_newer_token_was_heard(tmp_path: Path) -> None:
    assert ran(tmp_path).stdout == "it runs\n"
    heard(tmp_path, "leader", 7 << 40)
    heard(tmp_path, "service-cache", 12)
    heard(tmp_path, "service-other", 99)
    assert ran(tmp_path).stdout == "it runs\n"


def test_it_refuses_once_a_newer_leader_or_lock_was_heard(tmp_path: Path) -> None:
    heard(tmp_path, "leader", (7 << 40) + 1)
    done = ran(tmp_path)
    assert (done.returncode, done.stdout) == (FENCED_STATUS, "")
    assert done.stderr.startswith("fenced: this machine already obeys a newer controller (leader has token")
    heard(tmp_path, "leader", 7 << 40)
    heard(tmp_path, "service-cache", 13)
    assert ran(tmp_path).returncode == FENCED_STATUS


def test_each_set_of_tokens_has_its_own() -> None:
    assert shell_path(FENCE) != shell_path(HostFence(FENCE.leader + 1, FENCE.locks))
    assert shell_path(FENCE) != shell_path(HostFence(FENCE.leader))
    assert shell_path(FENCE).startswith("/var/lib/flstr/shells/")


def test_its_scripts_are_clean() -> None:
    shellcheck(wrapped(prepare_script(FENCE), FENCE))
    subprocess.run(
        ["shellcheck", "--shell=sh", "-"], input=fenced_shell(FENCE), text=True, check=True, capture_output=True
    )
