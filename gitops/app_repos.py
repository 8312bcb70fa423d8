"""The repositories of apps, mirrored to resolve what a person calls a commit."""

import difflib
import hashlib
import re
import tempfile
import threading
from pathlib import Path

import git
import structlog

from gitops.repository import GIT_ENVIRONMENT, GIT_SECONDS, bare_clone, git_reason
from model.commits import RecentCommit
from model.errors import Refused, Unreadable
from model.names import CommitHash

_HASH = re.compile(r"^[0-9a-f]{4,40}$")
NEAR = 4
RECENT = 200
PACKS = 16  # that are kept at hand
PACK_SECONDS = 10.0
PACK_BYTES = 128 * 1024  # it goes with the script

# A byte that stands in no name and no subject.
_BETWEEN = "\x1f"
_RECENT_FORMAT = "%H%x1f%ct%x1f%an%x1f%s"

log = structlog.get_logger()


class UnknownCommit(Refused):
    """A word that is no commit, branch or tag of a repository; `near` is the branch or tag that was probably meant."""

    def __init__(self, sentence: str, near: str = "") -> None:
        super().__init__(sentence)
        self.near = near


class AppRepos:
    """Bare mirrors under `folder`, one for each address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._packs: dict[tuple[str, CommitHash, CommitHash], bytes | None] = {}

    def resolve(self, url: str, name: str) -> CommitHash:
        """The commit that a full or short hash, a branch or a tag means. Raises `UnknownCommit` with the near ones,
        and `Unreadable` where the repository does not answer."""
        with self._lock_of(url):
            mirror = self._mirror(url)
            # A hash cannot move, so a known one needs no fetch; a branch or a tag can.
            found = _find_hash(mirror, name)
            if found is None:
                self._fetch(mirror, url)
                found = _find_name(mirror, name) or _find_hash(mirror, name)
            if found is None:
                raise _unknown(mirror, url, name)
            return found

    def subject(self, url: str, commit: CommitHash) -> str:
        """The first line of a commit's message, or nothing where it is unknown."""
        try:
            return str(self._mirror(url).git.show("--no-patch", "--format=%s", commit))
        except git.GitCommandError:
            return ""

    def recent(self, url: str, most: int) -> tuple[RecentCommit, ...]:
        """The newest commits of all branches, newest first. Raises `Unreadable` where the repository is silent."""
        with self._lock_of(url):
            mirror = self._mirror(url)
            self._fetch(mirror, url)
            listed = str(mirror.git.log("--branches", f"--max-count={most}", f"--format={_RECENT_FORMAT}"))
        return tuple(_recent_commit(line) for line in listed.splitlines() if line.count(_BETWEEN) >= 3)

    def thin_pack(self, url: str, base: CommitHash, commit: CommitHash) -> bytes | None:
        """What the files of a commit have that those of another one have not, as a pack that leans on them.

        None where it is large, or where either commit cannot be had. Machines that have the other one need not fetch.
        """
        wanted = (url, base, commit)
        with self._lock_of(url):
            if wanted in self._packs:
                return self._packs[wanted]
            try:
                pack = self._pack(*wanted)
            except (git.CommandError, Unreadable) as error:
                log.info("no pack of a commit", url=url, base=base, commit=commit, reason=str(error)[-300:])
                return None
            self._packs[wanted] = pack
            for old in list(self._packs)[:-PACKS]:
                self._packs.pop(old, None)
            return pack

    def _pack(self, url: str, base: CommitHash, commit: CommitHash) -> bytes | None:
        mirror = self._mirror(url)
        if _find_hash(mirror, commit) is None:
            # Whoever waits for this could fetch as well.
            self._fetch(mirror, url, PACK_SECONDS)
        with tempfile.TemporaryFile() as revisions:
            # The machines have no history: no commit has a parent.
            revisions.write(f"--shallow {base}\n--shallow {commit}\n{commit}\n^{base}\n".encode())
            revisions.seek(0)
            packing = mirror.git.pack_objects(
                "--thin", "--shallow", "--revs", "--delta-base-offset", "--quiet", "--stdout",
                istream=revisions, as_process=True,
            )  # fmt: skip
            pack: bytes = packing.stdout.read(PACK_BYTES + 1)
            if len(pack) > PACK_BYTES:
                packing.proc.kill()
                packing.proc.communicate()
                return None
            packing.wait()
            return pack

    def _lock_of(self, url: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(url, threading.Lock())

    def _mirror(self, url: str) -> git.Repo:
        return bare_clone(self._folder / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.git")

    def _fetch(self, mirror: git.Repo, url: str, seconds: float = GIT_SECONDS) -> None:
        try:
            mirror.git.fetch(
                "--quiet", "--prune", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*",
                env=GIT_ENVIRONMENT, kill_after_timeout=seconds,
            )  # fmt: skip
        except git.CommandError as error:
            raise Unreadable(f"{url} cannot be read: {git_reason(error)}") from error


def _recent_commit(line: str) -> RecentCommit:
    commit, at, author, subject = line.split(_BETWEEN, 3)
    return RecentCommit(hash=commit, subject=subject[:200], author=author[:80], at=float(at))


def _find_hash(mirror: git.Repo, name: str) -> CommitHash | None:
    if not _HASH.match(name):
        return None
    commits = _commits_beginning(mirror, name)
    return commits[0] if len(commits) == 1 else None


def _find_name(mirror: git.Repo, name: str) -> CommitHash | None:
    for kind in ("heads", "tags"):
        try:
            return str(
                mirror.git.rev_parse("--verify", "--quiet", "--end-of-options", f"refs/{kind}/{name}^{{commit}}")
            )
        except git.GitCommandError:
            continue
    return None


def _commits_beginning(mirror: git.Repo, digits: str) -> list[CommitHash]:
    found = str(mirror.git.rev_parse(f"--disambiguate={digits}")).split()
    return [name for name in found if mirror.git.cat_file("-t", name) == "commit"]


def _unknown(mirror: git.Repo, url: str, name: str) -> UnknownCommit:
    if _HASH.match(name) and len(candidates := _commits_beginning(mirror, name)) > 1:
        named = [str(mirror.git.show("--no-patch", "--format=%h '%s'", commit)) for commit in candidates[:NEAR]]
        return UnknownCommit(f"'{name}' could be {', '.join(named)} of {url}; write more of its digits")
    refs = [ref.name for ref in mirror.refs]
    near = next(iter(difflib.get_close_matches(name, refs, n=1)), "")
    recent = str(mirror.git.log("--all", f"--max-count={RECENT}", "--format=%h")).split()
    names = [*refs, *recent]
    close = difflib.get_close_matches(name, names, n=NEAR, cutoff=0.4) or names[:NEAR]
    hint = f"near it are {', '.join(close)}" if close else "it is empty"
    return UnknownCommit(f"{url} has no commit, branch or tag '{name}'; {hint}", near)
