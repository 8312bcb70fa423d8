"""What flstr needs, unpacked by pip for a machine that may be another than this one; kept for the next time."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from model.errors import StepFailed

PIP_SECONDS = 600.0
OLDEST_GLIBC = 17  # Python 3.11 has no wheels for an older one


@dataclass(frozen=True)
class Machine:
    """What decides which wheels run there."""

    hardware: str
    python: str
    glibc: str

    def platforms(self) -> tuple[str, ...]:
        """The tags of wheels that run there, the newest first."""
        newest = int(self.glibc.partition(".")[2] or OLDEST_GLIBC)
        tags = [f"manylinux_2_{minor}_{self.hardware}" for minor in range(newest, OLDEST_GLIBC - 1, -1)]
        return (*tags, f"manylinux2014_{self.hardware}", f"linux_{self.hardware}")


@contextmanager
def one_at_a_time(cache: Path) -> Iterator[None]:
    """Whoever fills the cache does so alone, on the whole machine."""
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (cache / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def dependencies(lock: Path, machine: Machine, cache: Path) -> Path:
    """The folder with every package of a lock file. Raises `StepFailed` where they cannot be had."""
    name = hashlib.sha256(f"{machine}\n{lock.read_text()}".encode()).hexdigest()[:16]
    there = cache / "dependencies" / name
    if there.is_dir():
        return there
    there.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=there.parent))
    try:
        _install(lock, machine, unfinished)
        unfinished.rename(there)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return there


def _install(lock: Path, machine: Machine, to: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--target", str(to), "--require-hashes", "--only-binary=:all:", "--no-deps", "--no-compile"),
        *("--implementation", "cp", "--python-version", machine.python),
        *(f"--platform={tag}" for tag in machine.platforms()),
        *("--requirement", str(lock)),
    ]
    try:
        # Ctrl-C is for whoever waits for it, which ends in order.
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False, start_new_session=True
        )
    except subprocess.TimeoutExpired as error:
        raise StepFailed(f"pip did not get flstr's packages within {PIP_SECONDS:.0f} s; try again") from error
    if done.returncode:
        raise StepFailed(why_not(done.stderr, machine), done.stderr)


def why_not(said: str, machine: Machine) -> str:
    """What a person reads where pip failed."""
    if "No module named pip" in said:
        return f"{sys.executable} has no pip, which gets what flstr needs on a controller; `-m ensurepip` installs it"
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    why = errors[-1] if errors else (said.strip().splitlines() or ["it said nothing"])[-1]
    return (
        f"pip could not get flstr's packages for {machine.hardware} with Python {machine.python} ({why}); "
        "bootstrapping needs a way to the Internet, or to a mirror of PyPI, from this machine"
    )
