"""A Git remote on disk."""

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder as an unremarkable author; its output."""
    identity = ["-c", "user.name=developer", "-c", "user.email=developer@flstr.lab", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Remote:
    """A Git remote on disk, and a clone to push from."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "remote.git", folder / "work"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.bare)], check=True)
        subprocess.run(["git", "clone", "-q", str(self.bare), str(self.work)], check=True, capture_output=True)
        self.url = f"file://{self.bare}"

    def push(self, files: dict[str, str | None], message: str = "change", *, force: bool = False) -> str:
        """Commit files (None removes one) on main and push; the revision."""
        for path, text in files.items():
            place = self.work / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                place.unlink()
            else:
                place.write_text(text)
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "--allow-empty", "-m", message)
        git(self.work, "push", "-q", *(["--force"] if force else []), "origin", "HEAD:main")
        return git(self.work, "rev-parse", "HEAD")

    def file(self, path: str) -> str:
        """A file of the newest revision."""
        return git(self.bare, "show", f"main:{path}") + "\n"

    def subject(self) -> str:
        """What the newest revision says of itself."""
        return git(self.bare, "log", "-1", "--format=%s", "main")

    def refuse_pushes(self) -> None:
        """As a branch that is protected."""
        hook = self.bare / "hooks/pre-receive"
        hook.write_text("#!/bin/sh\necho 'the branch is protected' >&2\nexit 1\n")
        hook.chmod(0o755)

    def pull(self) -> None:
        """Take over what others pushed."""
        git(self.work, "pull", "-q", "--rebase", "origin", "main")
