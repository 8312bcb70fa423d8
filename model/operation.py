"""Operations, approvals, intents and notices: what etcd remembers of the work itself. Times are Unix seconds."""

from typing import Literal

from pydantic import Field

from model.base import Frozen
from model.names import PersonName
from model.steps import Plan

StepStatus = Literal["waiting", "running", "done", "failed", "skipped"]
TaskStatus = Literal["running", "ok", "changed", "failed"]
OperationStatus = Literal[
    "awaiting_approval", "queued", "running", "done", "failed", "cancelled", "denied", "expired", "void", "superseded"
]
ApprovalStatus = Literal["waiting", "approved", "used", "denied", "expired", "void"]
IntentStatus = Literal["new", "answered", "delivered"]

ENDED: frozenset[OperationStatus] = frozenset(
    {"done", "failed", "cancelled", "denied", "expired", "void", "superseded"}
)


class StepTask(Frozen):
    """One task of a step's playbook, and on how many machines it came to what."""

    name: str
    status: TaskStatus
    ok: int = Field(0, description="Machines on which it changed nothing")
    changed: int = 0
    failed: int = 0


class StepTasks(Frozen):
    """The tasks of a step that are worth a line, in their order; those that changed nothing are counted alone."""

    shown: tuple[StepTask, ...] = ()
    quiet: int = Field(0, description="Tasks that came to their end and are not shown")


class StepState(Frozen):
    """How far a step is; `detail` is its newest line, `output` what failed last printed, `told` what is worth
    remembering of it."""

    status: StepStatus = "waiting"
    detail: str = ""
    output: str = ""
    told: tuple[str, ...] = ()
    tasks: StepTasks = Field(default_factory=StepTasks, description="Of a step that is a playbook")
    release_failed: bool = Field(False, description="Whether it failed by a fault of the release")
    started: float | None = None
    ended: float | None = None


class Origin(Frozen):
    """Who asked, and where: a person of the manifest where known, and the words they used."""

    person: PersonName | None = None
    display: str = "somebody"
    place: str = Field("git", description="'slack #flstr', 'shell' or 'git'")
    words: str = ""


