"""Which ports of a machine are let in, seen from somewhere: by TCP from this machine or from a host, by UDP from here.

A port is let in where the connection comes about or is refused by the machine itself, which then has nobody listening
there, each time it is asked: to one that comes by the ports of an earlier connection the kernel may answer what it
answered then. firewalld rejects what it keeps out with an ICMP message, or the kernel, which sends few of them, with
silence.
"""

import json
import socket
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

async def those_let_in(address, ports):
    turn = asyncio.Semaphore(400)
    found = await asyncio.gather(*(is_let_in(address, port, turn) for port in ports))
    return [port for port, let_in in zip(ports, found) if let_in]

async def scan(address, ports):
    once = await those_let_in(address, ports)
    print(json.dumps(await those_let_in(address, once)))

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


def seen_by_udp(address: str, ports: Iterable[int], rounds: int = 3) -> set[int]:
    """What this machine gets in to by UDP: the machine says itself that nobody listens, or somebody keeps silent.

    The machine must not be sparing with ICMP (`net.ipv4.icmp_ratelimit`), or being kept out is silence as well.
    """
    return {port for port in ports if all(_is_let_in_by_udp(address, port) for _ in range(rounds))}


def _is_let_in_by_udp(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.connect((address, port))
        try:
            sock.send(b"?")
            sock.recv(1)
        except (ConnectionRefusedError, TimeoutError):
            return True
        except OSError:
            return False
    return True
