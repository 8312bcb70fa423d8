"""A controller without all that it is for: it leads, and for each line of its input acts on a machine and in etcd.

It looks at no clock, as one would that was woken just now: what stops it is the machine, and etcd.
"""

import json
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from executors.ssh import Ssh
from gitops.executor import HostFence
from gitops.leadership import Leadership
from gitops.store import Store
from model.errors import Fenced
from model.registered import HostRecord

WRITTEN = "flstr/written-by"


@dataclass(frozen=True)
class Orders:
    """Who it is, where etcd is, the machine it acts on, and the file there to which it adds its name."""

    name: str
    etcd: str
    key: str
    port: int
    host_key: str
    state: str
    file: str


def main(orders: Orders) -> None:
    """Answer `TOKEN` once it leads, then two words a line: what the machine and what etcd said."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    store = Store([orders.etcd])
    leadership = Leadership(store, orders.name, on_lost=lambda: None)
    fence = leadership.acquire(threading.Event())
    assert fence is not None
    record = HostRecord(node="worker101", host_key=orders.host_key, ip="127.0.0.1", server_id=1)
    ssh = Ssh(lambda _: record, Path(orders.key), port=orders.port, state_folder=orders.state)
    print(fence.token, flush=True)
    for _ in sys.stdin:
        said = [_on_host(ssh, orders, fence.token), _in_etcd(store.fenced(fence), orders.name)]
        print(json.dumps(said), flush=True)
    ssh.close()


def _on_host(ssh: Ssh, orders: Orders, token: int) -> str:
    try:
        return ssh.run("worker101", f"echo {orders.name} >>{orders.file}; echo done", HostFence(token)).strip()
    except Fenced as error:
        return str(error)


def _in_etcd(store: Store, name: str) -> str:
    try:
        store.put(WRITTEN, name)
    except Fenced as error:
        return f"fenced: {error}"
    return "done"


if __name__ == "__main__":
    main(Orders(**json.loads(sys.argv[1])))