class Operation(Frozen):
    """A plan being carried out, as the card shows it."""

    id: str
    revision: str
    plan: Plan
    origin: Origin
    status: OperationStatus
    steps: dict[str, StepState] = Field(default_factory=dict)
    sentence: str = Field("", description="How it ended, in one sentence")
    created: float
    started: float | None = None
    ended: float | None = None
    approval: str | None = None

    def to_json(self) -> str:
        """As every record, the plan last."""
        return f'{self.model_dump_json(by_alias=True, exclude={"plan"})[:-1]},"plan":{self.plan.text}}}'

    def ended_already(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED

    def is_under_way(self) -> bool:
        """Whether it runs, or is to run next."""
        return self.status in ("running", "queued")


class Decision(Frozen):
    """One person's click, and the intent that it was."""

    person: PersonName
    approved: bool
    at: float
    intent: str = ""


class Fact(Frozen):
    """One line of a card that asks: `Cost a month` and `4.51 € less`; the text is plain."""

    title: str
    text: str


class BrokenGlass(Frozen):
    """Leave that one person gave alone, in an emergency, with a written reason."""

    person: PersonName
    reason: str
    at: float
    intent: str = ""


class Approval(Frozen):
    """Leave for one plan, by its digest; used once."""

    id: str
    operation: str
    digest: str
    requesters: tuple[PersonName, ...] = Field((), description="Everybody who asked for what it destroys")
    authors: tuple[PersonName, ...] = Field((), description="Everybody who wrote a commit of it by hand")
    mergers: tuple[PersonName, ...] = Field((), description="Everybody who merged it")
    strangers: tuple[str, ...] = Field((), description="Addresses of authors and mergers that nobody is known by")
    names: tuple[str, ...] = Field((), description="What whoever approves has to type: the machines it destroys")
    facts: tuple[Fact, ...] = Field((), description="What to know before deciding, as it was when it was asked for")
    needed: int
    status: ApprovalStatus = "waiting"
    decisions: tuple[Decision, ...] = ()
    asked: float
    expires: float
    reminded: tuple[float, ...] = Field((), description="When those who may decide were reminded")
    escalated: float | None = Field(None, description="Since when the second team may decide as well")
    glass: BrokenGlass | None = Field(None, description="Who let it go without the approvals it needed")


class Asker(Frozen):
    """Where an intent came from and where its answer goes."""

    place: Literal["slack", "shell"]
    user: str = Field(description="Slack user id, or the e-mail address of the shell's Git identity")
    channel: str = ""
    channel_name: str = Field("", description="As people call it, without #")
    response_url: str = ""
    view: str = Field("", description="The modal that shows the answer, where no message is to bring it")

    @property
    def where(self) -> str:
        """`slack #flstr`, or `shell`; a channel whose name Slack did not say is named by its id."""
        named = f"#{self.channel_name}" if self.channel_name else self.channel
        return f"slack {named}".rstrip() if self.place == "slack" else "shell"


class Intent(Frozen):
    """What somebody asked for. The id is made from what Slack delivers once (trigger_id, action_ts)."""

    id: str
    verb: str
    arguments: tuple[str, ...] = ()
    words: str = ""
    asker: Asker
    asked: float
    status: IntentStatus = "new"
    answer: str = Field("", description="Slack mrkdwn, for that person only")
    refused: bool = Field(False, description="Whether the answer says why nothing came of it")
    attached: bool = Field(False, description="Whether a file goes with the answer")
    instead: str = Field("", description="The line that was probably meant, or that confirms it: offered as a button")
    operation: str = Field("", description="The operation under way that does what was asked for already")


class Hold(Frozen):
    """Something that is left as it is for a while: an app, a pool, everything that people ask for, or all work."""

    id: str = Field(description="'app-<name>', 'pool-<name>', 'freeze', 'window-<start>' or 'suspend'")
    reason: str
    person: str = Field(description="Who holds it, or 'cluster.yaml' for a window of the manifest")
    place: str = ""
    since: float
    until: float | None = Field(None, description="When it ends by itself; None for a suspension, which somebody ends")
    revision: str = Field("", description="The revision that was followed when it began; what is held stays as it says")


class EndedHold(Frozen):
    """A hold that is over; without a person it ended by itself, at its time."""

    hold: Hold
    at: float
    person: str = ""
    place: str = ""


class Waiting(Frozen):
    """What waits for holds to end: the newest revision that was looked at, why it cannot be followed beside them where
    it can not, and a line for each change by the hold's id."""

    revision: str = ""
    why: str = ""
    lines: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class AuditEntry(Frozen):
    """One thing that happened; each has the hash of the one before it, so that none can be changed unseen."""

    number: int
    at: float
    kind: Literal["intent", "decision", "effect"]
    source: str = Field(description="The record it tells of, such as 'intent/1a2b…': each is told of once")
    person: str
    place: str
    what: str
    revision: str = ""
    operation: str = ""
    previous: str = Field(description="Hash of the entry before it; empty for the first one")
    hash: str = Field(description="SHA-256 of all that is above, as its JSON without this field")


class Notice(Frozen):
    """Something the channel has to hear once, such as a refused revision."""

    id: str
    text: str
    at: float


class Card(Frozen):
    """Where something was posted; `shown` is the digest of what stands there now."""

    record: str
    channel: str
    ts: str
    shown: str = ""


class SyncState(Frozen):
    """How far the worker has followed Git; written only when something changed."""

    revision: str = Field("", description="The newest revision that was accepted")
    refused_revision: str = Field("", description="A newer revision that was refused")
    refused: str = Field("", description="Why it was refused")
    settled: bool = Field(False, description="Whether nothing is left to do for `revision` but what waits for people")
    intact: str = Field("", description="The newest revision under which nothing was to be removed")
