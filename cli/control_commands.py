"""The commands by which a laptop brings up controllers and keeps them: `flstr bootstrap` and `flstr upgrade`."""

from typing import Annotated

import typer

from cli.sentences import out, sentences


@sentences
def bootstrap(
    place: Annotated[
        str, typer.Argument(metavar="folder or address", help="A cluster repo: a folder with a remote, or its address")
    ],
) -> None:
    """Bring up the controllers of a cluster repo, and hand the cluster over to them; again, and it goes on."""
    from cli.bootstrap import bootstrap as run
    from cli.settings import read_settings

    run(read_settings(), place, out)


@sentences
def upgrade(
    settings: Annotated[
        bool, typer.Option("--settings", help="Give them the settings of this shell as well, instead of their own")
    ] = False,
) -> None:
    """Bring the controllers to the flstr that does this, one after the other."""
    from cli.controllers import upgrade as run
    from cli.settings import read_settings

    run(read_settings(), out, with_settings=settings)
