"""The `flstr lab` commands. The lab itself is imported once one of them runs."""

from typing import Annotated

import typer

app = typer.Typer(
    help="Try flstr without any account: hosts, a cloud, a Slack and a Git remote on this machine.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the lab; several run side by side")]


@app.command()
def up(
    name: Name = "lab",
    port: Annotated[int, typer.Option(help="Port of the Slack page; 0 takes a free one")] = 0,
    serve: Annotated[bool, typer.Option(help="Run flstr in it")] = True,
) -> None:
    """Start a lab and keep it up until Ctrl-C."""
    from cli import lab

    lab.up(name, port, serve)


@app.command()
def down(name: Annotated[str, typer.Argument(help="Name of the lab; without one, every dead lab")] = "") -> None:
    """Stop a lab, or remove what killed ones left behind."""
    from cli import lab

    lab.down(name)


@app.command()
def demo(name: Name = "demo") -> None:
    """Play the story of a team's first ten minutes with flstr, and tell it."""
    from cli import lab

    lab.demo(name)
