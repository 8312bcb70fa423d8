"""The archive that flstr is installed from: its packages and what they need, the same bytes for the same content."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# What `flstr serve` and the command are made of; neither the lab nor tests.
PACKAGES = ("bot", "cli", "executors", "gitops", "model", "playbooks", "templates")
# Of what pip unpacks: Ansible's own tests are for those who write modules.
NOT_NEEDED = frozenset({"ansible_test"})
LOCK = "controller.lock"
VERSION = "VERSION"
DEPENDENCIES = "dependencies"
PROGRAM = "bin/flstr"
# The system's Python, with nothing of its users' in the path.
_PROGRAM_TEXT = f"""#!/usr/bin/python3 -I
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(root), str(root / "{DEPENDENCIES}")]

from cli.main import main

main()
"""
LEFT_OUT_FOLDERS = frozenset({"__pycache__", "tests", "bin"})
LEFT_OUT_NAMES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})  # of where it was unpacked
LEFT_OUT_SUFFIXES = frozenset({".pyc", ".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h"})
LEVEL = 6

# What is to stand at a path inside the archive.
Content = Mapping[str, Callable[[], bytes]]


@dataclass(frozen=True)
class Archive:
    """A tar.gz on disk; its version is made from what is in it."""

    path: Path
    version: str


def content_of(root: Path, dependencies: Path) -> Content:
    """Everything that goes into an archive: flstr as it stands in `root`, and what pip unpacked."""
    content: dict[str, Callable[[], bytes]] = {PROGRAM: _PROGRAM_TEXT.encode}
    for name in PACKAGES:
        content.update(_files(root / name, name))
    content[LOCK] = (root / LOCK).read_bytes
    content.update(
        (name, read) for name, read in _files(dependencies, DEPENDENCIES) if NOT_NEEDED.isdisjoint(name.split("/")[1:2])
    )
    return content


def version_of(content: Content) -> str:
    """Sixteen digits that name exactly this content."""
    digest = hashlib.sha256()
    for name, read in sorted(content.items()):
        digest.update(f"{name}\0{hashlib.sha256(read()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def pack(content: Content, version: str, to: Path) -> None:
    """Write the archive, with its version in it."""
    whole: Content = {**content, VERSION: f"{version}\n".encode}
    unfinished = to.with_name(f".{to.name}.new")
    with (
        unfinished.open("wb") as raw,
        gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, read in sorted(whole.items()):
            held = read()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(held), 0o755 if name == PROGRAM else 0o644
            tar.addfile(entry, io.BytesIO(held))
    unfinished.replace(to)


def _files(folder: Path, name: str) -> Iterable[tuple[str, Callable[[], bytes]]]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and _belongs(inside):
            yield f"{name}/{inside.as_posix()}", path.read_bytes


def _belongs(path: Path) -> bool:
    of_no_use = path.name in LEFT_OUT_NAMES or path.suffix in LEFT_OUT_SUFFIXES
    return not of_no_use and LEFT_OUT_FOLDERS.isdisjoint(path.parts[:-1])
