"""A lock ends with the process that holds it, and says which one that is."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from lab.filelock import lock_holder, locked, try_lock


def test_a_lock_is_had_by_one_at_a_time(tmp_path: Path) -> None:
    first = try_lock(tmp_path / "lock")
    assert first is not None
    assert try_lock(tmp_path / "lock") is None
    first.release()
    second = try_lock(tmp_path / "lock")
    assert second is not None
    second.release()


def test_a_lock_names_its_holder(tmp_path: Path) -> None:
    lock = try_lock(tmp_path / "lock")
    assert lock is not None
    assert lock_holder(tmp_path / "lock") == os.getpid()
    lock.release()
    assert lock_holder(tmp_path / "lock") is None


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lab.filelock import try_lock;"
        "lock = try_lock(Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert try_lock(tmp_path / "lock") is None
        assert lock_holder(tmp_path / "lock") == holder.pid
        holder.kill()
    lock = try_lock(tmp_path / "lock")
    assert lock is not None
    lock.release()


def test_a_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    lock = try_lock(tmp_path / "lock")
    assert lock is not None
    with subprocess.Popen(["sleep", "60"]) as child:
        lock.release()
        again = try_lock(tmp_path / "lock")
        child.kill()
    assert again is not None
    again.release()


def test_a_removed_lock_is_not_had_twice(tmp_path: Path) -> None:
    """A process waits for the lock while its holder removes the file: it must not hold what nobody can see."""
    first = try_lock(tmp_path / "lock")
    assert first is not None
    had: list[bool] = []

    def wait_for_it() -> None:
        with locked(tmp_path / "lock"):
            had.append(try_lock(tmp_path / "lock") is None)

    waiting = threading.Thread(target=wait_for_it)
    waiting.start()
    while not any("->" in line and str(os.getpid()) in line for line in Path("/proc/locks").read_text().splitlines()):
        time.sleep(0.01)
    first.release(remove=True)
    waiting.join()
    assert had == [True]
