"""The audit's chain: an entry has the hash of the one before it. Pure."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Literal

from pydantic import ValidationError

from model.operation import AuditEntry

Kind = Literal["intent", "decision", "effect"]


@dataclass(frozen=True)
class Told:
    """What an entry is to tell of: who, when, where, and of which revision and operation. `source` is the record that
    says so, and is told of once."""

    at: float
    kind: Kind
    source: str
    person: str
    place: str
    what: str
    revision: str = ""
    operation: str = ""


@dataclass(frozen=True)
class Mark:
    """A place in the chain: `number` and `hash` of its newest entry, or how far Git has it, and in which commit."""

    number: int = 0
    hash: str = ""

    @classmethod
    def of(cls, text: str | None) -> "Mark":
        """From etcd; the beginning where there is none, or none that can be read."""
        number, _, digest = (text or "0 ").partition(" ")
        return cls(int(number), digest) if number.isascii() and number.isdigit() else cls()

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"


def sealed(told: Told, head: Mark) -> AuditEntry:
    """The entry that comes after the head."""
    entry = AuditEntry(number=head.number + 1, previous=head.hash, hash="", **asdict(told))
    return entry.model_copy(update={"hash": digest(entry)})


def digest(entry: AuditEntry) -> str:
    """The hash that an entry has to have."""
    return hashlib.sha256(entry.model_dump_json(exclude={"hash"}).encode()).hexdigest()


def readable(text: str | None) -> AuditEntry | None:
    """An entry as it stands somewhere, changed or not; None where it is none at all."""
    try:
        return AuditEntry.model_validate_json(text or "")
    except ValidationError:
        return None


def mark(entry: AuditEntry) -> Mark:
    """Where the chain is with this entry."""
    return Mark(entry.number, entry.hash)
