"""The table of verbs: the parser, the help, did-you-mean and the command line are made from it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the help of `flstr` is made from this table, and needs no pydantic for it
    from model.cluster import Right

ArgumentKind = Literal[
    "app@commit",
    "app",
    "commit",
    "instance",
    "app or pool",
    "count",
    "app or node",
    "node",
    "revision",
    "operation",
    "host",
    "verb",
]


# Has the doctor mend what it safely can.
FIX = "--fix"
# Has a release that failed tried once more.
ANYWAY = "--anyway"
# Has what a build printed shown, instead of what the instances print.
BUILD = "--build"


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
        (ANYWAY,),
    ),
    Verb(
        "rollback",
        (Argument("app"), Argument("commit", optional=True)),
        "Go back to the commit that an app ran before, or to an older one",
        "deploy",
        "rollback influencer",
    ),
    Verb(
        "restart",
        (Argument("app"),),
        "Replace every instance of an app by a new one of the same release; starts an app that was stopped",
        "deploy",
        "restart influencer",
    ),
    Verb(
        "stop",
        (Argument("app"),),
        "Run no instance of an app until somebody says restart; it stays registered",
        "deploy",
        "stop influencer",
    ),
    Verb(
        "remove",
        (Argument("app"),),
        "Take an app out of the cluster; waits for an approval",
        "deploy",
        "remove influencer",
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
    Verb(
        "history",
        (Argument("app"),),
        "Show what was deployed of an app, by whom, and what became of it",
        "read",
        "history influencer",
    ),
    Verb(
        "logs",
        (Argument("app"), Argument("instance", optional=True)),
        "Show what the instances of an app print; with --build, all that its build printed",
        "read",
        "logs influencer",
        (BUILD,),
    ),
    Verb(
        "env",
        (Argument("app"), Argument("instance", optional=True)),
        "Show the environment that the running instances of an app see; secrets are masked",
        "read",
        "env influencer",
    ),
    Verb(
        "drain",
        (Argument("node"),),
        "Move the instances of apps off a node, and start none there",
        "scale",
        "drain worker101",
    ),
    Verb(
        "undrain",
        (Argument("node"),),
        "Let instances of apps run on a node again",
        "scale",
        "undrain worker101",
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
        (Argument("host", optional=True),),
        "Check what a public host serves, or every one: certificate, redirects, mixed content, CAA",
        "read",
        "padlock influencer.flstr.lab",
    ),
    Verb(
        "crtsh",
        (Argument("host", optional=True),),
        "Show what certificates were issued for a name of ours, or for all: by whom, and which nobody asked for",
        "read",
        "crtsh influencer.flstr.lab",
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
