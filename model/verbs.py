"""The table of verbs: the parser, the help, did-you-mean and the command line are made from it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the help of `flstr` is made from this table, and needs no pydantic for it
    from model.people import Right

ArgumentKind = Literal[
    "app@commit",
    "app",
    "commit",
    "instance",
    "app or pool",
    "count",
    "app or node",
    "node",
    "node or cluster",
    "revision",
    "operation",
    "host",
    "verb",
    "end",
    "reason",
    "names",
    "command or branch",
    "person or right",
    "entries",
    "service",
    "backup",
]


# Has the doctor mend what it safely can.
FIX = "--fix"
# Has a release that failed tried once more.
ANYWAY = "--anyway"
# Has what was asked for done without asking back.
YES = "--yes"
# Has what a build printed shown, instead of what the instances print.
BUILD = "--build"


@dataclass(frozen=True)
class Argument:
    """One word after the verb; optional ones come last. One that is the `rest` takes all words that are left."""

    kind: ArgumentKind
    optional: bool = False
    rest: bool = False

    @property
    def usage(self) -> str:
        """As the help shows it: `<count>`, `[verb]`, `<app>@<commit>`, `<reason …>`."""
        more = " …" if self.rest else ""
        if self.optional:
            return f"[{self.kind}{more}]"
        return "@".join(f"<{part}{more}>" for part in self.kind.split("@"))


@dataclass(frozen=True)
class Verb:
    """One thing a person can ask for, by a word or two. `flags` may stand anywhere after the verb.

    What `commits` changes the cluster repo, and `plan` says what it would do.
    """

    name: str
    arguments: tuple[Argument, ...]
    summary: str
    right: "Right"
    example: str
    flags: tuple[str, ...] = ()
    commits: bool = False

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
        commits=True,
    ),
    Verb(
        "rollback",
        (Argument("app"), Argument("commit", optional=True)),
        "Go back to the commit that an app ran before, or to an older one",
        "deploy",
        "rollback influencer",
        commits=True,
    ),
    Verb(
        "restart",
        (Argument("app"),),
        "Replace every instance of an app by a new one of the same release; starts an app that was stopped",
        "deploy",
        "restart influencer",
        commits=True,
    ),
    Verb(
        "stop",
        (Argument("app"),),
        "Run no instance of an app until somebody says restart; it stays registered",
        "deploy",
        "stop influencer",
        (YES,),
        commits=True,
    ),
    Verb(
        "remove",
        (Argument("app"),),
        "Take an app out of the cluster; waits for an approval",
        "deploy",
        "remove influencer",
        commits=True,
    ),
    Verb(
        "scale",
        (Argument("app or pool"), Argument("count")),
        "Change how many instances or machines there are",
        "scale",
        "scale influencer 3",
        (YES,),
        commits=True,
    ),
    Verb(
        "status",
        (Argument("app or node", optional=True),),
        "Show what runs where, and what is under way",
        "read",
        "status",
    ),
    Verb("nodes", (), "Show the machines: what runs there, and what is wrong with them", "read", "nodes"),
    Verb("apps", (), "Show the apps: which commit, how many instances, where the public reaches them", "read", "apps"),
    Verb(
        "orphans",
        (),
        "Show what is in the cloud under the cluster's label and known to nobody, with what it costs a month",
        "read",
        "orphans",
    ),
    Verb("services", (), "Show the services, and which apps need them", "read", "services"),
    Verb(
        "history",
        (Argument("app"),),
        "Show what was deployed of an app, by whom, and what became of it",
        "read",
        "history influencer",
    ),
    Verb(
        "who",
        (Argument("person or right", optional=True),),
        "Show who may do what, and what is held by whom",
        "read",
        "who deploy",
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
        commits=True,
    ),
    Verb(
        "undrain",
        (Argument("node"),),
        "Let instances of apps run on a node again",
        "scale",
        "undrain worker101",
        commits=True,
    ),
    Verb(
        "destroy",
        (Argument("node or cluster"),),
        "Give a machine back for good, or the whole cluster by its name; waits for an approval",
        "scale",
        "destroy worker102",
        (YES,),
        commits=True,
    ),
    Verb(
        "lock",
        (Argument("app or pool"), Argument("end"), Argument("reason", rest=True)),
        "Leave an app or a pool as it is for a while, whatever is asked for or merged",
        "hold",
        "lock influencer 2h the database moves",
    ),
    Verb("unlock", (Argument("app or pool"),), "Let an app or a pool change again", "hold", "unlock influencer"),
    Verb(
        "freeze",
        (Argument("end"), Argument("reason", rest=True)),
        "Hold back everything that people ask for or merge; what flstr does by itself goes on",
        "hold",
        "freeze 2026-12-27 holidays",
    ),
    Verb("thaw", (), "End a freeze: what waits is done now", "hold", "thaw"),
    Verb(
        "suspend",
        (Argument("reason", rest=True),),
        "Begin nothing any more, not even by itself, until somebody says resume",
        "hold",
        "suspend somebody works on the machines",
        (YES,),
    ),
    Verb("resume", (), "Go on after suspend", "hold", "resume"),
    Verb(
        "cancel",
        (Argument("operation"),),
        "Give up an operation that runs or waits; what it has done stays",
        "deploy",
        "cancel 7f3a",
    ),
    Verb(
        "plan",
        (Argument("command or branch", optional=True, rest=True),),
        "Show what a command, the merge of a branch, or the newest revision would change",
        "read",
        "plan scale influencer 3",
    ),
    Verb(
        "sync",
        (Argument("revision", optional=True),),
        "Look at the cluster repo now; with a revision, accept a rewritten history",
        "sync",
        "sync",
    ),
    Verb(
        "approve",
        (Argument("operation"), Argument("names", optional=True, rest=True)),
        "Give leave to an operation that waits; one that destroys machines wants their names",
        "approve",
        "approve 7f3a worker102",
    ),
    Verb("deny", (Argument("operation"),), "Refuse an operation that waits", "approve", "deny 7f3a"),
    Verb(
        "break-glass",
        (Argument("operation"), Argument("reason", rest=True)),
        "Let an operation go without the approvals it needs, in an emergency; everybody hears of it",
        "break-glass",
        "break-glass 7f3a nobody else is awake and the disk is full",
    ),
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
    Verb(
        "audit",
        (Argument("entries", optional=True, rest=True),),
        "Show what was asked, decided and done, of an app, a person or an operation; `verify` checks every entry",
        "read",
        "audit influencer",
    ),
    Verb("backup", (), "Make a backup of etcd now, and read it back", "sync", "backup"),
    Verb(
        "service backup",
        (Argument("service"),),
        "Make a backup of a service's data now, and read it back",
        "deploy",
        "service backup cache",
    ),
    Verb(
        "service backups",
        (Argument("service"),),
        "Show the backups of a service, and how the last ones went",
        "read",
        "service backups cache",
    ),
    Verb(
        "service restore",
        (Argument("service"), Argument("backup", optional=True)),
        "Put a backup, the newest one without a name, in the place of what a service holds; waits for an approval",
        "deploy",
        "service restore cache",
        commits=True,
    ),
    Verb("help", (Argument("verb", optional=True),), "Show the verbs, or one of them", "read", "help deploy"),
)

BY_NAME: dict[str, Verb] = {verb.name: verb for verb in VERBS}

# The first words of those that have two.
GROUPS = frozenset(name.partition(" ")[0] for name in BY_NAME if " " in name)


def split_verb(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The name of the verb that words begin with, whether or not there is such a one, and the other words."""
    length = 2 if words[0].lower() in GROUPS else 1
    return " ".join(words[:length]).lower(), words[length:]
