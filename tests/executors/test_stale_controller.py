"""A controller that slept for longer than its lease is refused by the machine and by etcd: another one leads."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from gitops.store import Store
from model import keys
from tests.executors.controller import WRITTEN, Orders
from tests.executors.sshd import LoopbackSshd


@dataclass(frozen=True)
class Controller:
    """A process that leads by `token`."""

    process: subprocess.Popen[str]
    token: int

    def act(self) -> tuple[str, str]:
        """Have it act once; what the machine and what etcd said."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("act\n")
        self.process.stdin.flush()
        host, etcd = json.loads(self.process.stdout.readline())
        return host, etcd


@pytest.fixture
def orders(etcd_endpoint: str, store: Store, sshd: LoopbackSshd, tmp_path: Path) -> Orders:
    return Orders(
        name="first",
        etcd=etcd_endpoint,
        key=str(sshd.client_key),
        port=sshd.port,
        host_key=sshd.host_key,
        state=str(tmp_path / "state"),
        file=str(tmp_path / "acted"),
    )


@contextmanager
def leading(orders: Orders) -> Iterator[Controller]:
    """A controller that leads, once nobody else does."""
    command = [sys.executable, "-m", "tests.executors.controller", json.dumps(asdict(orders))]
    with (
        Path(orders.file).with_name(f"{orders.name}.log").open("w") as log,
        subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            yield Controller(process, int(process.stdout.readline()))
        finally:
            process.kill()


def test_a_controller_that_was_asleep_is_refused_by_the_machine_and_by_etcd(orders: Orders, store: Store) -> None:
    with leading(orders) as first:
        assert first.act() == ("done", "done")
        first.process.send_signal(signal.SIGSTOP)
        # It leads once the lease of the first has ended, and not before.
        with leading(Orders(**{**asdict(orders), "name": "second"})) as second:
            assert second.token > first.token
            assert second.act() == ("done", "done")
            first.process.send_signal(signal.SIGCONT)
            said, written = first.act()
            assert said == (
                "worker101: this machine already obeys a newer controller "
                f"(leader has token {second.token}, not {first.token})"
            )
            assert written.startswith("fenced: ")
            assert second.act() == ("done", "done")
    assert Path(orders.file).read_text() == "first\nsecond\nsecond\n"
    assert store.get(WRITTEN) == "second"
    assert store.get(keys.LEADER) == "second"
