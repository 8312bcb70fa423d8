"""How soon the `flstr` command answers."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.figures import Figure, Group, in_turn

RUNS = 5
ROOT = Path(__file__).parents[1]


def measure() -> Iterator[Group]:
    """`flstr --help` and `flstr lint`, over a Python that does nothing."""
    commands = (
        ["-m", "cli", "--help"],
        ["-m", "cli", "lint", "cluster-repo-example"],
        ["-c", "import typer"],
        ["-c", ""],
    )
    help_, lint, typer, nothing = in_turn([_running(command) for command in commands], RUNS)
    yield Group(
        "the command, from start to end",
        (
            Figure("flstr --help", help_),
            Figure("flstr lint", lint),
            Figure("import typer", typer, "peer"),
            Figure("python that does nothing", nothing, "floor"),
        ),
    )


def _running(arguments: list[str]) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
