"""What shows an authority that a name is ours, and the two ways of showing it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

ChallengeKind = Literal["http-01", "dns-01"]

RECORD_LABEL = "_acme-challenge"
# Base64url with at least 128 bits; it becomes a file name.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,200}")
_CONTENT = re.compile(r"[A-Za-z0-9_.-]{1,400}")


def record_name(host: str) -> str:
    """Where the TXT record stands that proves a name; a wildcard is proved by the name behind it."""
    return f"{RECORD_LABEL}.{host.removeprefix('*.')}"


@dataclass(frozen=True)
class Proof:
    """`content` is what the authority has to find: in the file `token` of the host, or in the TXT record."""

    kind: ChallengeKind
    host: str
    token: str
    content: str

    def __post_init__(self) -> None:
        # An authority's answer is as foreign as any other.
        if _TOKEN.fullmatch(self.token) is None or _CONTENT.fullmatch(self.content) is None:
            raise ValueError(f"{self.host}: the token of a challenge is base64url of 22 to 200 characters")

    @property
    def record(self) -> str:
        """The name of the TXT record."""
        return record_name(self.host)


class Solver(Protocol):
    """One way of proving names. Each call gets all proofs of an order, and raises `StepFailed` with one sentence."""

    @property
    def kind(self) -> ChallengeKind:
        """Which challenges it answers."""
        ...

    def put(self, proofs: Sequence[Proof]) -> None:
        """Put the proofs where the authority looks. May be called again for the same ones."""
        ...

    def await_seen(self, proofs: Sequence[Proof], within: float) -> None:
        """Return once the proofs can be seen from where the authority looks, `within` seconds."""
        ...

    def take_away(self, proofs: Sequence[Proof]) -> None:
        """Leave nothing of them behind, also where `put` came only half-way."""
        ...
