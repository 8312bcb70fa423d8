"""A machine of one folder, on which releases are built: real bash, Git and files, and of systemd what a test says."""

import subprocess
from pathlib import Path

from executors.host_paths import release_paths, unit_name
from executors.releases import build_script
from executors.script import wrapped
from gitops.executor import HostFence
from model.app import App
from tests.gitops.remote import git


class BuildMachine:
    """Runs scripts by bash; of systemd there are the units' files alone."""

    def __init__(self, folder: Path) -> None:
        self.state, self.units, tools = folder / "state", folder / "units", folder / "bin"
        for path in (self.units, tools):
            path.mkdir(parents=True)
        self.tools = tools
        self.install("systemctl", '[ "$1" != is-active ]')

    def run(self, script: str, token: int = 1) -> tuple[int, str]:
        """How a script ended, and the last line of what it said."""
        text = wrapped(script, HostFence(token)).replace("/var/lib/flstr", str(self.state))
        text = text.replace("/etc/systemd/system", str(self.units)).replace("PATH=", f"PATH={self.tools}:", 1)
        done = subprocess.run(["bash", "-s"], input=text, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, (done.stdout + done.stderr).strip().rpartition("\n")[2]

    def build(self, app: App, needed: tuple[str, ...] = ()) -> None:
        status, said = self.run(build_script(app, needed))
        assert (status, said.split()[0]) in ((0, "built"), (0, "already")), said

    def path(self, place: str) -> Path:
        return Path(place.replace("/var/lib/flstr", str(self.state)))

    def is_kept(self, app: App) -> bool:
        release = self.path(release_paths(app).release)
        kept = {release.is_dir(), Path(f"{release}.built").exists(), app.commit in self.pinned(app)}
        assert len(kept) == 1
        return kept.pop()

    def pinned(self, app: App) -> list[str]:
        """The commits whose objects the mirror keeps."""
        refs = git(self.path(release_paths(app).mirror), "for-each-ref", "--format=%(refname:lstrip=2)", "refs/flstr")
        return refs.splitlines()

    def received(self, app: App) -> int:
        """Bytes in the mirror; each fetch leaves a pack."""
        packs = self.path(release_paths(app).mirror) / "objects/pack"
        return sum(file.stat().st_size for file in packs.glob("*.pack"))

    def runs(self, app: App, instance: str) -> None:
        """An instance that was started from a release."""
        unit = self.units / unit_name(app.kind, app.app, instance)
        unit.write_text(f"[Service]\nWorkingDirectory={self.path(release_paths(app).release)}\n")

    def install(self, name: str, text: str) -> None:
        """Have a program be something else."""
        (self.tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.tools / name).chmod(0o755)
