"""A file on its way to a machine: the script that takes it there, and the end that sends it."""

import contextlib
import hashlib
from pathlib import Path
from typing import BinaryIO

import paramiko

from executors.remote import OnLine
from executors.templates import quote, render

SEND = "send"
BLOCK = 1 << 18
MIB = 1 << 20
STEP = 8 * MIB  # how often it is said how far it is


def receiving_script(file: Path, to: str) -> str:
    """Asks for the file where it is not there, and takes it from file descriptor 3."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return render("node/receive.sh.j2", path=to, digest=digest, size=file.stat().st_size, send=SEND)


def reading_first(script: str) -> str:
    """The command that carries out a script which stands at the head of its standard input; the rest is at 3."""
    read = f"$(head -c {len(script.encode())})"
    command = f'exec 3<&0; eval "{read}"'
    return f"bash -c {quote(command)}"


class Sending:
    """Hears the script, and sends the file once it is asked for."""

    def __init__(self, channel: paramiko.Channel, content: BinaryIO, on_line: OnLine) -> None:
        self._channel = channel
        self._content = content
        self._on_line = on_line

    def hear(self, line: str) -> None:
        """A line that the script printed."""
        if line != SEND:
            self._on_line(line)
            return
        # Where the machine takes no more, its script says why.
        with contextlib.suppress(OSError):
            self._send()

    def _send(self) -> None:
        size = self._content.seek(0, 2)
        self._content.seek(0)
        sent, told = 0, 0
        while block := self._content.read(BLOCK):
            self._channel.sendall(block)
            sent += len(block)
            if sent - told >= STEP:
                told = sent
                self._on_line(f"sent {sent // MIB} of {size // MIB} MiB")
        self._channel.shutdown_write()
