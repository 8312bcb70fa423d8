"""The shell that a run's tasks are started by: it refuses each of them once its machine has heard a newer controller.
Pure."""

import hashlib

from executors.script import FENCED_MARK, FENCED_STATUS, STATE_FOLDER
from executors.templates import render
from gitops.executor import HostFence


def fenced_shell(fence: HostFence, folder: str = STATE_FOLDER) -> str:
    """Its text, for runs with these tokens."""
    tokens = (("leader", fence.leader), *fence.locks)
    return render("services/fenced-shell.j2", tokens=tokens, folder=folder, mark=FENCED_MARK, status=FENCED_STATUS)


def shell_path(fence: HostFence, folder: str = STATE_FOLDER) -> str:
    """Where it stands: one for each set of tokens, so that a newer controller never lends its own to an older one."""
    return f"{folder}/shells/{hashlib.sha256(repr(fence).encode()).hexdigest()[:16]}"


def prepare_script(fence: HostFence, folder: str = STATE_FOLDER) -> str:
    """Brings the shell to a machine, and what Ansible needs there."""
    return render("services/prepare.sh.j2", shell=fenced_shell(fence, folder), shell_path=shell_path(fence, folder))
