"""The `flstr` command and its subcommands; each prints one sentence and exits 1 where something is wrong.

A command imports what it works with when it runs: the help has to come at once.
"""

import shutil
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import control_commands, lab_commands, mesh_commands, secret_commands
from cli.sentences import err, out, sentences
from cli.stopping import leave
from model.errors import Refused
from model.verbs import GROUPS, VERBS, Verb

OWN_COMMANDS = frozenset({"plan", "help"})
NAME = "flstr"
INTERRUPTED = 130

app = typer.Typer(
    name=NAME,
    help="Run a small cluster of rented machines from a Slack channel and a Git repository.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(lab_commands.app, name="lab")
app.add_typer(mesh_commands.app, name="mesh")
app.add_typer(secret_commands.app, name="secret")
app.command()(control_commands.bootstrap)
app.command()(control_commands.upgrade)


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
    """Check the manifests of a cluster repo, and say what a sandbox that is loosened costs."""
    from cli import cluster_repo

    linted = cluster_repo.lint(folder)
    for warning in linted.warnings:
        out.print(str(warning), markup=False)
    out.print(f"{folder} is right: {cluster_repo.counted(linted.manifests)}", markup=False)


@app.command(context_settings={"ignore_unknown_options": True})
@sentences
def plan(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[folder, command or branch]",
            help="A cluster repo on disk, a command such as scale influencer 3, or a branch; without any, the newest "
            "revision",
        ),
    ] = None,
) -> None:
    """Show what a cluster repo, a command or the merge of a branch would change, before anything is pushed."""
    folder = _folder(words or [])
    if folder is None:
        _ask(" ".join(["plan", *(words or [])]))
        return
    from cli.ask import plain
    from cli.plan import plan as plan_of
    from cli.settings import read_settings

    out.print(plain(plan_of(read_settings(), folder)), markup=False)


@app.command()
@sentences
def serve() -> None:
    """Run the bot and the worker until a signal."""
    from cli.logs import set_up
    from cli.serve import serve as run
    from cli.settings import read_settings

    settings = read_settings()
    set_up(settings.log_format)
    raise typer.Exit(run(settings))


@app.command()
@sentences
def restore(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="backup, cluster repo",
            help="A backup by its name, `latest`, or a file; then the cluster repo, as a folder or a Git address",
        ),
    ],
    adopt: Annotated[bool, typer.Option("--adopt", help="Without a backup: take over what runs")] = False,
    identity: Annotated[Path | None, typer.Option(help="The cluster's private key of age, if not in the state")] = None,
    ssh_key: Annotated[Path | None, typer.Option(help="flstr's private SSH key, if not in the state")] = None,
    here: Annotated[bool, typer.Option("--here", help="Bring up no controllers; flstr goes on here")] = False,
) -> None:
    """Make flstr's state anew from a backup, or with --adopt from what runs; controllers that carried it come again."""
    from cli.restore import Wish
    from cli.restore import restore as run
    from cli.settings import read_settings

    if len(words) != (1 if adopt else 2):
        raise Refused(f"say `{NAME} restore latest <cluster repo>`, or `{NAME} restore --adopt <cluster repo>`")
    backup = None if adopt else words[0]
    settings, wish = read_settings(), Wish(backup, words[-1], identity, ssh_key, here)
    if run(settings, wish, lambda line: out.print(line, markup=False)):
        from cli.at_rest import carry_on

        carry_on(settings, wish.manifests, out)


@app.command("help")
def explain(words: Annotated[list[str] | None, typer.Argument(metavar="[command]")] = None) -> None:
    """Show the commands, or one of them."""
    carry_out([*(words or []), "--help"])


def _folder(words: Sequence[str]) -> Path | None:
    """The folder that is meant, where it is not a branch."""
    if len(words) != 1:
        return None
    folder = Path(words[0])
    return folder if folder.is_dir() or words[0].startswith((".", "/", "~")) else None


def _ask(line: str) -> None:
    """Have a line answered; what is offered instead is asked about on a terminal, and carried out where it is meant."""
    from cli.ask import ask
    from cli.offers import agreed, on_a_terminal, refused_or_meant
    from cli.settings import read_settings

    settings = read_settings()
    try:
        said = ask(settings, line)
    except Refused as error:
        said = ask(settings, refused_or_meant(error, NAME))
    out.print(said.text, markup=False)
    if said.instead and on_a_terminal() and agreed("Do it?"):
        out.print(ask(settings, said.instead).text, markup=False)


def _group(name: str) -> typer.Typer:
    """The commands that begin with the same word."""
    names = [verb.name.removeprefix(f"{name} ") for verb in VERBS if verb.name.startswith(f"{name} ")]
    group = typer.Typer(help=f"Work with one {name}: {', '.join(names)}.", no_args_is_help=True)
    app.add_typer(group, name=name)
    return group


_groups = {name: _group(name) for name in sorted(GROUPS)}


def _add_verb(verb: Verb) -> None:
    @sentences
    def command(words: Annotated[list[str] | None, typer.Argument(metavar=verb.usage or None)] = None) -> None:
        _ask(" ".join([verb.name, *(words or [])]))

    more = f"Example: `{NAME} {verb.example}`. Who may: people with the right `{verb.right}` in cluster.yaml."
    # Flags are words of the line like any other: the parser knows them.
    settings = {"ignore_unknown_options": bool(verb.flags) or (verb.arguments[-1:] != () and verb.arguments[-1].rest)}
    group, _, name = verb.name.rpartition(" ")
    (_groups[group] if group else app).command(
        name, help=f"{verb.summary}. {more}", short_help=verb.summary, context_settings=settings
    )(command)


for _verb in VERBS:
    if _verb.name not in OWN_COMMANDS:
        _add_verb(_verb)


def carry_out(words: Sequence[str] | None = None) -> int:
    """Carry a command line out; its exit status. Raises what typer and the operating system refuse."""
    return int(app(words, prog_name=NAME, standalone_mode=False) or 0)


def main() -> None:
    """The entry point: whatever a person did wrong is one sentence."""
    # Steps on other machines may still run; they are taken up again later, and must not hold up this end.
    leave(status())


def status() -> int:
    """The exit status of the command line, and what is wrong with it to standard error."""
    try:
        return carry_out()
    except typer.TyperException as error:
        if error.format_message():
            err.print(f"{NAME}: {_usage_sentence(error)}", markup=False)
        return int(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except ImportError:
        # GitPython cannot even be imported then.
        if shutil.which("git") is not None:
            raise
        err.print(f"{NAME}: git is not installed, and cluster repos are Git repositories; install it", markup=False)
        return 1
    except OSError as error:
        err.print(f"{NAME}: {_system_sentence(error)}", markup=False)
        return 1
    except Exception:
        traceback.print_exc()
        return 1


def _usage_sentence(error: typer.TyperException) -> str:
    sentence = error.format_message().rstrip(".").replace(". Did you mean", "; did you mean")
    context: typer.Context | None = getattr(error, "ctx", None)
    ask = f"`{context.command_path} --help` says how it is used" if context else ""
    return f"{sentence[:1].lower()}{sentence[1:]}" + (f"; {ask}" if ask and not sentence.endswith("?") else "")


def _system_sentence(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{(error.strerror or str(error)).lower()}"
