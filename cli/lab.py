"""What `flstr lab` does: everything that flstr talks to, on this machine, with or without a flstr in it."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import typer
from rich.console import Console

from cli.image_progress import image_progress
from lab.errors import LabError
from lab.flstr_process import FlstrProcess
from lab.lab import lab_folders, stopped_by_signals
from lab.leftovers import known_labs, living_labs, sweep, take_down
from lab.naming import check_lab_name
from lab.preconditions import why_no_lab
from lab.story.chapters import STORY_WISHES, Story
from lab.story.narrator import Terminal
from lab.story.stage import Stage
from lab.surroundings import Surroundings, Wishes
from model.errors import Refused

out = Console(highlight=False, soft_wrap=True)

PERSON = "operator@flstr.lab"  # who a shell with the lab's variables is


def up(name: str, port: int, serve: bool) -> None:
    """Start a lab and keep it up until Ctrl-C."""
    _run(lambda: _up(name, port, serve))


def down(name: str) -> None:
    """Stop a lab; without a name, remove what killed ones left behind."""
    _run(lambda: _down(name))


def demo(name: str) -> None:
    """Play the story, and tell it."""
    # A closed terminal takes everything down as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    _run(_sweep)
    try:
        with image_progress(out) as progress:
            stage = Stage(name, STORY_WISHES, progress=progress)
        with stage:
            Story(stage, Terminal(out)).play()
    except LabError as error:
        print(f"flstr: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    out.print("\nThe story is told; everything is taken down again.", markup=False)


async def _sweep() -> None:
    await sweep(lab_folders())


async def _up(name: str, port: int, serve: bool) -> None:
    with stopped_by_signals():
        await _stay_up(name, port, serve)


async def _stay_up(name: str, port: int, serve: bool) -> None:
    await sweep(lab_folders())
    with image_progress(out) as progress:
        around = await Surroundings.up(name, Wishes(slack_port=port), progress=progress)
    flstr = FlstrProcess(around.environment(), around.lab.folder / "flstr.log")
    try:
        out.print(f"Slack  {around.slack.url}", markup=False)
        out.print(f"Git    {around.cluster_repo}", markup=False)
        out.print(f"S3     {around.s3_url}, bucket {around.s3.settings.bucket}", markup=False)
        for variable, value in around.environment().items():
            out.print(f"export {variable}={value}", style="dim", markup=False)
        out.print(f"export FLSTR_EMAIL={PERSON}", style="dim", markup=False)
        if serve:
            flstr.start()
            out.print(f"flstr runs; its log is {around.lab.folder / 'flstr.log'}; Ctrl-C ends everything", markup=False)
        await asyncio.Event().wait()
    finally:
        flstr.stop()
        await around.down()


async def _down(name: str) -> None:
    folders = lab_folders()
    if not name:
        swept = await sweep(folders)
        out.print(f"removed {', '.join(swept)}" if swept else "nothing was left behind", markup=False)
    elif check_lab_name(name) not in known_labs(folders) or not await take_down(folders, name):
        living = living_labs(folders)
        raise LabError(f"there is no lab {name}; " + (f"up are {', '.join(living)}" if living else "none is up"))
    else:
        out.print(f"lab {name} is down", markup=False)


def _run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        _require_lab()
        asyncio.run(work())
    except (LabError, Refused) as error:
        print(f"flstr: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def _require_lab() -> None:
    reason = why_no_lab()
    if reason is not None:
        raise LabError(reason)
