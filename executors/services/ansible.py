"""Starts Ansible in its sandbox, hears it to its end, and ends it where nobody waits for it any more."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executors.services.agent import KNOWN_HOSTS, PATH
from executors.services.sandbox import FOLDER, SOCKETS, inside
from gitops.executor import Cancellation

PREFIX = "ansible-"
INVENTORY = "inventory.json"
VARIABLES = "variables.yml"
PROJECT = "project"
FORKS = 20
CONNECT_SECONDS = 10
# For as long as it may take until a machine's next task comes.
PERSIST_SECONDS = 60
CHILD = Path(__file__).with_name("child.py")

# `python3 -I` does not know where flstr and what it needs were unpacked.
_PLAYBOOK_PROGRAM = """#!{python} -I
import sys

sys.path[:0] = {path!r}

from ansible.cli.playbook import main

sys.exit(main())
"""
_SSH_ARGUMENTS = " ".join(
    f"-o {option}"
    for option in (
        *("ControlMaster=auto", f"ControlPersist={PERSIST_SECONDS}", f"ControlPath={SOCKETS}/%C"),
        *(f"UserKnownHostsFile={FOLDER}/{KNOWN_HOSTS}", "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes"),
        *("UpdateHostKeys=no", "PreferredAuthentications=publickey", "BatchMode=yes"),
        *(f"ConnectTimeout={CONNECT_SECONDS}", "ServerAliveInterval=5", "ServerAliveCountMax=4"),
    )
)


@dataclass(frozen=True)
class Ending:
    """How Ansible ended; `too_long` is how many seconds were too many for it, `said` what it printed as errors."""

    status: int
    too_long: float | None = None
    said: str = ""


@contextlib.contextmanager
def private_folder(state: Path) -> Iterator[Path]:
    """A folder for one run, which is gone afterwards; those that a killed one left are cleared by `clear_left`."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=state, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def clear_left(state: Path) -> None:
    """Clear what runs left whose flstr was killed in the middle of them, as plain text it may be."""
    for left in state.glob(f"{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a new file that is its user's only from its first moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)


class Ansible:
    """One run in a folder where its inventory, its variables and its host keys stand already."""

    def __init__(self, folder: Path, hidden: Sequence[Path], agent: str) -> None:
        """Of `hidden`, flstr's state among them, Ansible sees that folder alone; `agent` is as it is called inside."""
        self._folder = folder
        self._hidden = hidden
        self._agent = agent

    def run(
        self,
        playbook: Path,
        hear: Callable[[Mapping[str, Any]], None],
        within: float,
        cancellation: Cancellation,
        *,
        check: bool = False,
    ) -> Ending:
        """Run a playbook, which stands where the sandbox sees it, and hear every event."""
        self._write_program()
        command = inside(self._folder, self._hidden, [sys.executable, "-I", str(CHILD)])
        errors = self._folder / "errors"
        with errors.open("wb") as said:
            process = subprocess.Popen(
                command, cwd="/", env=self._environment(playbook), text=True, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
            )  # fmt: skip
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(within, expire)
        timer.start()
        try:
            with cancellation.ending(process.kill):
                self._tell(process, playbook, check=check)
                for line in process.stdout or ():
                    # One that is killed ends in the middle of a line.
                    if line.endswith("\n"):
                        hear(json.loads(line))
                status = process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        return Ending(status, within if expired.is_set() else None, errors.read_text(errors="replace"))

    def _tell(self, process: subprocess.Popen[str], playbook: Path, *, check: bool) -> None:
        told = {
            "path": _path(),
            "folder": FOLDER,
            "project": str(playbook.parent),
            "playbook": playbook.name,
            "inventory": f"{FOLDER}/{INVENTORY}",
            "arguments": f"-e @{FOLDER}/{VARIABLES} --diff{' --check' if check else ''}",
        }
        if process.stdin is not None:
            # It may have ended already; what it said tells why.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(told))
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()

    def _write_program(self) -> None:
        programs = self._folder / "bin"
        programs.mkdir(mode=0o700)
        text = _PLAYBOOK_PROGRAM.format(python=sys.executable, path=_path())
        write_private(programs / "ansible-playbook", text, 0o700)
        write_private(self._folder / "ansible.cfg", "")
        (self._folder / "home").mkdir(mode=0o700)

    def _environment(self, playbook: Path) -> dict[str, str]:
        """All that the child is told by its environment: nothing of flstr's own."""
        return {
            "PATH": f"{FOLDER}/bin:{PATH}",
            "HOME": f"{FOLDER}/home",
            "LC_ALL": "C.UTF-8",
            "SSH_AUTH_SOCK": self._agent,
            # What a repository has beside its playbooks is no configuration.
            "ANSIBLE_CONFIG": f"{FOLDER}/ansible.cfg",
            "ANSIBLE_HOME": f"{FOLDER}/home/ansible",
            "ANSIBLE_LOCAL_TEMP": f"{FOLDER}/home/tmp",
            "ANSIBLE_ROLES_PATH": str(playbook.parent / "roles"),
            "ANSIBLE_COLLECTIONS_PATH": str(playbook.parent / "collections"),
            "ANSIBLE_FORKS": str(FORKS),
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_DEPRECATION_WARNINGS": "False",
            "ANSIBLE_DIFF_CONTEXT": "0",
            "ANSIBLE_TIMEOUT": str(CONNECT_SECONDS),
            "ANSIBLE_SSH_ARGS": _SSH_ARGUMENTS,
        }


def _path() -> list[str]:
    """Where this process finds its packages; the child may stand elsewhere."""
    return [str(Path(path).absolute()) for path in sys.path if path]
