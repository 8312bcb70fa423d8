"""A `Remote` whose machines answer what a test says, and which remembers what it was asked to run."""

from collections.abc import Callable
from pathlib import Path

from executors.remote import OnLine, Unreachable
from gitops.executor import Cancellation, HostFence
from tests.executors.one_by_one import OneByOne

Answer = Callable[[str, str], str]


class ScriptedRemote(OneByOne):
    """`answer(node, script)` returns what the machine prints, or raises `StepFailed`; `dead` machines are not reached."""

    def __init__(self, answer: Answer, dead: tuple[str, ...] = ()) -> None:
        self.ran: list[tuple[str, str]] = []
        self.uploaded: list[tuple[str, Path, str]] = []
        self.cancellations: list[Cancellation | None] = []
        self._answer = answer
        self._dead = dead

    def run(
        self,
        node: str,
        script: str,
        fence: HostFence,
        timeout: float = 60.0,
        on_line: OnLine | None = None,
        cancellation: Cancellation | None = None,
    ) -> str:
        if node in self._dead:
            raise Unreachable(f"{node}: no SSH connection to 192.0.2.1 port 22 (no answer)")
        self.ran.append((node, script))
        self.cancellations.append(cancellation)
        return self._answer(node, script)

    def upload(
        self,
        node: str,
        file: Path,
        to: str,
        fence: HostFence,
        timeout: float = 600.0,
        on_line: OnLine | None = None,
    ) -> None:
        if node in self._dead:
            raise Unreachable(f"{node}: no SSH connection to 192.0.2.1 port 22 (no answer)")
        self.uploaded.append((node, file, to))

    def nodes(self, part: str) -> list[str]:
        """The machines that ran a script with this text in it, in order."""
        return [node for node, script in self.ran if part in script]
