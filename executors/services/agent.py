"""flstr's SSH key for one run: an agent that uses it towards the machines of the run, and shows it to nobody."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from executors.services.sandbox import FOLDER
from model.errors import StepFailed
from model.names import NodeName

SOCKET = "agent"
KNOWN_HOSTS = "known_hosts"
START_SECONDS = 10.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOT_GIVEN = "flstr's SSH key could not be given to an agent for Ansible"


@contextmanager
def agent(key: Path, folder: Path, nodes: Sequence[NodeName]) -> Iterator[str]:
    """An agent that listens in the folder, where the machines' host keys are; its address inside of the sandbox.

    It signs for nobody but who has proven to be one of these machines.
    """
    # A socket's path has little room, so it is told from where it is.
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "ssh-agent", "-D", "-a", SOCKET],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={"PATH": PATH}, start_new_session=True,
    )  # fmt: skip
    try:
        if process.stdout is not None:
            # It says where it listens once it does.
            process.stdout.readline()
        _give(key, folder, nodes)
        yield f"{FOLDER}/{SOCKET}"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _give(key: Path, folder: Path, nodes: Sequence[NodeName]) -> None:
    hosts = [word for node in nodes for word in ("-h", f"root@{node}")]
    try:
        done = subprocess.run(
            ["ssh-add", "-q", "-H", KNOWN_HOSTS, *hosts, str(key.absolute())],
            cwd=folder, env={"PATH": PATH, "SSH_AUTH_SOCK": SOCKET}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=START_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise StepFailed(NOT_GIVEN, f"ssh-add was not done after {START_SECONDS:.0f} s") from error
    if done.returncode:
        raise StepFailed(NOT_GIVEN, done.stderr)
