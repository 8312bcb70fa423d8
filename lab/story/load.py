"""A load on the app, made by a process of its own: kept connections, short ones and websockets.

What counts as a failed request: no connection; no whole answer within 10 s; a connection closed before or in the middle
of an answer; any status but 200; for a websocket, anything else than a handshake and a greeting.

One thing does not: a kept connection that the server closed while it was idle, which is noticed only when it is used
next. It is opened again once, as every browser does, and the request is marked `again`. The end of a websocket is no
failed request: the server has `closed` it in order, or it was `cut` (without a word, or no echo within 10 s); then its
client connects anew at once.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.errors import LabError
from lab.story.load_client import ANSWER_SECONDS, Orders
from lab.story.load_records import Report

_FIRST_ANSWER_SECONDS = 30.0
_STOPS_WITHIN_SECONDS = 3 * ANSWER_SECONDS
_REQUEST = b'"record": "Request"'


class Load:
    """Asks while its `with` block runs; `report` may be read at any time, and afterwards."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._folder = tempfile.TemporaryDirectory(prefix="flstr-load-")
        self._records = Path(self._folder.name, "records")
        self._process: subprocess.Popen[str] | None = None
        self._whole: Report | None = None
        self._counted, self._counted_to = 0, 0

    def __enter__(self) -> Self:
        # The process has to end with its parent, however that ends.
        command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "lab.story.load_client"]
        with self._records.open("w") as records:
            self._process = subprocess.Popen(
                [*command, json.dumps(asdict(self._orders))], stdout=records, stderr=subprocess.PIPE, text=True
            )
        try:
            self.wait_for(1)
        except BaseException:
            self._process.kill()
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None  # noqa: S101 - entered before
        self._process.terminate()
        said = self._end()
        if self._process.returncode != 0 and error is None:
            raise LabError(f"the load ended with status {self._process.returncode}: {said.strip()[-500:]}")

    def _end(self) -> str:
        """Wait for the end of the process, keep what it has written; what it complained of."""
        assert self._process is not None  # noqa: S101 - entered before
        try:
            _, said = self._process.communicate(timeout=_STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, said = self._process.communicate()
        self._whole = self.report
        self._folder.cleanup()
        return said

    @property
    def report(self) -> Report:
        """All that has ended so far."""
        if self._whole is not None:
            return self._whole
        return Report.of_lines(self._records.read_text().splitlines(keepends=True))

    @property
    def requests(self) -> int:
        """How many requests have ended so far, without reading what became of each, for there may be many."""
        if self._whole is not None:
            return self._whole.requests
        with self._records.open("rb") as records:
            records.seek(self._counted_to)
            for line in records:
                if not line.endswith(b"\n"):
                    break
                self._counted += _REQUEST in line
                self._counted_to += len(line)
        return self._counted

    def wait_for(self, more: int, seconds: float = _FIRST_ANSWER_SECONDS) -> None:
        """Wait for so many more requests to end."""
        wanted = self.requests + more
        deadline = time.monotonic() + seconds
        while self.requests < wanted:
            if self._process is None or self._process.poll() is not None:
                raise LabError("the load has ended by itself")
            if time.monotonic() > deadline:
                raise LabError(f"the load made no {more} requests within {seconds:.0f} s")
            time.sleep(0.05)
