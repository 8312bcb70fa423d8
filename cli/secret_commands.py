"""The `flstr secret` commands."""

from pathlib import Path
from typing import Annotated

import typer

from cli.sentences import out, sentences

app = typer.Typer(help="Give apps secrets that only the cluster can read.", no_args_is_help=True)

App = Annotated[str, typer.Argument(metavar="app", help="An app of the cluster repo")]
Name = Annotated[str, typer.Argument(metavar="name", help="What the app calls the secret, such as db-password")]
Folder = Annotated[Path, typer.Argument(help="A cluster repo")]


@app.command()
@sentences
def recipient() -> None:
    """Show the cluster's public key, to which secrets are encrypted."""
    from cli import secrets
    from cli.settings import read_settings

    out.print(secrets.recipient(read_settings()), markup=False)


@app.command("set")
@sentences
def set_secret(name_of_app: App, name: Name, folder: Folder = Path()) -> None:
    """Encrypt a secret, asked for or read from standard input, into an app's manifest."""
    from cli import secrets

    out.print(secrets.set_secret(folder, name_of_app, name, lambda: secrets.read_value(name)), markup=False)


@app.command("rm")
@sentences
def remove(name_of_app: App, name: Name, folder: Folder = Path()) -> None:
    """Take a secret out of an app's manifest."""
    from cli import secrets

    out.print(secrets.remove(folder, name_of_app, name), markup=False)
