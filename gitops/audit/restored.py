"""An etcd from a backup may know less of the audit than Git has: it goes on from there."""

from gitops.audit.branch import AuditBranch
from gitops.audit.entries import Mark, mark
from gitops.audit.verify import entries_of
from gitops.store import Store
from model import keys


def go_on_from_git(store: Store, branch: AuditBranch) -> None:
    """Have the next entry come after Git's newest one, where etcd's newest is older. Raises `Unreadable`.

    That records were told stays known: the entries are in Git.
    """
    tip = branch.tip()
    entries = entries_of(branch.months(tip))
    newest = mark(entries[max(entries)]) if entries else Mark()
    if newest.number > Mark.of(store.get(keys.AUDIT_HEAD)).number:
        store.delete(*store.prefix(keys.AUDIT))
        store.write({keys.AUDIT_HEAD: str(newest), keys.AUDIT_PUSHED: str(Mark(newest.number, tip))})
