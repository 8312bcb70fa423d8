"""Kept running on a machine by the flstr that leads: brings the servers of its HAProxy to what each line asks for.

`push_members.py STATE_FOLDER SOCKET`. A line asked and a line answered are one JSON object each, as
`executors/pushing.py` writes and reads them. It ends with its input.
"""

import fcntl
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

# Bits of srv_admin_state in `show servers state`: reasons for which a server is sent nothing, or nothing new.
MAINT = 0x01 | 0x02 | 0x04 | 0x20 | 0x40
DRAIN = 0x08 | 0x10
ASK_SECONDS = 5

# A server that runs: its address, its port, its administrative state.
Server = tuple[str, int, int]
# One that is wanted: its address, its port, and the options that others have not.
Wanted = tuple[str, int, *tuple[str, ...]]


def ask(path: str, command: str) -> str:
    """What HAProxy answers."""
    with socket.socket(socket.AF_UNIX) as haproxy:
        haproxy.settimeout(ASK_SECONDS)
        haproxy.connect(path)
        haproxy.sendall(command.encode() + b"\n")
        haproxy.shutdown(socket.SHUT_WR)
        return haproxy.makefile().read()


def parse_servers(answer: str) -> dict[str, Server] | None:
    """The servers of a backend as `show servers state` tells them; None where HAProxy does not know the backend."""
    columns: list[str] = []
    servers = {}
    for line in answer.splitlines():
        words = line.split()
        if words[:1] == ["#"]:
            columns = words[1:]
        elif columns and words:
            row = dict(zip(columns, words, strict=False))
            servers[row["srv_name"]] = (row["srv_addr"], int(row["srv_port"]), int(row["srv_admin_state"]))
    return servers if columns else None


def commands(backend: str, servers: dict[str, Server], wanted: dict[str, Wanted], options: str) -> dict[str, list[str]]:
    """By server, what turns those that run into the wanted ones; as the script of the routing does it."""
    found = {}
    for name in sorted(servers.keys() - wanted.keys()):
        if not servers[name][2] & (MAINT | DRAIN):
            found[name] = [f"set server {backend}/{name} state drain"]
    for name, (address, port, *more) in sorted(wanted.items()):
        server, there = f"{backend}/{name}", servers.get(name)
        if there is not None and there[:2] == (address, port):
            told = []
            if not there[2] & (MAINT | DRAIN):
                continue
        else:
            told = [] if there is None else [f"set server {server} state maint", f"del server {server}"]
            told.append(" ".join([f"add server {server} {address}:{port}", options, *more]))
            # One that still has connections is not deleted.
            told.append(f"set server {server} addr {address} port {port}")
        found[name] = [*told, f"enable health {server}", f"set server {server} state ready"]
    return found


def bring(path: str, backend: str, wanted: dict[str, Wanted], options: str) -> str:
    """Bring a backend to its wanted servers; what HAProxy said where it did not come to that."""
    show = f"show servers state {backend}"
    servers = parse_servers(ask(path, show))
    needed = {} if servers is None else commands(backend, servers, wanted, options)
    if not needed:
        return ""
    said = " ".join(ask(path, "; ".join(told)) for told in needed.values())
    left = commands(backend, parse_servers(ask(path, show)) or {}, wanted, options)
    return f"{', '.join(f'{backend}/{name}' for name in left)}: {' '.join(said.split())}" if left else ""


def newer_token(state: Path, token: int) -> int | None:
    """The token of a newer controller, where this machine obeys one; `check_fences` of every script, in Python."""
    fence = state / "fences/leader"
    with (state / "fence.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = int(fence.read_text() or 0) if fence.exists() else 0
        if held < token:
            new = fence.with_name("leader.new")
            new.write_text(f"{token}\n")
            new.replace(fence)
    return held if held > token else None


def carry_out(state: Path, path: str, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request."""
    with (state / "routing.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # What was asked for may be out of date by the end of the script that is at work.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return {"said": "again"}
        held = newer_token(state, request["token"])
        if held is not None:
            return {"said": "fenced", "held": held}
        wanted = {
            backend: {name: tuple(server) for name, server in servers.items()}
            for backend, servers in request["backends"].items()
        }
        try:
            faults = [bring(path, backend, servers, request["options"]) for backend, servers in wanted.items()]
        except OSError:
            # A HAProxy that does not run reads its file when it starts.
            return {"said": "absent"}
        why = "; ".join(filter(None, faults))
        return {"said": "refused", "why": why} if why else {"said": "done"}


def main(folder: str, path: str) -> None:
    """Answer every line of the input."""
    os.umask(0o077)
    state = Path(folder)
    (state / "fences").mkdir(parents=True, exist_ok=True)
    for line in sys.stdin:
        print(json.dumps(carry_out(state, path, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
