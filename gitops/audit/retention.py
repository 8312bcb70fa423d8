"""What etcd need not remember of the audit and of holds: entries that Git has, marks of records that are gone. Pure."""

from collections.abc import Iterator, Mapping

from gitops.audit.entries import Mark, readable
from model import keys
from model.operation import EndedHold

SECONDS = 30 * 86400.0
# A window of the manifest that somebody ended by hand is known by this until it would have ended by itself.
PREFIXES = (keys.AUDIT, keys.AUDIT_PUSHED, keys.AUDITED, keys.HELD)


def forgettable_audit(found: Mapping[str, str], now: float) -> list[str]:
    """The keys that may go, of all entries, marks, ended holds, and the records that are told of."""
    return [*_entries(found, now), *_ended_holds(found, now), *_marks(found)]


def _entries(found: Mapping[str, str], now: float) -> Iterator[str]:
    """The oldest ones, without a gap, once Git has them; the newest one stays."""
    pushed = Mark.of(found.get(keys.AUDIT_PUSHED))
    entries = sorted(key for key in found if key.startswith(keys.AUDIT))
    for key in entries[:-1]:
        entry = readable(found[key])
        # What somebody has changed stays, and all after it, until somebody has looked.
        if entry is None or entry.number > pushed.number or now - entry.at <= SECONDS:
            return
        yield key


def _ended_holds(found: Mapping[str, str], now: float) -> Iterator[str]:
    for key, text in found.items():
        if key.startswith(keys.HELD):
            ended = EndedHold.model_validate_json(text)
            if now - max(ended.at, ended.hold.until or 0.0) > SECONDS:
                yield key


def _marks(found: Mapping[str, str]) -> Iterator[str]:
    """Those of records that were forgotten before: nothing can be told of them again."""
    for key in found:
        if not key.startswith(keys.AUDITED):
            continue
        kind, _, rest = key.removeprefix(keys.AUDITED).partition("/")
        name = rest if kind == "intent" else rest.partition("/")[0]
        match kind:
            case "intent":
                gone = keys.intent(name) not in found
            case "hold":
                alive = keys.hold(name.rpartition("-")[0]) in found
                gone = f"{keys.HELD}{name}" not in found and not alive
            case _:
                gone = keys.operation(name) not in found
        if gone:
            yield key
