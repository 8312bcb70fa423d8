"""How a build ended, as systemd-run says it: whose fault it is, in one sentence."""

from pathlib import Path

import pytest

from executors.releases import build_script
from executors.script import FAULTY_RELEASE_STATUS
from tests.executors.build_machine import BuildMachine
from tests.executors.example import influencer
from tests.gitops.remote import Remote

# What systemd 252 prints of a unit's end, with the status of systemd-run.
DONE = ("success", "exited/status=0", 0)
FAILED = ("exit-code", "exited/status=3", 3)
TIMED_OUT = ("timeout", "killed/status=TERM", 255)
OUT_OF_MEMORY = ("oom-kill", "killed/status=KILL", 255)
CRASHED = ("signal", "killed/status=SEGV", 255)
STOPPED = ("success", "killed/status=TERM", 0)
KILLED = ("signal", "killed/status=KILL", 255)
NOT_EXECUTABLE = ("exit-code", "exited/status=203", 203)
NOT_SET_UP = ("exit-code", "exited/status=226", 226)

End = tuple[str, str, int]


def built(folder: Path, end: End) -> tuple[int, str]:
    """How the script ended on a machine where the build's unit ends so, and its last words."""
    result, code, status = end
    said = f"Finished with result: {result}\\nMain processes terminated with: code={code}\\n"
    return said_of_build(folder, said, status)


def said_of_build(folder: Path, said: str, status: int) -> tuple[int, str]:
    """The same, where systemd-run prints this and ends so."""
    machine = BuildMachine(folder / "machine")
    (folder / "git").mkdir()
    remote = Remote(folder / "git")
    for name in ("build.sh", "run.sh"):
        (remote.work / name).touch()
        (remote.work / name).chmod(0o755)
    app = influencer(repo=remote.url, commit=remote.push({}), build_memory="1G", build_within="90s")
    machine.install("systemd-run", f"printf '{said}' >&2; exit {status}")
    machine.install("id", "true")
    machine.install("chown", "true")
    return machine.run(build_script(app))


def test_a_build_that_is_done(tmp_path: Path) -> None:
    status, said = built(tmp_path, DONE)
    assert status == 0
    assert said.startswith("built ")


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (FAILED, "build.sh of influencer ended with status 3"),
        (TIMED_OUT, "build.sh of influencer was not done after 90 s and was stopped"),
        (OUT_OF_MEMORY, "build.sh of influencer needed more memory than 1G and was stopped"),
        (CRASHED, "build.sh of influencer ended with status 255"),
        (
            NOT_EXECUTABLE,
            "build.sh of influencer cannot be executed; its first line has to name a program that this machine has",
        ),
    ],
)
def test_the_release_is_at_fault(tmp_path: Path, end: End, sentence: str) -> None:
    assert built(tmp_path, end) == (FAULTY_RELEASE_STATUS, sentence)


@pytest.mark.parametrize("end", [STOPPED, KILLED])
def test_somebody_on_the_machine_is_at_fault(tmp_path: Path, end: End) -> None:
    assert built(tmp_path, end) == (1, "build.sh of influencer was stopped on this machine before it was done")


def test_what_systemd_could_not_set_up_is_no_fault_of_the_release(tmp_path: Path) -> None:
    assert built(tmp_path, NOT_SET_UP) == (
        1,
        "systemd could not set build.sh of influencer up on this machine: status 226",
    )


def test_what_systemd_did_not_begin_is_no_fault_of_the_release(tmp_path: Path) -> None:
    said = "Failed to start transient service unit: Connection timed out"
    assert said_of_build(tmp_path, f"{said}\\n", 1) == (
        1,
        f"systemd did not begin build.sh of influencer on this machine: {said}",
    )
