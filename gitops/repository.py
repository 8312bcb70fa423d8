"""The cluster repo: reading a revision, and committing a change under a person's name. No working tree is needed."""

import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import git
import structlog
from git.index.typ import BaseIndexEntry
from gitdb.base import IStream

from gitops import merge_rehearsal
from gitops.manifests import PLAYBOOKS
from model.errors import Refused, Unreadable

log = structlog.get_logger()

GIT_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10"}
PUSH_TRIES = 5
GIT_SECONDS = 60.0
TEXT_MODE = 0o100644
# Where the clone keeps all branches; what is desired is under its own name.
OTHER_BRANCHES = "refs/branches/"
# What Git adds below its reason, whatever the reason is.
_SAYS_NOTHING = (
    "hint:",
    "Could not read from remote",
    "Please make sure you have",
    "and the repository exists",
    "error: failed to push some refs",
)

# From the files of a revision to those that change; None removes one.
Edit = Callable[[Mapping[str, str]], Mapping[str, str | None]]


@dataclass(frozen=True)
class Author:
    """Under whose name a commit is made."""

    name: str
    email: str


# flstr itself, which writes what people ask for under their names.
COMMITTER = Author("flstr", "flstr@localhost")


@dataclass(frozen=True)
class Change:
    """A commit by those who made it; `merges` where it is a merge, which changes what its first parent had not."""

    author: Author
    committer: Author
    message: str
    merges: bool = False


@dataclass(frozen=True)
class Revision:
    """A commit of the cluster repo; `trailers` are its last lines of the form `Key: value`, `at` is in Unix seconds."""

    commit: str
    author: Author
    subject: str
    trailers: Mapping[str, str]
    at: float = 0.0


