"""Operations, approvals, intents and notices: what etcd remembers of the work itself. Times are Unix seconds."""

from typing import Literal

from pydantic import Field

from model.base import Frozen
from model.names import PersonName
from model.steps import Plan

StepStatus = Literal["waiting", "running", "done", "failed", "skipped"]
OperationStatus = Literal[
    "awaiting_approval", "queued", "running", "done", "failed", "denied", "expired", "void", "superseded"
]
ApprovalStatus = Literal["waiting", "approved", "used", "denied", "expired", "void"]
IntentStatus = Literal["new", "answered", "delivered"]

ENDED: frozenset[OperationStatus] = frozenset({"done", "failed", "denied", "expired", "void", "superseded"})


class StepState(Frozen):
    """How far a step is; `detail` is its newest line, `output` what failed last printed, `told` what is worth
    remembering of it."""

    status: StepStatus = "waiting"
    detail: str = ""
    output: str = ""
    told: tuple[str, ...] = ()
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
    """One person's click."""

    person: PersonName
    approved: bool
    at: float


class Approval(Frozen):
    """Leave for one plan, by its digest; used once."""

    id: str
    operation: str
    digest: str
    requesters: tuple[PersonName, ...] = Field((), description="Everybody who asked for what it destroys")
    needed: int
    status: ApprovalStatus = "waiting"
    decisions: tuple[Decision, ...] = ()
    asked: float
    expires: float


class Asker(Frozen):
    """Where an intent came from and where its answer goes."""

    place: Literal["slack", "shell"]
    user: str = Field(description="Slack user id, or the e-mail address of the shell's Git identity")
    channel: str = ""
    channel_name: str = Field("", description="As people call it, without #")
    response_url: str = ""


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
