"""New entries of the audit are brought to the cluster repo, many in one commit; nothing ever waits for it."""

import hashlib
import re
import threading
from collections.abc import Iterator

import structlog

from gitops.audit.branch import BRANCH, AuditBranch
from gitops.audit.entries import Mark, digest, mark, readable
from gitops.audit.verify import disagreement, entries_of
from gitops.notices import say
from gitops.store import Store
from model import keys
from model.errors import Fenced, Refused, Unreadable
from model.mrkdwn import escape
from model.operation import AuditEntry

log = structlog.get_logger()

_COMMIT = re.compile(r"\b[0-9a-f]{40}\b")

# A commit at a time; what is left comes with the next one.
MOST = 2000


class AuditPushing:
    """Notes in etcd how far Git has the entries; only then may old ones leave etcd."""

    def __init__(self, store: Store, branch: AuditBranch) -> None:
        self._store = store
        self._branch = branch
        self._one = threading.Lock()

    def look(self) -> bool:
        """Push what is new; says whether all of it is in Git. What cannot be pushed now is at the next look."""
        try:
            with self._one:
                return self._push()
        except Fenced:
            raise
        except Refused as error:
            log.warning("the audit is not pushed now", reason=error.sentence)
            if not isinstance(error, Unreadable):
                self._say(error.sentence)
        except Exception:
            log.exception("the audit could not be pushed")
        return False

    def last(self) -> Mark:
        """The newest entry that Git has. Raises `Unreadable` where it does not answer."""
        entries = entries_of(self._branch.months(self._branch.tip()))
        return mark(entries[max(entries)]) if entries else Mark()

    def _say(self, sentence: str) -> None:
        """Once for each that keeps entries out of Git: etcd has to keep them until somebody has mended it."""
        pushed = Mark.of(self._store.get(keys.AUDIT_PUSHED)).number
        # Git names the commit that it did not take, which is another one at each try.
        same = _COMMIT.sub("", sentence)
        name = f"audit-{pushed}-{hashlib.sha256(same.encode()).hexdigest()[:12]}"
        say(self._store, name, f":rotating_light: {escape(sentence)}. `audit verify` says more.")

    def _push(self) -> bool:
        head, pushed = Mark.of(self._store.get(keys.AUDIT_HEAD)), Mark.of(self._store.get(keys.AUDIT_PUSHED))
        if head.number == pushed.number:
            return True
        tip = self._branch.tip()
        if tip != pushed.hash:
            pushed = self._agreed(tip, pushed)
        entries = [*self._new(pushed.number + 1, min(head.number, pushed.number + MOST))]
        self._store.check_fence()
        commit = self._branch.add(tip, entries) if entries else tip
        if commit is None:
            return False
        done = Mark(entries[-1].number if entries else pushed.number, commit)
        self._store.put(keys.AUDIT_PUSHED, str(done))
        return done.number == head.number

    def _new(self, first: int, last: int) -> Iterator[AuditEntry]:
        for number in range(first, last + 1):
            entry = readable(self._store.get(keys.audit_entry(number)))
            if entry is None or digest(entry) != entry.hash:
                raise Refused(f"entry {number} in etcd was changed or removed; it is not brought to {BRANCH}")
            yield entry

    def _agreed(self, tip: str, pushed: Mark) -> Mark:
        """How far a branch has the entries that is not as it was noted: a push may have been the last thing that a
        controller did. Raises `Refused` where somebody has changed it."""
        files = self._branch.months(tip)
        if why := disagreement(files, self._store.prefix(keys.AUDIT), pushed):
            raise Refused(
                f"Nothing is added to the branch {BRANCH} of the cluster repo, which somebody has changed: {why}"
            )
        return Mark(max(entries_of(files), default=0), tip)
