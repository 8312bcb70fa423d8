"""The help, made from the table of verbs: for Slack, for a shell, and as a page of the documentation."""

from model.verbs import BY_NAME, VERBS, Verb

SLASH = "/flstr"


def help_text(prefix: str = SLASH) -> str:
    """Every verb in a line; `prefix` is what the place puts before a verb."""
    lines = [f"• `{prefix} {verb.line}` {verb.summary}" for verb in VERBS]
    return "\n".join([*lines, f"More of one of them: `{prefix} {BY_NAME['help'].example}`"])


def help_of(verb: Verb, prefix: str = SLASH) -> str:
    """One verb, with an example and the right it needs."""
    return (
        f"`{prefix} {verb.line}`\n{verb.summary}.\n"
        f"For example: `{prefix} {verb.example}`\n"
        f"Who may: people with `{verb.right}` in `cluster.yaml`."
    )


def answer(arguments: tuple[str, ...], prefix: str = SLASH) -> str:
    """What `help` or `help <verb>` says."""
    return help_of(BY_NAME[arguments[0]], prefix) if arguments else help_text(prefix)


def commands_page() -> str:
    """`docs/commands.md`."""
    rows = [f"| `{SLASH} {verb.line}` | {verb.summary} | `{verb.right}` | `{SLASH} {verb.example}` |" for verb in VERBS]
    return "\n".join(
        [
            "# Commands",
            "",
            "Made from the table in `model/verbs.py` by `bot.help.commands_page`.",
            "Optional arguments are in brackets. Rights are given in `cluster.yaml`, under `people` and `teams`.",
            "",
            "| Command | What it does | Right | Example |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )
