"""The `flstr mesh` commands."""

from pathlib import Path
from typing import Annotated

import typer

from cli.sentences import out, sentences

app = typer.Typer(help="Look at the networks between the machines.", no_args_is_help=True)


@app.command()
@sentences
def graph(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The PNG to write; without it, a name from the cluster's")
    ] = None,
) -> None:
    """Draw the meshes and the overlay: machines, tunnels, the time through them, what is down."""
    from cli.ask import ask
    from cli.settings import read_settings

    out.print(ask(read_settings(), "graph", output).text, markup=False)
