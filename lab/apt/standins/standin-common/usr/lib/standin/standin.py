"""What stand-ins share: records of what was done to them, and a request as one line of JSON."""

import json
import os
import socket
import sys
import time
from pathlib import Path

RECORDS = Path("/var/log/standin")


def record(program, **what):
    """Keep what happened, for whoever asserts it."""
    RECORDS.mkdir(mode=0o777, exist_ok=True)
    line = json.dumps({"program": program, "at": time.time(), "user": os.geteuid(), **what})
    file = RECORDS / f"{program}.jsonl"
    with file.open("a") as records:
        records.write(line + "\n")


def record_arguments(program):
    record(program, argv=sys.argv[1:])


def ask(address, request, timeout=5.0):
    """The answer to a request, from a path of a socket or from (host, port)."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(timeout)
        connection.connect(address)
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as answers:
            return json.loads(answers.readline())


def tcp(member):
    """(host, port) of HOST:PORT."""
    host, _, port = member.rpartition(":")
    return host, int(port)
