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


def test_one_that_nobody_waits_for_is_ended_with_what_it_has_started(tmp_path: Path) -> None:
    started = tmp_path / "started"

    async def give_up() -> None:
        task = asyncio.create_task(
            run("sh", "-c", 'sleep 600 & echo $! >"$1.new" && mv "$1.new" "$1"; wait', "sh", str(started))
        )
        while not started.exists():
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(give_up())
    child = Path("/proc", started.read_text().strip())
    until = time.monotonic() + 30
    while not has_ended(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def has_ended(process: Path) -> bool:
    """Whether a process is gone, or only nobody has asked for its status yet."""
    try:
        return ") Z " in (process / "stat").read_text()
    except OSError:
        return True
