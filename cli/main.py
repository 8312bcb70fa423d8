"""The `flstr` command and its subcommands; each prints one sentence and exits 1 where something is wrong.

A command imports what it works with when it runs: the help has to come at once.
"""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli import lab_commands
from model.errors import Refused
from model.verbs import VERBS, Verb

OWN_COMMANDS = frozenset({"plan", "help"})

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

app = typer.Typer(
    name="flstr",
    help="Run a small cluster of rented machines from a Slack channel and a Git repository.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(lab_commands.app, name="lab")


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


@app.command()
@sentences
def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder")]) -> None:
    """Make a cluster repo from the example, with the schemas that editors use."""
    from cli import cluster_repo

    cluster_repo.init(folder)
    out.print(
        f"{folder} is a cluster repo; edit cluster.yaml and apps/, check with `flstr lint {folder}`", markup=False
    )


@app.command()
@sentences
def lint(folder: Annotated[Path, typer.Argument(help="A cluster repo")] = Path()) -> None:
    """Check the manifests of a cluster repo."""
    from cli import cluster_repo

    manifests = cluster_repo.lint(folder)
    nodes, apps = len(manifests.cluster.nodes()), len(manifests.apps)
    out.print(f"{folder} is right: {nodes} machines, {apps} {'app' if apps == 1 else 'apps'}", markup=False)


@app.command()
@sentences
def plan(
    folder: Annotated[
        Path | None, typer.Argument(help="A cluster repo on disk; without one, its newest revision")
    ] = None,
) -> None:
    """Show what a cluster repo would change, before anything is pushed."""
    from cli.ask import ask, plain
    from cli.plan import plan as plan_of
    from cli.settings import read_settings

    settings = read_settings()
    text = ask(settings, "plan") if folder is None else plain(plan_of(settings, folder))
    out.print(text, markup=False)


@app.command()
@sentences
def serve() -> None:
    """Run the bot and the worker until a signal."""
    from cli.logs import set_up
    from cli.serve import serve as run
    from cli.settings import read_settings

    settings = read_settings()
    set_up(settings.log_format)
    status = run(settings)
    sys.stderr.flush()
    # Steps on other machines may still run; they are taken up at the next start, and must not hold up this end.
    os._exit(status)


def _add_verb(verb: Verb) -> None:
    @sentences
    def command(words: Annotated[list[str] | None, typer.Argument(metavar=verb.usage or None)] = None) -> None:
        from cli.ask import ask
        from cli.settings import read_settings

        out.print(ask(read_settings(), " ".join([verb.name, *(words or [])])), markup=False)

    app.command(verb.name, help=f"{verb.summary}. Example: flstr {verb.example}")(command)


for _verb in VERBS:
    if _verb.name not in OWN_COMMANDS:
        _add_verb(_verb)


def main() -> None:
    """The entry point."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
