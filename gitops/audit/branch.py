"""The audit in the cluster repo: a branch of its own, with a file of JSON lines for each month."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import git
from git.index.typ import BaseIndexEntry
from gitdb.base import IStream

from gitops.repository import GIT_ENVIRONMENT, GIT_SECONDS, TEXT_MODE, ClusterRepo
from model.operation import AuditEntry

BRANCH = "flstr-audit"
FOLDER = "audit/"
# What the remote has; the branch itself is as flstr wrote it.
_REMOTE = f"refs/remotes/flstr/{BRANCH}"


class AuditBranch(ClusterRepo):
    """It shares the clone of the cluster repo, and no commit: it begins by itself."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url, folder, BRANCH)

    def tip(self) -> str:
        """The newest commit of the remote's branch, which is in the clone then; empty where there is none."""
        with self._errors():
            line = git.cmd.Git().ls_remote(
                self.url, f"refs/heads/{BRANCH}", env=GIT_ENVIRONMENT, kill_after_timeout=GIT_SECONDS
            )
            if not line:
                return ""
            with self._fetching:
                self._repo().git.fetch(
                    "--quiet", self.url, f"+refs/heads/{BRANCH}:{_REMOTE}", env=GIT_ENVIRONMENT,
                    kill_after_timeout=GIT_SECONDS,
                )  # fmt: skip
            return str(self._repo().git.rev_parse("--verify", _REMOTE))

    def months(self, commit: str) -> dict[str, str]:
        """The files of a commit, by path; none where there is no commit."""
        if not commit:
            return {}
        with self._errors():
            tree = self._repo().commit(commit).tree
            blobs = [item for item in tree.traverse() if isinstance(item, git.Blob)]
            found = {str(blob.path): blob.data_stream.read() for blob in blobs}
        return {
            path: data.decode(errors="replace")
            for path, data in found.items()
            if path.startswith(FOLDER) and path.endswith(".jsonl")
        }

    def add(self, tip: str, entries: Sequence[AuditEntry]) -> str | None:
        """Put entries behind those of the newest commit; the new one, or None where somebody else pushed meanwhile."""
        months = self.months(tip)
        changed = added(months, entries)
        first, last = entries[0].number, entries[-1].number
        which = f"entry {first}" if first == last else f"entries {first} to {last}"
        with self._errors():
            commit = self._commit_on(tip, changed, f"Audit: {which}\n")
        if not self._push(commit):
            return None
        with self._errors():
            self._repo().git.update_ref(f"refs/heads/{BRANCH}", commit)
        return commit

    def _commit_on(self, tip: str, files: Mapping[str, str], message: str) -> str:
        repo = self._repo()
        parents = [repo.commit(tip)] if tip else []
        empty = repo.odb.store(IStream(b"tree", 0, io.BytesIO()))
        index = git.IndexFile.from_tree(repo, parents[0] if parents else empty.hexsha.decode())
        for path, text in files.items():
            data = text.encode()
            blob = repo.odb.store(IStream(b"blob", len(data), io.BytesIO(data)))
            index.add([BaseIndexEntry((TEXT_MODE, blob.binsha, 0, path))], write=False)
        flstr = git.Actor("flstr", "flstr@localhost")
        tree = index.write_tree()
        return git.Commit.create_from_tree(repo, tree, message, parents, author=flstr, committer=flstr).hexsha


def added(months: Mapping[str, str], entries: Sequence[AuditEntry]) -> dict[str, str]:
    """The files that change where entries come behind these. Pure."""
    changed: dict[str, list[str]] = {}
    newest = max(months, default="")
    for entry in entries:
        # What was told late stays in order: no file before the newest one grows any more.
        newest = max(newest, f"{FOLDER}{datetime.fromtimestamp(entry.at, UTC):%Y-%m}.jsonl")
        changed.setdefault(newest, [months.get(newest, "")]).append(f"{entry.to_json()}\n")
    return {path: "".join(texts) for path, texts in changed.items()}
