"""What each apt repository of the lab has, and where its packages come from.

Debian's packages are fetched once by this machine's own apt, as many as the hosts' image is short of, and kept under a
name that is a digest of what was asked for. Nothing is fetched before a host asks.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.apt.index import sign_index, write_index
from lab.errors import LabError
from lab.filelock import locked
from lab.image import SUITE
from lab.naming import LabFolders

STANDINS = Path(__file__).parent / "standins"
"""Packages of programs that no archive within reach has: a folder each, as `dpkg-deb --build` takes it."""


@dataclass(frozen=True)
class Archive:
    """An apt repository: packages of Debian with what they depend on, and stand-ins built from their folders."""

    suite: str
    debian: tuple[str, ...] = ()
    standins: tuple[str, ...] = ()
    is_signed: bool = False

    def digest(self, image: Path) -> str:
        """12 hex digits that change whenever the repository would come out differently."""
        recipe = [
            self.suite,
            self.debian,
            self.is_signed,
            image.name,
            [(name, _text_of(STANDINS / name)) for name in self.standins],
        ]
        return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]


ARCHIVES = {
    "debian": Archive(
        SUITE,
        debian=(
            "redis-server",
            "redis-tools",
            "python3-apt",
            # In the image already, and here for a host that had it removed.
            "nginx",
            "nginx-light",
            "nginx-common",
            "libnginx-mod-http-echo",
        ),
    ),
    "mongodb": Archive(
        f"{SUITE}/mongodb-org/8.0",
        debian=("nodejs",),  # the stand-in for the shell runs its scripts by it
        standins=(
            "standin-common",
            "mongodb-org",
            "mongodb-org-server",
            "mongodb-mongosh",
            "mongodb-database-tools",
        ),
        is_signed=True,
    ),
    "elasticsearch": Archive("stable", standins=("standin-common", "elasticsearch"), is_signed=True),
}
"""By the first part of their path on the lab's server."""


def ensure_archive(name: str, folders: LabFolders, image: Path) -> Path:
    """Return the folder of a repository; make it first if it is not there. Blocks for some seconds then.

    Of two processes one makes it and the other waits. Raises LabError.
    """
    archive = ARCHIVES[name]
    folder = folders.packages / f"{name}-{archive.digest(image)}"
    with locked(folders.packages / f"{name}.lock"):
        if not folder.exists():
            for leftover in folders.packages.glob(f"{name}-*"):
                shutil.rmtree(leftover)
            partial = folder.with_suffix(".partial")
            (partial / "pool").mkdir(parents=True)
            if archive.debian:
                _fetch(archive.debian, image, partial)
            for standin in archive.standins:
                _run("dpkg-deb", "--build", "--root-owner-group", str(STANDINS / standin), str(partial / "pool"))
            write_index(partial, archive.suite)
            if archive.is_signed:
                sign_index(partial, archive.suite)
            partial.rename(folder)
    return folder


def _fetch(packages: tuple[str, ...], image: Path, folder: Path) -> None:
    """The packages, and what they depend on that the image has not, from the archives that the image was made from."""
    work = folder / "apt"
    for part in ("lists", "archives"):
        (work / part / "partial").mkdir(parents=True)
    options = {
        "Dir::State": str(work),
        "Dir::State::lists": str(work / "lists"),
        "Dir::State::status": str(image / "var/lib/dpkg/status"),
        "Dir::Cache": str(work),
        "Dir::Cache::archives": str(work / "archives"),
        "Dir::Etc::SourceList": str(image / "etc/apt/sources.list"),
        "Dir::Etc::SourceParts": "/dev/null",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",  # its own user may not write to our folder
    }
    apt = ("apt-get", "-q", "-y", *(f"-o{name}={value}" for name, value in options.items()))
    _run(*apt, "update")
    _run(*apt, "--no-install-recommends", "--download-only", "--reinstall", "install", *packages)
    for file in (work / "archives").glob("*.deb"):
        file.rename(folder / "pool" / re.sub(r"_[0-9]+%3a", "_", file.name))
    shutil.rmtree(work)


def _text_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def _run(*argv: str) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()
        reason = errors[-1] if errors else f"it ended with status {done.returncode}"
        raise LabError(f"{argv[0]} could not make the lab's packages: {reason}")
