"""A chain of entries as it would stand in etcd and in Git."""

from gitops.audit.branch import added
from gitops.audit.entries import Mark, Told, mark, sealed
from gitops.audit.verify import Kept
from model import keys
from model.operation import AuditEntry

AT = 1_795_000_000.0


def chain(count: int) -> list[AuditEntry]:
    """Entries with whatever a person may have written."""
    entries: list[AuditEntry] = []
    head = Mark()
    for number in range(count):
        words = f'/flstr deploy influencer@{number} \x1b “größer” \u2028 \\ " <{number}>'
        told = Told(AT + number, "intent", f"intent/{number}", "operator", "slack #flstr", words, "r1", "")
        entries.append(sealed(told, head))
        head = mark(entries[-1])
    return entries


def kept(entries: list[AuditEntry], *, first_in_etcd: int = 1, in_git: int | None = None) -> Kept:
    """What is found of them: etcd has those from a number on, Git all up to one."""
    etcd = {keys.audit_entry(one.number): one.to_json() for one in entries if one.number >= first_in_etcd}
    git = entries if in_git is None else entries[:in_git]
    files = added({}, git)
    return Kept(etcd, files, mark(entries[-1]) if entries else Mark(), Mark(len(git), "c"))
