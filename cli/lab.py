"""`flstr lab`: everything that flstr talks to, on this machine, with or without a flstr in it."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console

from cli.image_progress import image_progress
from lab.errors import LabError
from lab.flstr_process import FlstrProcess
from lab.lab import lab_folders, until_told_to_stop
from lab.leftovers import known_labs, sweep, take_down
from lab.story.chapters import STORY_WISHES, Story
from lab.story.narrator import Terminal
from lab.story.stage import Stage
from lab.surroundings import Surroundings, Wishes
from model.errors import Refused

app = typer.Typer(help="Try flstr without any account: hosts, a cloud, a Slack and a Git remote on this machine.")
out = Console(highlight=False, soft_wrap=True)

Name = Annotated[str, typer.Argument(help="Name of the lab; several run side by side")]


@app.command()
def up(
    name: Name = "lab",
    port: Annotated[int, typer.Option(help="Port of the Slack page; 0 takes a free one")] = 0,
    serve: Annotated[bool, typer.Option(help="Run flstr in it")] = True,
) -> None:
    """Start a lab and keep it up until Ctrl-C."""
    _run(_up(name, port, serve))


@app.command()
def down(name: Annotated[str, typer.Argument(help="Name of the lab; without one, every dead lab")] = "") -> None:
    """Stop a lab, or remove what killed ones left behind."""
    _run(_down(name))


@app.command()
def demo(name: Name = "demo") -> None:
    """Play the story of a team's first ten minutes with flstr, and tell it."""
    _run(_sweep())
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
    await sweep(lab_folders())
    with image_progress(out) as progress:
        around = await Surroundings.up(name, Wishes(slack_port=port), progress=progress)
    flstr = FlstrProcess(around.environment(), around.lab.folder / "flstr.log")
    try:
        out.print(f"Slack  {around.slack.url}", markup=False)
        out.print(f"Git    {around.cluster_repo}", markup=False)
        for variable, value in around.environment().items():
            out.print(f"export {variable}={value}", style="dim", markup=False)
        if serve:
            flstr.start()
            out.print(f"flstr runs; its log is {around.lab.folder / 'flstr.log'}; Ctrl-C ends everything", markup=False)
        await until_told_to_stop()
    finally:
        flstr.stop()
        await around.down()


async def _down(name: str) -> None:
    folders = lab_folders()
    if not name:
        swept = await sweep(folders)
        out.print(f"removed {', '.join(swept)}" if swept else "nothing was left behind", markup=False)
    elif not await take_down(folders, name):
        known = known_labs(folders)
        raise LabError(f"there is no lab {name}; there are {', '.join(known)}" if known else f"there is no lab {name}")


def _run(work: object) -> None:
    try:
        asyncio.run(work)  # type: ignore[arg-type]
    except (LabError, Refused) as error:
        print(f"flstr: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
