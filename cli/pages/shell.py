"""The part of `docs/commands.md` that a shell has and Slack has not, from the commands themselves."""

from collections.abc import Iterator

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from cli.main import NAME, app
from model.verbs import BY_NAME

HEAD = """## In a shell

The same verbs, without the slash: `flstr deploy influencer@a1b2c3`. The same `flstr serve` answers them, so they work
while Slack does not. Who asks is `FLSTR_EMAIL`, or Git's `user.email`, with that person's rights in `cluster.yaml`.

These are the shell's own:

| Command | What it does |
|---|---|
"""


def shell_section() -> str:
    """The section with a row for each command that is no verb."""
    group = typer.main.get_command(app)
    rows = (f"| `{line}` | {command.get_short_help_str(200).rstrip('.')} |" for line, command in _commands(NAME, group))
    return HEAD + "\n".join(rows) + "\n"


def _commands(before: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            line = f"{before} {name}"
            if line.removeprefix(f"{NAME} ") not in BY_NAME or name in ("plan", "help"):
                yield from _commands(line, inner)
    elif isinstance(command, TyperCommand):
        arguments = [_usage(item) for item in command.params if isinstance(item, TyperArgument)]
        options = [_option(item) for item in command.params if isinstance(item, TyperOption) and item.name != "help"]
        yield " ".join([before, *arguments, *options]), command


def _usage(argument: TyperArgument) -> str:
    name = (argument.metavar or argument.name or "").strip("[]").lower()
    return f"<{name}>" if argument.required else f"[{name}]"


def _option(option: TyperOption) -> str:
    # Of what is so anyway, that it can be otherwise is worth knowing.
    name = option.secondary_opts[0] if option.default is True and option.secondary_opts else option.opts[0]
    return f"[{name}{'' if option.is_flag else ' …'}]"
