"""The flstr that runs, as an archive for a controller."""

from collections.abc import Callable
from pathlib import Path

from executors.control.archive import LOCK, Archive, content_of, pack, version_of
from executors.control.dependencies import Machine, dependencies, one_at_a_time
from model.errors import StepFailed

# Raises `StepFailed` where there is none for that machine.
Program = Callable[[Machine], Archive]
ARCHIVES = Path("/opt/flstr/archives")
# Versions that stay on a controller beside each other; here, as many again for machines of another kind.
KEPT = 3


def from_source(root: Path, cache: Path) -> Program:
    """Of a checkout: made when it is first needed, and again once a file has changed."""

    def archive(machine: Machine) -> Archive:
        with one_at_a_time(cache):
            content = content_of(root, dependencies(root / LOCK, machine, cache))
            version = version_of(content)
            made = Archive(cache / "archives" / f"{version}.tar.gz", version)
            if not made.path.exists():
                made.path.parent.mkdir(exist_ok=True)
                pack(content, version, made.path)
                _forget_the_oldest(made.path.parent)
            made.path.touch()
            return made

    return archive


def as_installed(version: str, folder: Path = ARCHIVES) -> Program:
    """Of a controller: the archive that it was installed from itself."""

    def archive(_machine: Machine) -> Archive:
        there = Archive(folder / f"{version}.tar.gz", version)
        if not there.path.exists():
            raise StepFailed(f"{there.path} is not there any more, so no controller can be installed from this one")
        return there

    return archive


def _forget_the_oldest(folder: Path) -> None:
    archives = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in archives[KEPT * 2 :]:
        path.unlink()
