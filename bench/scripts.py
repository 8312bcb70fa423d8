"""One script on machines over SSH: flstr's warm connections, against plain ssh and against no SSH at all."""

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.figures import Figure, Group, in_turn
from bench.plain_ssh import PlainSsh, run_here
from executors.script import wrapped
from executors.ssh import SIDE_BY_SIDE, Ssh
from gitops.executor import HostFence
from model.errors import StepFailed
from model.registered import HostRecord
from tests.executors.sshd import LoopbackSshd

ADDRESSES = tuple(f"127.0.1.{number}" for number in range(1, 51))
SIZES = (10, 50)
RUNS = 20
SIDE_BY_SIDE_RUNS = 3
FENCE = HostFence(1)
# As a step's script begins: a file is written.
BODY = """\
concerning bench
put_file "$state/bench-$$/config" 644 <<'END'
a line of some configuration
END
settled
rm -r "$state/bench-$$"
echo done
"""

Work = Callable[[], object]


def measure(folder: Path) -> Iterator[Group]:
    """One script on one machine, then on 10 and 50 loopback addresses side by side."""
    sshd = LoopbackSshd(folder / "sshd", ADDRESSES)
    sshd.start()
    hosts = {f"worker{100 + n}": sshd.record(f"worker{100 + n}", ip=ip) for n, ip in enumerate(ADDRESSES, start=1)}
    machines = _Machines(sshd, hosts, folder)
    try:
        yield machines.one()
        yield from map(machines.side_by_side, SIZES)
    finally:
        machines.close()
        sshd.stop()


class _Machines:
    """The same script on the same addresses, by every way there is."""

    def __init__(self, sshd: LoopbackSshd, hosts: dict[str, HostRecord], folder: Path) -> None:
        state = str(folder / "state")
        self._hosts = hosts
        self._script = wrapped(BODY, FENCE, state)
        self._file = folder / "script"
        self._file.write_text(self._script)
        self._connect = functools.partial(Ssh, hosts.get, sshd.client_key, sshd.port, state)
        self._ssh = self._connect()
        self._plain = PlainSsh(sshd, folder)

    def close(self) -> None:
        """End every connection."""
        self._ssh.close()
        self._plain.close()

    def one(self) -> Group:
        """One machine, one script after the other."""
        nodes = list(self._hosts)[:1]
        return Group("one script on a machine", self._figures(nodes, RUNS))

    def side_by_side(self, count: int) -> Group:
        """The script on so many machines at once."""
        nodes = list(self._hosts)[:count]
        return Group(f"the script on {count} machines side by side", self._figures(nodes, SIDE_BY_SIDE_RUNS))

    def _figures(self, nodes: Sequence[str], runs: int) -> tuple[Figure, ...]:
        ways: dict[str, Work] = {
            "warm": lambda: self._run_all(self._ssh, nodes),
            "cold": lambda: self._cold(nodes),
            "master": lambda: self._plainly(nodes, warm=True),
            "plain": lambda: self._plainly(nodes, warm=False),
            "here": lambda: run_here(self._file, len(nodes), SIDE_BY_SIDE),
        }
        ways["warm"]()
        ways["master"]()
        warm, cold, master, plain, here = in_turn(list(ways.values()), runs)
        return (
            Figure("flstr, warm connections", warm),
            Figure("flstr, a new connection each time", cold),
            Figure("ssh with ControlMaster", master, "peer"),
            Figure("ssh, a new connection each time", plain, "peer"),
            Figure("bash on this machine, no SSH", here, "floor"),
        )

    def _run_all(self, ssh: Ssh, nodes: Sequence[str]) -> None:
        for answer in ssh.run_all(dict.fromkeys(nodes, BODY), FENCE).values():
            if isinstance(answer, StepFailed):
                raise answer

    def _cold(self, nodes: Sequence[str]) -> None:
        ssh = self._connect()
        self._run_all(ssh, nodes)
        ssh.close()

    def _plainly(self, nodes: Sequence[str], warm: bool) -> None:
        _pooled(lambda node: self._plain.run(str(self._hosts[node].ip), self._script, warm), nodes)


def _pooled(work: Callable[[str], object], nodes: Sequence[str]) -> None:
    with ThreadPoolExecutor(min(len(nodes), SIDE_BY_SIDE)) as pool:
        list(pool.map(work, nodes))
