"""Whether the audit is as it was written: the chain of etcd, that of Git, and both compared. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gitops.audit.entries import Mark, digest, readable
from gitops.holds.ends import in_words
from model import keys
from model.operation import AuditEntry

ETCD, GIT = "etcd", "Git"


@dataclass(frozen=True)
class Kept:
    """The audit as it was found: entries of etcd by key, files of Git by path (None where Git does not answer), and
    what etcd says of the newest entry and of how far Git has them."""

    etcd: Mapping[str, str]
    git: Mapping[str, str] | None
    head: Mark
    pushed: Mark


@dataclass(frozen=True)
class Broken:
    """Something that is not as it was written, at the number of an entry."""

    number: int
    sentence: str


@dataclass
class _Chain:
    """What one place holds, as far as it can be read."""

    where: str
    entries: dict[int, AuditEntry] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    @property
    def last(self) -> int:
        return max(self.entries, default=0)


def verify(kept: Kept) -> str:
    """`N entries, unbroken since …`, or the first one that is not as it was written."""
    etcd = _chain(ETCD, _of_etcd(kept.etcd))
    git = None if kept.git is None else _chain(GIT, _of_git(kept.git))
    found = [*_compared(etcd, git, kept), *etcd.broken, *(git.broken if git else ())]
    if found:
        first = min(found, key=lambda broken: broken.number)
        return f":rotating_light: The audit is broken: {first.sentence}."
    entries = {**(git.entries if git else {}), **etcd.entries}
    if not entries:
        return "The audit has no entries yet."
    count, since = len(entries), in_words(entries[min(entries)].at)
    in_git = f"; {git.last} of them are in Git as well" if git else ", as far as etcd has them; Git does not answer"
    return f":white_check_mark: {count} entr{'y' if count == 1 else 'ies'}, unbroken since {since}{in_git}."


def entries_of(files: Mapping[str, str]) -> dict[int, AuditEntry]:
    """The entries of Git's files that can be read, by their numbers."""
    return _chain(GIT, _of_git(files)).entries


def disagreement(files: Mapping[str, str], etcd: Mapping[str, str], pushed: Mark) -> str:
    """Why entries may not be added to these files; empty where they are what etcd says, as far as it was pushed."""
    git, ours = _chain(GIT, _of_git(files)), _chain(ETCD, _of_etcd(etcd))
    found = [*git.broken, *_differing(ours, git), *_cut(git, pushed)]
    return min(found, key=lambda broken: broken.number).sentence if found else ""


def _of_etcd(found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, text in sorted(found.items()):
        yield key.removeprefix(keys.AUDIT), text


def _of_git(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for _, text in sorted(files.items()):
        # Not at every end of a line that Unicode knows: a text may hold one.
        *lines, rest = text.split("\n")
        yield from (("", line) for line in lines)
        if rest:
            yield "", f"{rest} without an end"


def _chain(where: str, texts: Iterable[tuple[str, str]]) -> _Chain:
    chain, before = _Chain(where), None
    for name, text in texts:
        expected = before.number + 1 if before is not None else 1
        entry = _entry(text)
        number = expected if entry is None else entry.number
        if entry is None or (name and name != keys.audit_entry(number).removeprefix(keys.AUDIT)):
            at = int(name) if name.isascii() and name.isdigit() else expected
            chain.broken.append(Broken(at, f"entry {at} in {where} was changed"))
            return chain
        chain.broken += _out_of_order(where, entry, before, expected)
        if chain.broken:
            return chain
        chain.entries[number], before = entry, entry
    return chain


def _entry(text: str) -> AuditEntry | None:
    """An entry that is letter by letter as it was written."""
    entry = readable(text)
    return entry if entry is not None and entry.to_json() == text and digest(entry) == entry.hash else None


def _out_of_order(where: str, entry: AuditEntry, before: AuditEntry | None, expected: int) -> Iterator[Broken]:
    number = entry.number
    if before is None:
        # Old ones leave etcd once Git has them; whether these follow is seen by both.
        if (where == GIT and number != 1) or number < 1:
            yield Broken(1, f"entry 1 in {where} was removed")
        elif (number == 1) != (entry.previous == ""):
            yield Broken(number, f"entry {number} in {where} is not what the chain began with")
    elif number > expected:
        yield Broken(expected, f"entry {expected} in {where} was removed")
    elif number < expected:
        yield Broken(number, f"an entry {number} in {where} was inserted")
    elif entry.previous != before.hash:
        yield Broken(before.number, f"entry {before.number} in {where} was changed, for entry {number} follows another")


def _compared(etcd: _Chain, git: _Chain | None, kept: Kept) -> Iterator[Broken]:
    if git is not None:
        yield from _differing(etcd, git)
        yield from _cut(git, kept.pushed)
        yield from _joined(etcd, git)
    elif etcd.entries and min(etcd.entries) > 1:
        first = min(etcd.entries)
        if kept.pushed.number < first - 1:
            yield Broken(first - 1, f"entry {first - 1} in etcd was removed, and Git does not answer")
    if not etcd.broken:
        yield from _at_the_end(etcd, git, kept.head)


def _differing(etcd: _Chain, git: _Chain) -> Iterator[Broken]:
    for number in sorted(etcd.entries.keys() & git.entries.keys()):
        if etcd.entries[number] != git.entries[number]:
            yield Broken(number, f"entry {number} differs between etcd and Git")
            return


def _cut(git: _Chain, pushed: Mark) -> Iterator[Broken]:
    if not git.broken and git.last < pushed.number:
        yield Broken(git.last + 1, f"entries {git.last + 1} to {pushed.number} in Git were removed")


def _joined(etcd: _Chain, git: _Chain) -> Iterator[Broken]:
    """The oldest entry of etcd follows one that Git has."""
    first = min(etcd.entries, default=1)
    if first == 1 or git.broken:
        return
    before = git.entries.get(first - 1)
    if before is None:
        yield Broken(git.last + 1, f"entry {git.last + 1} was removed: neither etcd nor Git has it")
    elif before.hash != etcd.entries[first].previous:
        yield Broken(first, f"entry {first} in etcd was changed, for it does not follow what Git has")


def _at_the_end(etcd: _Chain, git: _Chain | None, head: Mark) -> Iterator[Broken]:
    """The newest entry is the one that the head names, and Git knows of none after it."""
    entries = etcd.entries or (git.entries if git is not None and not git.broken else {})
    last = max(entries, default=0)
    if last < head.number:
        yield Broken(last + 1, f"entries {last + 1} to {head.number} in etcd were removed")
    elif last > head.number:
        yield Broken(head.number + 1, f"entry {head.number + 1} in etcd was inserted, or the head was changed")
    elif last and entries[last].hash != head.hash:
        yield Broken(last, f"entry {last} in etcd was changed, or the head was")
    if git is not None and git.last > head.number:
        yield Broken(head.number + 1, f"entry {head.number + 1} in etcd was removed; Git has it")