class ClusterRepo:
    """A bare clone in `folder` of the branch that says what is desired."""

    def __init__(self, url: str, folder: Path, branch: str = "main") -> None:
        self.url = url
        self.branch = branch
        self._folder = folder
        # Git lets one process at a time move a branch.
        self._fetching = threading.Lock()

    def head(self) -> str:
        """The newest revision, asked of the remote without fetching. Raises `Refused`."""
        with self._errors():
            line = git.cmd.Git().ls_remote(
                self.url, f"refs/heads/{self.branch}", env=GIT_ENVIRONMENT, kill_after_timeout=GIT_SECONDS
            )
        if not line:
            raise Refused(f"{self.url} has no branch {self.branch}; push one with a cluster.yaml")
        return str(line).split()[0]

    def fetch(self) -> None:
        """Bring the clone up to date; a rewritten history is taken as it is, and judged by the worker."""
        with self._fetching, self._errors():
            self._repo().git.fetch(
                "--quiet", self.url, f"+refs/heads/{self.branch}:refs/heads/{self.branch}", env=GIT_ENVIRONMENT,
                kill_after_timeout=GIT_SECONDS,
            )  # fmt: skip

    def files(self, revision: str) -> dict[str, str]:
        """Every YAML file of a revision, by path, and under `playbooks` Git's id of that folder, where there is one: it
        may hold whole collections, of which the playbooks alone are read. Raises `Refused` where one is not text."""
        with self._errors():
            return self._texts(self._repo().commit(revision).tree, f"revision {revision[:8]}")

    def merged(self, name: str) -> dict[str, str]:
        """The same of what merging a branch, or a revision by its hash, into the newest revision would give.

        Raises `Refused` where there is no such branch, or there are conflicts. Nothing is merged.
        """
        self.fetch()
        with self._fetching, self._errors():
            repo = self._repo()
            repo.git.fetch(
                "--quiet", "--prune", self.url, f"+refs/heads/*:{OTHER_BRANCHES}*", env=GIT_ENVIRONMENT,
                kill_after_timeout=GIT_SECONDS,
            )  # fmt: skip
            commit = merge_rehearsal.resolve(repo, self.url, name, OTHER_BRANCHES)
            tree = merge_rehearsal.merged_tree(repo, self.branch, commit, name)
            return self._texts(git.Tree(repo, bytes.fromhex(tree), path=""), f"the merge of {name}")

    def _texts(self, tree: git.Tree, whose: str) -> dict[str, str]:
        blobs = [item for item in tree.traverse(prune=_is_of_playbooks) if isinstance(item, git.Blob)]
        found = {
            str(blob.path): blob.data_stream.read() for blob in blobs if str(blob.path).endswith((".yaml", ".yml"))
        }
        try:
            texts = {path: data.decode() for path, data in found.items()}
        except UnicodeDecodeError as error:
            raise Refused(f"a manifest of {whose} is not UTF-8 text") from error
        folder = next((item for item in tree.trees if item.path == PLAYBOOKS), None)
        return texts if folder is None else {**texts, PLAYBOOKS: folder.hexsha}

    def export(self, tree: str, to: Path) -> None:
        """Write what a folder of the repository holds, by Git's id of it, into a folder. Raises `Unreadable`."""
        archive = to / ".archive.tar"
        try:
            with self._errors(), archive.open("wb") as file:
                self._repo().archive(file, tree)
            with tarfile.open(archive) as packed:
                packed.extractall(to, filter="data")
        finally:
            archive.unlink(missing_ok=True)

    def history(self, path: str, most: int) -> list[str]:
        """The newest revisions of the clone that changed a file, newest first."""
        with self._errors():
            found = self._repo().git.log(self.branch, f"--max-count={most}", "--format=%H", "--", path)
        return str(found).split()

    def text(self, revision: str, path: str) -> str | None:
        """A file of a revision, or None."""
        with self._errors():
            try:
                blob = self._repo().commit(revision).tree.join(path)
                data: bytes = blob.data_stream.read()
            except KeyError:
                return None
        return data.decode(errors="replace")

    def follows(self, revision: str, ancestor: str) -> bool:
        """Whether `revision` comes after `ancestor`, which a rewritten history does not."""
        try:
            self._repo().git.merge_base("--is-ancestor", ancestor, revision)
        except git.GitCommandError:
            return False
        return True

    def revision(self, commit: str) -> Revision:
        """Who made a revision, and what they said of it."""
        with self._errors():
            found = self._repo().commit(commit)
            message, author = _message(found), _author(found.author)
        lines = [line.partition(": ") for line in message.strip().split("\n\n")[-1].splitlines()]
        trailers = {key: value for key, colon, value in lines if colon and " " not in key}
        return Revision(found.hexsha, author, message.splitlines()[0] if message else "", trailers, found.authored_date)

    def changes(self, revision: str, since: str, paths: Sequence[str]) -> tuple[Change, ...]:
        """The commits that `revision` has and `since` has not, and that change one of these paths.

        All of them: a log that is given paths leaves out merges, and branches whose content did not stay.
        """
        with self._errors():
            log = self._repo().git.log(
                "--format=%x00%H", "--name-only", "--no-renames", "--diff-merges=first-parent", "--end-of-options",
                revision, f"^{since}",
            )  # fmt: skip
            blocks = [block.splitlines() for block in str(log).split("\0")[1:]]
            found = [self._repo().commit(lines[0]) for lines in blocks if not set(paths).isdisjoint(lines[1:])]
            return tuple(_change(commit) for commit in found)

    def change(self, revision: str) -> Change:
        """One commit."""
        with self._errors():
            return _change(self._repo().commit(revision))

    def between(self, since: str, revision: str, most: int, path: str = "") -> list[str]:
        """The newest of the clone's revisions that came to the branch after `since`, newest first; with a path, those
        that changed it."""
        paths = ["--", path] if path else []
        with self._errors():
            found = self._repo().git.log(
                "--first-parent",
                f"--max-count={most}",
                "--format=%H",
                "--end-of-options",
                revision,
                f"^{since}",
                *paths,
            )
        return str(found).split()

    def saying(self, line: str) -> str | None:
        """The newest revision of the clone whose message has this text, or None."""
        with self._errors():
            return (
                str(self._repo().git.log(self.branch, "-1", "--format=%H", "--fixed-strings", f"--grep={line}")) or None
            )

    def commit(self, edit: Edit, message: str, author: Author) -> str | None:
        """Commit what `edit` returns (path → new text, None for none) on top of the newest revision, and push it.

        When somebody else pushed in between, the edit is made again on theirs. Returns the new revision, or None
        where the edit changes nothing.
        """
        for _ in range(PUSH_TRIES):
            self.fetch()
            parent = self._repo().commit(self.branch)
            files = self.files(parent.hexsha)
            changed = {path: text for path, text in edit(files).items() if files.get(path) != text}
            if not changed:
                return None
            commit = self._write(parent, changed, message, author)
            if self._push(commit):
                self.fetch()
                return commit
        raise Refused(f"{self.url} changed {PUSH_TRIES} times while committing; try again")

    def _write(self, parent: git.Commit, changed: Mapping[str, str | None], message: str, author: Author) -> str:
        repo = self._repo()
        index = git.IndexFile.from_tree(repo, parent)
        for path, text in changed.items():
            if text is None:
                index.entries.pop((path, 0), None)
                continue
            data = text.encode()
            blob = repo.odb.store(IStream(b"blob", len(data), io.BytesIO(data)))
            index.add([BaseIndexEntry((TEXT_MODE, blob.binsha, 0, path))], write=False)
        actor, flstr = git.Actor(_in_a_header(author.name), author.email), git.Actor(COMMITTER.name, COMMITTER.email)
        tree = index.write_tree()
        return git.Commit.create_from_tree(repo, tree, message, [parent], author=actor, committer=flstr).hexsha

    def _push(self, commit: str) -> bool:
        try:
            self._repo().git.push(
                "--quiet", self.url, f"{commit}:refs/heads/{self.branch}", env=GIT_ENVIRONMENT,
                kill_after_timeout=GIT_SECONDS,
            )  # fmt: skip
        except git.GitCommandError as error:
            if not overtaken(str(error.stderr)):
                raise Refused(f"{self.url} did not take the commit: {git_reason(error)}") from error
            log.info("push was overtaken, trying again", commit=commit)
            return False
        return True

    def _repo(self) -> git.Repo:
        return bare_clone(self._folder)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except git.CommandError as error:
            raise Unreadable(f"the cluster repo {self.url} cannot be read: {git_reason(error)}") from error
        except (ValueError, git.BadName) as error:
            raise Refused(f"the cluster repo {self.url} does not hold that revision: {error}") from error
        except (git.GitError, OSError) as error:
            raise Unreadable(f"the clone in {self._folder} cannot be used: {error}") from error


