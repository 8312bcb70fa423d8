"""The table of verbs: the parser, the help, did-you-mean and the command line are made from it."""

from dataclasses import dataclass

from model.cluster import Right


@dataclass(frozen=True)
class Verb:
    """One thing a person can ask for. `usage` names its arguments, optional ones in brackets."""

    name: str
    usage: str
    summary: str
    right: Right
    example: str


VERBS: tuple[Verb, ...] = (
    Verb(
        "deploy",
        "<app>@<commit>",
        "Run another commit of an app; branches, tags and short hashes resolve",
        "deploy",
        "deploy influencer@a1b2c3",
    ),
    Verb(
        "scale",
        "<app or pool> <count>",
        "Change how many instances or machines there are",
        "scale",
        "scale influencer 3",
    ),
    Verb("status", "[app or node]", "Show what runs where, and what is under way", "read", "status"),
    Verb("plan", "", "Show what the newest revision of the cluster repo would change", "read", "plan"),
    Verb(
        "sync",
        "[revision]",
        "Look at the cluster repo now; with a revision, accept a rewritten history",
        "sync",
        "sync",
    ),
    Verb("approve", "<operation>", "Give leave to an operation that waits", "approve", "approve 7f3a"),
    Verb("deny", "<operation>", "Refuse an operation that waits", "approve", "deny 7f3a"),
    Verb(
        "padlock",
        "<host>",
        "Check what a public host serves: answer, redirect, certificate",
        "read",
        "padlock influencer.flstr.lab",
    ),
    Verb("help", "[verb]", "Show the verbs, or one of them", "read", "help deploy"),
)

BY_NAME: dict[str, Verb] = {verb.name: verb for verb in VERBS}
