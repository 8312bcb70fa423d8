"""What the commands print: answers, and refusals as one sentence."""

import functools
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console

from model.errors import Refused

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def sentences(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turns a refusal into its sentence and exit status 1."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except Refused as error:
            for sentence in getattr(error, "faults", None) or [error.sentence]:
                err.print(f"flstr: {sentence}", markup=False)
            raise typer.Exit(1) from None

    return run