def _is_of_playbooks(item: object, _depth: int) -> bool:
    """Whether it is below the folder of playbooks, and none itself."""
    path = str(getattr(item, "path", ""))
    return path.startswith(f"{PLAYBOOKS}/") and (isinstance(item, git.Tree) or not path.endswith((".yml", ".yaml")))


def _change(commit: git.Commit) -> Change:
    merges = len(commit.parents) > 1
    return Change(_author(commit.author), _author(commit.committer), _message(commit), merges)


def _author(actor: git.Actor) -> Author:
    return Author(actor.name or "somebody", actor.email or "")


def _in_a_header(name: str) -> str:
    """A name as Git writes it: people call themselves in Slack as they like."""
    return " ".join("".join(" " if letter in "<>" else letter for letter in name).split()) or "somebody"


def _message(commit: git.Commit) -> str:
    return commit.message if isinstance(commit.message, str) else commit.message.decode(errors="replace")


def overtaken(said: str) -> bool:
    """Whether a push failed because somebody else pushed; one that a hook or a protected branch refuses never goes."""
    locked = ("failed to lock", "cannot lock ref", "failed to update ref", "incorrect old value")
    return "[rejected]" in said or any(words in said for words in locked)


def bare_clone(folder: Path) -> git.Repo:
    """The bare clone in a folder; one that is absent, or was only half made, is made."""
    try:
        return git.Repo(folder)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError):
        return git.Repo.init(folder, bare=True, mkdir=True)


def git_reason(error: git.CommandError) -> str:
    """The line of Git's output that says what is wrong, without what Git and GitPython put around it."""
    lines = [
        line.strip(" '").removeprefix("stderr: '").removeprefix("fatal: ") for line in str(error.stderr).splitlines()
    ]
    saying = [line for line in lines if line and not line.startswith(_SAYS_NOTHING)]
    return saying[-1][:200] if saying else "git gave no reason"
