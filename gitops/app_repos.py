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
from model.errors import Refused, Unreadable
from model.names import CommitHash

_HASH = re.compile(r"^[0-9a-f]{4,40}$")
NEAR = 4
RECENT = 200
PACKS = 16  # that are kept at hand
PACK_BYTES = 128 * 1024  # it goes with the script

log = structlog.get_logger()


class AppRepos:
    """Bare mirrors under `folder`, one for each address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._packs: dict[tuple[str, CommitHash, CommitHash], bytes | None] = {}

    def resolve(self, url: str, name: str) -> CommitHash:
        """The commit that a full or short hash, a branch or a tag means. Raises `Refused` with the near ones, and
        `Unreadable` where the repository does not answer."""
        with self._lock:
            mirror = self._mirror(url)
            # A hash cannot move, so a known one needs no fetch; a branch or a tag can.
            found = _find_hash(mirror, name)
            if found is None:
                self._fetch(mirror, url)
                found = _find_name(mirror, name) or _find_hash(mirror, name)
            if found is None:
                raise Refused(f"{url} has no commit, branch or tag '{name}'{_near(mirror, name)}")
            return found

    def subject(self, url: str, commit: CommitHash) -> str:
        """The first line of a commit's message, or nothing where it is unknown."""
        try:
            return str(self._mirror(url).git.show("--no-patch", "--format=%s", commit))
        except git.GitCommandError:
            return ""

    def thin_pack(self, url: str, base: CommitHash, commit: CommitHash) -> bytes | None:
        """What the files of a commit have that those of another one have not, as a pack that leans on them.

        None where it is large, or where either commit cannot be had. Machines that have the other one need not fetch.
        """
        wanted = (url, base, commit)
        with self._lock:
            if wanted not in self._packs:
                self._packs[wanted] = self._pack(*wanted)
            while len(self._packs) > PACKS:
                del self._packs[next(iter(self._packs))]
            return self._packs[wanted]

    def _pack(self, url: str, base: CommitHash, commit: CommitHash) -> bytes | None:
        mirror = self._mirror(url)
        # The machines have no history: no commit has a parent.
        lines = f"--shallow {base}\n--shallow {commit}\n{commit}\n^{base}\n"
        try:
            if _find_hash(mirror, commit) is None:
                self._fetch(mirror, url)
            with tempfile.TemporaryFile() as revisions:
                revisions.write(lines.encode())
                revisions.seek(0)
                pack = mirror.git.pack_objects(
                    "--thin", "--shallow", "--revs", "--delta-base-offset", "--quiet", "--stdout",
                    istream=revisions, stdout_as_string=False, strip_newline_in_stdout=False,
                    kill_after_timeout=GIT_SECONDS,
                )  # fmt: skip
        except (git.CommandError, Unreadable) as error:
            log.info("no pack of a commit", url=url, base=base, commit=commit, reason=str(error)[-300:])
            return None
        return pack if len(pack) <= PACK_BYTES else None

    def _mirror(self, url: str) -> git.Repo:
        return bare_clone(self._folder / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.git")

    def _fetch(self, mirror: git.Repo, url: str) -> None:
        try:
            mirror.git.fetch(
                "--quiet", "--prune", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*",
                env=GIT_ENVIRONMENT, kill_after_timeout=GIT_SECONDS,
            )  # fmt: skip
        except git.CommandError as error:
            raise Unreadable(f"{url} cannot be read: {git_reason(error)}") from error


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


def _near(mirror: git.Repo, name: str) -> str:
    if _HASH.match(name) and len(candidates := _commits_beginning(mirror, name)) > 1:
        return f"; it could be {', '.join(commit[:12] for commit in candidates[:NEAR])}"
    recent = str(mirror.git.log("--all", f"--max-count={RECENT}", "--format=%h")).split()
    names = [*(ref.name for ref in mirror.refs), *recent]
    close = difflib.get_close_matches(name, names, n=NEAR, cutoff=0.4) or names[:NEAR]
    return f"; near it are {', '.join(close)}" if close else "; it is empty"
