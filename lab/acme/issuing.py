"""Which certificates pebble issues, as its log says while it is written: nobody has to ask it again and again."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import BinaryIO

# What a line of the log may be long at most.
LINE_BYTES = 2**20

_ISSUED = re.compile(rb"Issued certificate serial ([0-9a-f]{1,80}) for order ")


async def follow(output: asyncio.StreamReader, log: BinaryIO, issued: Callable[[str], Awaitable[None]]) -> None:
    """Write what pebble prints to its log until it ends; each certificate's serial number goes to `issued`."""
    async for line in output:
        log.write(line)
        if found := _ISSUED.search(line):
            await issued(found[1].decode())
