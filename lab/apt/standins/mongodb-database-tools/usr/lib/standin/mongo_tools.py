"""What the stand-ins for mongodump and mongorestore share."""

import argparse
import json
import sys
from pathlib import Path

import yaml

sys.path.insert(0, "/usr/lib/standin")
from standin import ask, record_arguments, tcp


def arguments(program):
    record_arguments(program)
    parser = argparse.ArgumentParser()
    for option in ("config", "host", "username", "authenticationDatabase", "archive"):
        parser.add_argument(f"--{option}", required=True)
    for flag in ("gzip", "drop", "dryRun", "quiet"):
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--nsExclude", action="append", default=[])
    told = parser.parse_args()
    told.password = yaml.safe_load(Path(told.config).read_text())["password"]
    if Path(told.config).stat().st_mode & 0o077:
        sys.exit("the configuration with the password is open to others")
    return told


def command(told, db, command):
    """What the set's primary answers."""
    members = told.host.partition("/")[2].split(",")
    for member in members:
        try:
            if ask(tcp(member), {"command": {"hello": 1}}).get("isWritablePrimary"):
                auth = [told.username, told.password, told.authenticationDatabase]
                answer = ask(tcp(member), {"auth": auth, "db": db, "command": command})
                if answer["ok"] != 1:
                    sys.exit(json.dumps(answer))
                return answer
        except OSError:
            continue
    sys.exit(f"no primary among {members}")
