"""What a script is wrapped in before it goes to a machine."""

from executors.templates import render
from gitops.executor import HostFence

STATE_FOLDER = "/var/lib/flstr"
FENCED_STATUS = 75
FENCED_MARK = "fenced: "
# Of a script that says that the release itself is at fault; see `StepFailed.status`.
FAULTY_RELEASE_STATUS = 76


def prelude(fence: HostFence, folder: str = STATE_FOLDER) -> str:
    """The head of every script: strict shell, the fencing token checked, the functions that scripts share."""
    return render("prelude.sh.j2", fence=fence, folder=folder, status=FENCED_STATUS, mark=FENCED_MARK)


def wrapped(body: str, fence: HostFence, folder: str = STATE_FOLDER) -> str:
    """`body` after the prelude, as one compound command.

    Bash reads the whole of it before it runs any of it: a script cut short on its way does nothing at all, and a
    command that reads standard input cannot eat the rest of the script.
    """
    return f"{{\n{prelude(fence, folder)}\n{body.rstrip()}\n}} </dev/null\n"
