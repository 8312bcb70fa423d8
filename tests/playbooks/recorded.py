"""What the lab's stand-ins for a vendor's packages recorded on a machine."""

import json
from typing import Any

from tests.playbooks.hosts import PlaybookHosts


def records(hosts: PlaybookHosts, node: str, program: str) -> list[dict[str, Any]]:
    """All that was done to a program there, oldest first."""
    lines = hosts.on(node, f"cat /var/log/standin/{program}.jsonl 2>/dev/null || true").splitlines()
    return [json.loads(line) for line in lines]


def all_records(hosts: PlaybookHosts, node: str) -> str:
    """Everything, as it stands in the files."""
    return hosts.on(node, "cat /var/log/standin/*.jsonl")
