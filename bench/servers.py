"""The real servers that are measured against, each ended with its `with` block."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.clients import SlackSettings
from gitops.etcd_server import EmbeddedEtcd

ROOT = Path(__file__).parents[1]


@contextmanager
def etcd(folder: Path) -> Iterator[str]:
    """An etcd of its own; its endpoint."""
    server = EmbeddedEtcd(folder / "etcd")
    try:
        yield server.start()
    finally:
        server.stop()


@contextmanager
def slack() -> Iterator[tuple[str, SlackSettings]]:
    """The lab's Slack in a process of its own; the page's address, and how an app reaches it."""
    command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "lab.slack"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = dict(process.stdout.readline().split() for _ in range(4))
            yield said["page"], SlackSettings(bot_token=said["bot"], app_token=said["app"], api_url=said["api"])
        finally:
            process.terminate()
