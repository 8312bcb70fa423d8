"""What the instances of a service that leads say of themselves."""

from dataclasses import dataclass
from typing import Literal

InstanceRole = Literal["leader", "follower", "down"]

_ROLES: dict[str, InstanceRole] = {"master": "leader", "slave": "follower"}
_FIELDS = 5


@dataclass(frozen=True)
class Heard:
    """One instance: `follows` is the address and port of whom it follows, and `linked` whether that one answers it.

    `offset` is how much it has of what was ever written; -1 of one that holds nothing, or is just getting it.
    """

    role: InstanceRole
    follows: str = ""
    linked: bool = False
    offset: int = -1


DOWN = Heard("down")


def heard_in(text: str) -> Heard:
    """What `role_of` of the templates prints; whatever else it may be, it does not serve."""
    words = text.strip().split(",")
    if len(words) != _FIELDS or words[0] not in _ROLES:
        return DOWN
    role, host, port, link, offset = words
    known = int(offset) if offset.isdecimal() else -1
    return Heard(_ROLES[role], f"{host}:{port}" if host else "", link == "up", known)
