"""How long a machine waits for the others of the overlay, by a clock that a test turns."""

import subprocess
from pathlib import Path

import pytest

from executors.overlay_files import REACH_SECONDS
from executors.templates import render

NEVER = 1000
# A second goes by between two rounds; `answers` has the second from which on an address answers.
AROUND = """
set -eu
state=$1
declare -A answers=({answers})
ping() {{ [ "$SECONDS" -ge "${{answers[${{!#}}]}}" ]; }}
pause() {{ SECONDS=$((SECONDS + 1)); }}
greet_anew() {{ :; }}
SECONDS=0
{reach}
reach {asked}
echo "ended $SECONDS"
"""


def waited(folder: Path, *answers: int) -> tuple[list[str], int]:
    """Who was not reached, and after how many seconds that was known."""
    addresses = {f"10.5.{number}.0": second for number, second in enumerate(answers, start=1)}
    script = AROUND.format(
        answers=" ".join(f"[{address}]={second}" for address, second in addresses.items()),
        reach=render("overlay/reach.sh.j2", reach_seconds=REACH_SECONDS, address="10.5.9.0"),
        asked=" ".join(f"at{second}/{address}" for address, second in addresses.items()),
    )
    command = ["bash", "-s", str(folder)]
    lines = subprocess.run(command, input=script, check=True, capture_output=True, text=True).stdout.split("\n")[:-1]
    assert len(lines) == len(answers) + 1
    return [line.split()[-1] for line in lines if line.startswith("silent overlay ")], int(lines[-1].split()[-1])


@pytest.mark.parametrize(
    ("answers", "silent", "seconds"),
    [
        ((0, 0, 0), [], 0),
        ((0, 0, NEVER), [f"at{NEVER}"], REACH_SECONDS // 2),
        ((NEVER,), [f"at{NEVER}"], REACH_SECONDS),
        ((REACH_SECONDS - 2,), [], REACH_SECONDS - 2),
        ((0, 8, 16), [], 16),
        ((0, 8, 16, NEVER), [f"at{NEVER}"], REACH_SECONDS),
    ],
    ids=[
        "all answer",
        "a dead one is waited for half as long where others answer",
        "where nobody answers the whole time is waited",
        "the only other one may take the whole time",
        "as long as one more answers the rest are waited for",
        "and no longer than the whole time",
    ],
)
def test_the_others_are_waited_for(tmp_path: Path, answers: tuple[int, ...], silent: list[str], seconds: int) -> None:
    found, took = waited(tmp_path, *answers)
    assert found == silent
    assert seconds <= took <= seconds + 1
