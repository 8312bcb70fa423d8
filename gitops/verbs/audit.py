"""The verb that reads the audit, and checks that nobody has changed it."""

from dataclasses import dataclass

from gitops.audit.branch import AuditBranch
from gitops.audit.entries import Mark, readable
from gitops.audit.verify import Kept, entries_of, verify
from gitops.holds.ends import in_words
from gitops.store import Store
from gitops.verbs.desk import Request
from model import keys
from model.errors import Refused
from model.mrkdwn import escape
from model.operation import AuditEntry

SHOWN = 20
# An entry by its number is shown as a whole.
LONGEST = 140
VERIFY = "verify"
LONGEST_NUMBER = 9
SIGNS = {"intent": ":speech_balloon:", "decision": ":raised_hand:", "effect": ":gear:"}


@dataclass(frozen=True)
class Audit:
    """Reads etcd, and Git for what is older or to be compared."""

    store: Store
    branch: AuditBranch

    def audit(self, request: Request) -> str:
        """`audit [entries …]`."""
        words = " ".join(request.intent.arguments).split()
        if words == [VERIFY]:
            return self._verify()
        # The beginning of an operation's id may be a number as well.
        if len(words) == 1 and (entry := self._entry(words[0])) is not None:
            return _whole(entry)
        found = self._of(words, self._in_etcd())
        if not found:
            # Old ones are in Git alone.
            found = self._of(words, entries_of(self.branch.months(self.branch.tip())))
        if not found:
            raise Refused(f"The audit has nothing of {' '.join(words)}." if words else "The audit is empty yet.")
        return "\n".join(_line(entry) for entry in found[:SHOWN])

    def _verify(self) -> str:
        # How far Git has them is read before Git, and etcd after it: what is written meanwhile is no fault.
        pushed = Mark.of(self.store.get(keys.AUDIT_PUSHED))
        try:
            files, why = self.branch.months(self.branch.tip()), ""
        except Refused as error:
            files, why = None, f" ({escape(error.sentence)})"
        found = self.store.prefixes((keys.AUDIT, keys.AUDIT_HEAD))
        etcd = {key: text for key, text in found.items() if key.startswith(keys.AUDIT)}
        return verify(Kept(etcd, files, Mark.of(found.get(keys.AUDIT_HEAD)), pushed)) + why

    def _entry(self, word: str) -> AuditEntry | None:
        """The entry of a number; None where the word is none, or no entry has it."""
        if not (word.isascii() and word.isdigit() and len(word) < LONGEST_NUMBER):
            return None
        number = int(word)
        entry = readable(self.store.get(keys.audit_entry(number)))
        return entry or entries_of(self.branch.months(self.branch.tip())).get(number)

    def _in_etcd(self) -> dict[int, AuditEntry]:
        found = map(readable, self.store.prefix(keys.AUDIT).values())
        return {entry.number: entry for entry in found if entry is not None}

    def _of(self, words: list[str], entries: dict[int, AuditEntry]) -> list[AuditEntry]:
        return [entry for _, entry in sorted(entries.items(), reverse=True) if all(is_about(entry, w) for w in words)]


def is_about(entry: AuditEntry, word: str) -> bool:
    """Whether an entry tells of a person, an operation (by the beginning or end of its id), or an app."""
    if entry.person.lower() == word.lower() or (
        len(word) >= 4 and word in (entry.operation[: len(word)], entry.operation[-len(word) :])
    ):
        return True
    plain = "".join(letter if letter.isalnum() or letter in "-._" else " " for letter in entry.what)
    return word in (part.strip("._-") for part in plain.split())


def _line(entry: AuditEntry) -> str:
    place = f", {escape(entry.place)}" if entry.place else ""
    text = entry.what if len(entry.what) <= LONGEST else f"{entry.what[:LONGEST]}…"
    return f"{SIGNS[entry.kind]} {entry.number} · {in_words(entry.at)} · {escape(entry.person)}{place}: {escape(text)}"


def _whole(entry: AuditEntry) -> str:
    more = {"revision": entry.revision, "operation": entry.operation, "record": entry.source, "hash": entry.hash}
    place = f", {escape(entry.place)}" if entry.place else ""
    head = f"{SIGNS[entry.kind]} {entry.number} · {in_words(entry.at)} · {escape(entry.person)}{place}"
    return "\n".join([head, escape(entry.what), *(f"{name}: `{text}`" for name, text in more.items() if text)])
