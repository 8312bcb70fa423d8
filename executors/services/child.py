"""What runs in the sandbox: ansible-runner, whose events go to standard output, a line of JSON each.

It is a program of its own, which is told on standard input where Python finds what it needs, and imports nothing of
flstr.
"""

import json
import sys
from typing import Any

# What of an event is of use.
EVENTS = frozenset(
    {
        *("playbook_on_task_start", "playbook_on_handler_task_start", "playbook_on_stats"),
        *("runner_on_ok", "runner_on_failed", "runner_on_unreachable", "runner_on_skipped"),
        *("error", "verbose"),
    }
)


def run(told: dict[str, Any]) -> int:
    """Run a playbook; the exit status is Ansible's."""
    sys.path[:0] = told["path"]
    from ansible_runner.interface import init_runner  # type: ignore[import-untyped] # noqa: PLC0415 - only now found

    events = sys.stdout
    # What else is printed is no event.
    sys.stdout = sys.stderr

    def hear(event: dict[str, Any]) -> bool:
        if event.get("event") in EVENTS:
            kept = {name: event.get(name) for name in ("event", "event_data", "stdout")}
            events.write(json.dumps(kept, default=str) + "\n")
            events.flush()
        return False

    runner = init_runner(
        private_data_dir=told["folder"],
        project_dir=told["project"],
        playbook=told["playbook"],
        inventory=told["inventory"],
        cmdline=told["arguments"],
        settings={"pexpect_timeout": 1},
        suppress_env_files=True,
        quiet=True,
        event_handler=hear,
    )
    _, status = runner.run()
    return int(status)


if __name__ == "__main__":
    sys.exit(run(json.load(sys.stdin)))
