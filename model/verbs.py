"""The table of verbs: the parser, the help, did-you-mean and the command line are made from it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the help of `flstr` is made from this table, and needs no pydantic for it
    from model.cluster import Right

ArgumentKind = Literal[
    "app@commit", "app or pool", "count", "app or node", "node", "revision", "operation", "host", "verb"
]


# Has the doctor mend what it safely can.
FIX = "--fix"


@dataclass(frozen=True)
class Argument:
    """One word after the verb; optional ones come last."""

    kind: ArgumentKind
    optional: bool = False

    @property
    def usage(self) -> str:
        """As the help shows it: `<count>`, `[verb]`, `<app>@<commit>`."""
        if self.optional:
            return f"[{self.kind}]"
        return "@".join(f"<{part}>" for part in self.kind.split("@"))


@dataclass(frozen=True)
class Verb:
    """One thing a person can ask for. `flags` may stand anywhere after the verb."""

    name: str
    arguments: tuple[Argument, ...]
    summary: str
    right: "Right"
    example: str
    flags: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """Its arguments and flags, optional ones in brackets."""
        return " ".join([*(argument.usage for argument in self.arguments), *(f"[{flag}]" for flag in self.flags)])

    @property
    def line(self) -> str:
        """The verb with its arguments, as a person types it."""
        return f"{self.name} {self.usage}".rstrip()


VERBS: tuple[Verb, ...] = (
    Verb(
        "deploy",
        (Argument("app@commit"),),
        "Run another commit of an app; branches, tags and short hashes resolve",
        "deploy",
        "deploy influencer@a1b2c3",
    ),
    Verb(
        "scale",
        (Argument("app or pool"), Argument("count")),
        "Change how many instances or machines there are",
        "scale",
        "scale influencer 3",
    ),
    Verb(
        "status",
        (Argument("app or node", optional=True),),
        "Show what runs where, and what is under way",
        "read",
        "status",
    ),
    Verb("plan", (), "Show what the newest revision of the cluster repo would change", "read", "plan"),
    Verb(
        "sync",
        (Argument("revision", optional=True),),
        "Look at the cluster repo now; with a revision, accept a rewritten history",
        "sync",
        "sync",
    ),
    Verb("approve", (Argument("operation"),), "Give leave to an operation that waits", "approve", "approve 7f3a"),
    Verb("deny", (Argument("operation"),), "Refuse an operation that waits", "approve", "deny 7f3a"),
    Verb(
        "padlock",
        (Argument("host"),),
        "Check what a public host serves: answer, redirect, certificate",
        "read",
        "padlock influencer.flstr.lab",
    ),
    Verb(
        "doctor",
        (Argument("node", optional=True),),
        "Find out what is wrong between the machines; with --fix (right sync), carry out the safe mends",
        "read",
        "doctor worker101",
        (FIX,),
    ),
    Verb(
        "graph",
        (),
        "Draw the meshes and the overlay: machines, tunnels, the time through them, what is down",
        "read",
        "graph",
    ),
    Verb("help", (Argument("verb", optional=True),), "Show the verbs, or one of them", "read", "help deploy"),
)

BY_NAME: dict[str, Verb] = {verb.name: verb for verb in VERBS}
