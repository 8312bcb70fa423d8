"""How executors reach machines; `executors.ssh` is the real one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from gitops.executor import Cancellation, HostFence
from model.errors import StepFailed

OnLine = Callable[[str], None]
OnEnd = Callable[[str], None]


class Unreachable(StepFailed):
    """The machine was not reached, or was not the right one: no line of the script ran there."""


class Remote(Protocol):
    """Runs a script on machines by their node name, over one warm connection each."""

    def run(
        self,
        node: str,
        script: str,
        fence: HostFence,
        timeout: float = 60.0,
        on_line: OnLine | None = None,
        cancellation: Cancellation | None = None,
    ) -> str:
        """Standard output of `script` (bash, by standard input, after the prelude that checks the fence).

        Raises `StepFailed` with one sentence and the last lines where it exits non-zero, cannot be reached or takes
        longer than `timeout` seconds, and `Cancelled` where it was no longer waited for; it may go on by itself then.
        `on_line` hears standard output and error as they come.
        """
        ...

    def run_all(
        self,
        scripts: Mapping[str, str],
        fence: HostFence,
        timeout: float = 60.0,
        cancellation: Cancellation | None = None,
        on_end: OnEnd | None = None,
    ) -> dict[str, str | StepFailed]:
        """One script a machine, side by side: by node, its output or why it failed.

        `on_end` hears of each machine as soon as its script is over, however it ended, and not only once all are.
        """
        ...


class FileRemote(Remote, Protocol):
    """One that brings files as well."""

    def upload(
        self,
        node: str,
        file: Path,
        to: str,
        fence: HostFence,
        timeout: float = 600.0,
        on_line: OnLine | None = None,
    ) -> None:
        """Bring a file to a machine, for root alone, where it is not there already.

        It is written beside `to`, and takes its place once it has the right SHA-256. `on_line` hears how far it is.
        Raises as `run` does.
        """
        ...


class FetchingRemote(FileRemote, Protocol):
    """One that fetches files, too."""

    def download(
        self,
        node: str,
        path: str,
        to: Path,
        fence: HostFence,
        timeout: float = 600.0,
        on_line: OnLine | None = None,
    ) -> None:
        """Fetch a file of a machine, as a whole or not at all: its SHA-256 is compared with what the machine says.

        `on_line` hears how far it is. Raises as `run` does.
        """
        ...
