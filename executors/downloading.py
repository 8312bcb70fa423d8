"""A file on its way from a machine: the script that sends it, and the end that takes it."""

import hashlib
from pathlib import Path
from typing import BinaryIO

from executors.remote import OnLine
from executors.templates import render
from executors.uploading import BLOCK, MIB, STEP
from model.errors import StepFailed


def sending_script(path: str) -> str:
    """Prints the size and the SHA-256 of a file in a line, and then the file."""
    return render("node/send.sh.j2", path=path)


class Receiving:
    """Takes what the script prints; the file is there as a whole once `check` is content, and gone otherwise."""

    def __init__(self, node: str, to: Path, on_line: OnLine) -> None:
        self._node = node
        self._to = to
        self._on_line = on_line
        self._said = ""
        self._size = 0
        self._digest = hashlib.sha256()

    def take(self, stream: BinaryIO) -> None:
        """All that comes, into the file."""
        self._said = stream.readline().decode(errors="replace").strip()
        size, told = self._said.partition(" ")[0], 0
        total = int(size) // MIB if size.isdecimal() else 0
        with self._to.open("wb") as file:
            while block := stream.read(BLOCK):
                file.write(block)
                self._digest.update(block)
                self._size += len(block)
                if self._size - told >= STEP:
                    told = self._size
                    self._on_line(f"fetched {self._size // MIB} of {total} MiB")

    def check(self) -> None:
        """Raise `StepFailed` where what came is not what was sent."""
        if self._said != f"{self._size} {self._digest.hexdigest()}":
            self._to.unlink(missing_ok=True)
            raise StepFailed(f"{self._node}: the file did not arrive as it was sent")
