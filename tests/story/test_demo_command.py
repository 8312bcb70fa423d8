"""`flstr lab demo` that is ended before its story does: nothing of it stays on the machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.lab import lab_folders
from lab.naming import LabNames
from lab.network import bridges_of
from tests.lab.traces import traces_of

pytestmark = [pytest.mark.hosts, pytest.mark.alone, pytest.mark.timeout(600)]

NAME = f"demo-{os.getpid()}"
FOLDER = lab_folders().lab(NAME)


def it_has_begun() -> bool:
    return bool(bridges_of(FOLDER))


def hosts_boot() -> bool:
    return len(list(FOLDER.glob("hosts/*/console.log"))) > 1 and (FOLDER / "flstr/etcd-endpoint").exists()


@contextmanager
def demo() -> Iterator[subprocess.Popen[bytes]]:
    # As a person's shell starts it: whoever runs these tests may have had them ignore a signal, as nohup does.
    command = ["env", "--default-signal", sys.executable, "-m", "cli", "lab", "demo", NAME]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        (signal.SIGINT, it_has_begun),
        (signal.SIGINT, hosts_boot),
        (signal.SIGTERM, it_has_begun),
        (signal.SIGHUP, it_has_begun),
    ],
)
def test_a_demo_that_is_told_to_stop_takes_everything_down(told: signal.Signals, moment: Callable[[], bool]) -> None:
    with demo() as process:
        number = _number_at(moment)
        process.send_signal(told)
        assert process.wait(timeout=60) == 130
        assert left_behind(number) == []


def test_a_killed_demo_is_cleaned_up_by_the_next_lab_down() -> None:
    with demo() as process:
        number = _number_at(hosts_boot)
        process.kill()
        process.wait()
    assert left_behind(number) != []
    done = subprocess.run(
        [sys.executable, "-m", "cli", "lab", "down"], capture_output=True, text=True, timeout=120, check=True
    )
    assert NAME in done.stdout
    # flstr was told to end when its lab was killed, and does that in order.
    deadline = time.monotonic() + 20
    while left_behind(number) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind(number) == []


def left_behind(number: int) -> list[str]:
    """What is there of the lab, and of the flstr and the etcd in it."""
    programs = [
        f"program {process.name}"
        for process in Path("/proc").glob("[0-9]*")
        if str(FOLDER) in _read(process / "cmdline") + _read(process / "environ")
    ]
    return traces_of(LabNames(NAME, number).group, number, FOLDER) + programs


def _number_at(moment: Callable[[], bool]) -> int:
    deadline = time.monotonic() + 300
    while not moment():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (number,) = bridges_of(FOLDER)
    return number


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
