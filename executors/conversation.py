"""A program that runs on a machine for as long as its connection lasts: for each line asked it answers one."""

import contextlib

import paramiko

from model.errors import StepFailed


class Conversation:
    """Such a program on a channel of the machine's warm connection; for one thread at a time."""

    def __init__(self, node: str, channel: paramiko.Channel) -> None:
        self._node = node
        self._channel = channel
        self._answers = channel.makefile("r")

    def ask(self, line: str, within: float) -> str:
        """What the program answers within so many seconds. Raises `StepFailed` where it does not, once and for all."""
        self._channel.settimeout(within)
        try:
            self._channel.sendall(f"{line}\n".encode())
            answer = self._answers.readline()
        except TimeoutError as error:
            raise StepFailed(f"{self._node}: a program that is kept running answered nothing for {within:.0f} s") from (
                error
            )
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise StepFailed(f"{self._node}: the connection broke") from error
        if not answer.endswith("\n"):
            raise StepFailed(f"{self._node}: a program that is kept running has ended", self._last_words())
        return str(answer)

    def close(self) -> None:
        """End the program."""
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            self._channel.close()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError, EOFError):
            self._channel.settimeout(0)
            return self._channel.recv_stderr(4096).decode(errors="replace").strip()
        return ""
