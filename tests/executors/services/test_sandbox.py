"""The namespaces that Ansible runs in, with other programs in its place."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from executors.services.sandbox import FOLDER, inside

# As flstr does it: it starts one, and waits for it.
STARTER = """
import subprocess, sys
from pathlib import Path
from executors.services.sandbox import inside
subprocess.run(inside(Path(sys.argv[1]), [Path(sys.argv[2])], sys.argv[3:]), cwd="/")
"""


def running(mark: str) -> int:
    """How many programs run whose command line ends so."""
    found = 0
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += process.read_bytes().endswith(f"\0{mark}\0".encode())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def await_count(mark: str, count: int) -> None:
    deadline = time.monotonic() + 60
    while running(mark) != count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_sees_its_folder_alone_of_the_state(tmp_path: Path) -> None:
    folder, state, settings = tmp_path / "state/ansible-1", tmp_path / "state", tmp_path / "settings"
    folder.mkdir(parents=True)
    settings.mkdir()
    for file in (folder / "mine", state / "key", settings / "key"):
        file.touch()
    script = f"pwd; ls -A . {state} {settings}; grep CapBnd /proc/self/status"
    command = inside(folder, [state, settings, tmp_path / "absent"], ["sh", "-c", script])
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout
    assert said.split() == [FOLDER, ".:", "mine", f"{settings}:", f"{state}:", "CapBnd:", "0000000000000000"]


def test_whatever_runs_there_is_gone_with_the_one_who_started_it(tmp_path: Path) -> None:
    folder = tmp_path / "state/ansible-1"
    folder.mkdir(parents=True)
    seconds = str(10_000_000 + os.getpid())
    # One of them is a child that nobody waits for, and in a session of its own.
    script = f"setsid sleep {seconds} & sleep {seconds}"
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(folder), str(tmp_path / "state"), "sh", "-c", script]
    )
    await_count(seconds, 2)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    await_count(seconds, 0)
