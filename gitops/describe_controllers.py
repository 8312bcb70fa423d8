"""The controllers in words: which run, which one leads, and which run another version. Pure."""

from collections.abc import Collection, Sequence

from model.names import NodeName
from model.registered import ControllerRecord

SHOWN = 8


def controllers(members: Collection[NodeName], running: Sequence[ControllerRecord], leader: str) -> str:
    """One line; empty where flstr does not run on controllers of the cluster. `members` carry its etcd."""
    known = {record.node: record for record in running}
    if not known and not members:
        return ""
    differ = len({record.version for record in running}) > 1
    said = []
    for name in sorted({*members, *known}):
        record = known.get(name)
        if record is None:
            said.append(f"{name} is silent")
            continue
        notes = [*(["leads"] if name == leader else []), *([_version(record)] if differ else [])]
        said.append(f"{name} ({', '.join(notes)})" if notes else name)
    return f"controllers: {', '.join(said)}"


def _version(record: ControllerRecord) -> str:
    return f"version {record.version[:SHOWN]}" if record.version else "a checkout"
