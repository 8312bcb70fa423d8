"""The `flstr lab` commands. The lab itself is imported once one of them runs."""

from types import ModuleType
from typing import Annotated

import typer

from cli.sentences import sentences
from model.errors import Refused

app = typer.Typer(
    help="Try flstr without any account: hosts, a cloud, a Slack and a Git remote on this machine.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the lab; several run side by side")]


@app.command()
@sentences
def up(
    name: Name = "lab",
    port: Annotated[int, typer.Option(help="Port of the Slack page; 0 takes a free one")] = 0,
    serve: Annotated[bool, typer.Option(help="Run flstr in it")] = True,
) -> None:
    """Start a lab and keep it up until Ctrl-C."""
    _lab().up(name, port, serve)


@app.command()
@sentences
def down(name: Annotated[str, typer.Argument(help="Name of the lab; without one, every dead lab")] = "") -> None:
    """Stop a lab, or remove what killed ones left behind."""
    _lab().down(name)


@app.command()
@sentences
def demo(name: Name = "demo") -> None:
    """Play the story of a team's first ten minutes with flstr, and tell it."""
    _lab().demo(name)


def _lab() -> ModuleType:
    """What the commands do. Raises `Refused` where flstr was installed without it, as on a controller."""
    try:
        from cli import lab
    except ModuleNotFoundError as error:
        raise Refused(
            f"the lab is not installed with this flstr (no {error.name}); run it from a checkout of flstr, after "
            "`pip install -e .[lab]`"
        ) from error
    return lab
