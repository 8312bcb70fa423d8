"""Running the machine's own programs (ip, git, …) without blocking the lab's event loop."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from lab.errors import LabError


class CommandFailedError(LabError):
    """A program ended with a status other than 0; `output` is what it wrote to stderr."""

    def __init__(self, argv: tuple[str, ...], status: int, output: str) -> None:
        last_line = output.strip().splitlines()[-1] if output.strip() else "it printed nothing"
        super().__init__(f"`{' '.join(argv)}` ended with status {status}: {last_line}")
        self.status = status
        self.output = output


async def run(
    *argv: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> str:
    """Run a program to its end and return its stdout. Raises CommandFailedError.

    Whoever gives up waiting ends it, with what it has started: it would go on while others clear up.
    """
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        # A start that is given up half way waits for ever for pipes that the program's own children hold.
        process = await asyncio.shield(starting)
        stdout, stderr = await process.communicate(None if stdin is None else stdin.encode())
    except asyncio.CancelledError:
        await _end(await starting)
        raise
    if process.returncode != 0:
        raise CommandFailedError(argv, process.returncode or 0, stderr.decode(errors="replace"))
    return stdout.decode(errors="replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
