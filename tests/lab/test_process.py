"""Programs that the lab runs."""

import asyncio
import time
from pathlib import Path

import pytest

from lab.process import CommandFailedError, run


def test_a_program_says_what_it_prints() -> None:
    assert asyncio.run(run("cat", stdin="word\n")) == "word\n"


def test_one_that_fails_is_told_by_its_last_words() -> None:
    with pytest.raises(CommandFailedError, match="ended with status 3: last") as failed:
        asyncio.run(run("sh", "-c", "echo first >&2; echo last >&2; exit 3"))
    assert (failed.value.status, failed.value.output) == (3, "first\nlast\n")


# Seconds until it is given up: while it is only being started, and long after.
@pytest.mark.parametrize("soon", [0.0, 0.0001, 0.001, 0.01, None])
def test_one_that_nobody_waits_for_is_ended_with_what_it_has_started(tmp_path: Path, soon: float | None) -> None:
    started = tmp_path / "started"

    async def give_up() -> None:
        task = asyncio.create_task(
            run("sh", "-c", 'sleep 600 & echo $! >"$1.new" && mv "$1.new" "$1"; wait', "sh", str(started))
        )
        await asyncio.sleep(0)
        if soon is None:
            while not started.exists():
                await asyncio.sleep(0.01)
        else:
            await asyncio.sleep(soon)
        task.cancel()
        await asyncio.wait([task], timeout=60)
        assert task.cancelled()

    asyncio.run(give_up())
    if not started.exists():
        return
    child = Path("/proc", started.read_text().strip())
    until = time.monotonic() + 30
    while not has_ended(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_one_that_is_given_up_just_when_its_child_runs_is_ended(tmp_path: Path) -> None:
    started = tmp_path / "started"

    async def give_up() -> None:
        task = asyncio.create_task(run("sh", "-c", 'sleep 600 & echo $! >"$1"; wait', "sh", str(started)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        # The loop stands still, as on a busy machine: the program runs on, and its pipes are not connected yet.
        while not started.exists():
            time.sleep(0.01)
        task.cancel()
        await asyncio.wait([task], timeout=60)
        assert task.cancelled()

    asyncio.run(give_up())


def has_ended(process: Path) -> bool:
    """Whether a process is gone, or only nobody has asked for its status yet."""
    try:
        return ") Z " in (process / "stat").read_text()
    except OSError:
        return True
