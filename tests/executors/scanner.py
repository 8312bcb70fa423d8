"""Which ports of a machine are let in, seen from somewhere: by TCP connections, from this machine or from a host.

A port is let in where the connection comes about or is refused by the machine itself, which then has nobody listening
there; firewalld rejects what it keeps out with an ICMP message, or the kernel, which sends few of them, with silence.
"""

import json
import subprocess
import sys
from collections.abc import Iterable

from tests.executors.machines import Machines

SCAN = r"""
import asyncio, json, sys

async def is_let_in(address, port, turn):
    async with turn:
        for seconds in (0.7, 2.0):
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), seconds)
                writer.close()
                return True
            except ConnectionRefusedError:
                return True
            except asyncio.TimeoutError:
                continue
            except OSError:
                return False
        return False

async def scan(address, ports):
    turn = asyncio.Semaphore(400)
    found = await asyncio.gather(*(is_let_in(address, port, turn) for port in ports))
    print(json.dumps([port for port, let_in in zip(ports, found) if let_in]))

asyncio.run(scan(sys.argv[1], json.loads(sys.argv[2])))
"""


def seen_from_outside(address: str, ports: Iterable[int]) -> set[int]:
    """What this machine, which is in no mesh, gets in to."""
    command = [sys.executable, "-c", SCAN, address, json.dumps(sorted(ports))]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def seen_from(machines: Machines, node: str, address: str, ports: Iterable[int]) -> set[int]:
    """What a host gets in to."""
    script = f"python3 - {address} '{json.dumps(sorted(ports))}' <<'END_OF_SCAN'\n{SCAN}\nEND_OF_SCAN"
    return set(json.loads(machines.on(node, script)))
