"""One domain looked up: crt.sh, else Cert Spotter, else what was known before, with its age."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from executors.transparency.issuances import merged
from executors.transparency.source import Kept, NotAnswered, Source
from model.transparency import Issuance, Logged

# Two clocks differ, and a certificate that has just ended is missing in no answer.
CLOCKS = timedelta(minutes=10)
# That a certificate ended without another is known of those that were seen while they were good.
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True)
class Answer:
    """What is known of a domain; `logged` is None where nothing is. Where it is from before, `faults` say why."""

    domain: str
    logged: Logged | None
    is_from_before: bool = False
    faults: tuple[str, ...] = ()


@dataclass
class _Asking:
    """What came of the sources so far."""

    told: list[Issuance] = field(default_factory=list)
    empty: str = ""
    faults: list[str] = field(default_factory=list)


def look_up(domain: str, sources: Sequence[tuple[Source, float]], kept: Kept, now: datetime) -> Answer:
    """Ask the sources in turn, each for as long as stands beside it, until one answers well; keep what it said.

    What was logged stays logged. So an answer without a certificate that was known and is still good is not a whole
    one, and an empty one is believed only where a second source says the same, or none answers.
    """
    before = kept.last(domain)
    known = [] if before is None else [one for one in before.issuances if one.not_after > now - REMEMBERED]
    asking = _Asking()
    for source, seconds in sources:
        try:
            told = source.issued(domain, seconds)
        except NotAnswered as error:
            asking.faults.append(f"{source.name} {error.why}")
            continue
        asking.told += told
        if _whole(source.name, told, known, now, asking):
            return _kept(domain, source.name, [*known, *asking.told], now, kept)
    if asking.empty:
        return _kept(domain, asking.empty, known, now, kept)
    if before is None:
        return Answer(domain, None, faults=tuple(asking.faults))
    logged = before.model_copy(update={"issuances": merged([*known, *asking.told])})
    kept.keep(logged)
    return Answer(domain, logged, is_from_before=True, faults=tuple(asking.faults))


def _whole(name: str, told: Sequence[Issuance], known: Sequence[Issuance], now: datetime, asking: _Asking) -> bool:
    found = {one.id for one in told}
    missing = [one for one in known if one.id not in found and one.not_after > now + CLOCKS]
    if missing:
        asking.faults.append(f"{name} left out {len(missing)} that {'was' if len(missing) == 1 else 'were'} logged")
        return False
    if not told and not asking.empty:
        asking.empty = name
        asking.faults.append(f"{name} knows of none")
        return False
    return True


def _kept(domain: str, source: str, told: Sequence[Issuance], now: datetime, kept: Kept) -> Answer:
    logged = Logged(domain=domain, source=source, at=now, issuances=merged(told))
    kept.keep(logged)
    return Answer(domain, logged)
