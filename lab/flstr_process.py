"""A `flstr serve` of the lab's own, as a child process that can be killed and started again."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_STOPS_WITHIN_SECONDS = 20.0


class FlstrProcess:
    """`flstr serve` with its log in a file."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = {**os.environ, **environment}
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, **changes: str) -> None:
        """Start it, with these variables changed; it ends with this process."""
        command = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "cli", "serve"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**self._environment, **changes},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def pause(self) -> None:
        """Have it do nothing at all, as a machine does that is asleep."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on; it does not know that it was away."""
        self._signal(signal.SIGCONT)

    def await_end(self, seconds: float) -> int:
        """The status with which it ends by itself. Raises `subprocess.TimeoutExpired`."""
        assert self._process is not None  # noqa: S101 - started before
        return self._process.wait(seconds)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as `systemctl stop` would."""
        self._end(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        try:
            self._process.wait(_STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
