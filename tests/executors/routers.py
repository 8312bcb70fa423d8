"""Machines of which only the routing matters: an sshd each, with a HAProxy and a state of its own, on loopback."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from executors.pushing import Pushing
from executors.routing import Checks, routing_script
from executors.routing_files import routing_files
from executors.ssh import Ssh
from executors.templates import render
from gitops.executor import HostFence
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.app import Env, Publish
from model.registered import InstanceRecord, MetaData, NodeRecord, Registered
from tests.executors.sshd import LoopbackSshd

APP = "influencer"
COMMIT = "1" * 40
PORT = 18301  # by which the app is published
WITHIN = 20.0

# Each has a /run of its own, where HAProxy's socket and what flstr keeps are, and its processes end with it.
_INSIDE = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
_MOUNTS = """
for place in /run /etc/haproxy /usr/local/sbin; do mount -t tmpfs host $place || exit; done
mkdir /run/sshd /run/haproxy
cat >/usr/local/sbin/systemctl <<'END'
#!/bin/sh
# Stands in for systemctl, of which the routing's script needs this much.
pid=/run/haproxy/pid
case $* in
is-active*) kill -0 "$(cat $pid)" ;;
show*MainPID*) cat $pid ;;
*enable*) ;;
start*) haproxy -W -D -f /etc/haproxy/haproxy.cfg -p $pid ;;
reload*) kill -USR2 "$(cat $pid)" ;;
*) exit 1 ;;
esac
END
chmod 755 /usr/local/sbin/systemctl
exec "$@"
"""

_CONFIG = """\
global
    stats socket /run/haproxy/admin.sock mode 660 level admin
    hard-stop-after 1s
defaults
    mode http
    retries 3
    option redispatch 1
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout check 2s
frontend {backend}
    bind unix@/run/haproxy/app.sock
    default_backend {backend}
backend {backend}
"""

Servers = dict[str, tuple[str, int, bool]]


def record(port: int, address: str = "127.0.0.1", node: str = "worker101") -> InstanceRecord:
    """An instance at a port."""
    return InstanceRecord(node=node, ip=address, port=port, commit=COMMIT)


class Routers:
    """Machines `worker101` and up; `app` is known to each HAProxy and has no server."""

    state = "/run/flstr"

    def __init__(self, sshd: LoopbackSshd, store: Store, addresses: dict[str, str]) -> None:
        self.sshd = sshd
        self.nodes = tuple(addresses)
        self.addresses = addresses
        self.store = store
        store.put(keys.LEADER, "this test")
        token = store.create_revision(keys.LEADER) or 0
        self.fence = HostFence(token)
        self.registry = Registry(store.fenced(Fence(keys.LEADER, token)))
        self.ssh = Ssh(self.registry.host, sshd.client_key, sshd.port, self.state)
        self.changes: list[float] = []
        self.fenced: list[str] = []
        meta = MetaData(publish=Publish(port=PORT), env_prefix="INFLUENCER", env=Env())
        store.put(keys.meta_data("backend", APP), meta.to_json())
        for node, address in addresses.items():
            self.registry.put_host(sshd.record(node, ip=address))
            self.start_haproxy(node)
            self.register(node)

    def register(self, node: str) -> None:
        """Have a machine route."""
        addresses = {"vpn_ingr": self.addresses[node]}
        self.registry.put_node(
            NodeRecord(name=node, ip="10.0.0.1", services=(), role="worker", pool="worker", addresses=addresses)
        )

    def start_haproxy(self, node: str, *servers: str) -> None:
        """A HAProxy that knows the app, with the servers of its file."""
        config = _CONFIG.format(backend=f"backend-{APP}")
        options = render("routing/server-options.j2").strip()
        config += "".join(f"    server {server} {options}\n" for server in servers)
        self.on(
            node,
            f"cat >/etc/haproxy/haproxy.cfg <<'END'\n{config}END\nsystemctl start haproxy",
        )

    def stop_haproxy(self, node: str) -> None:
        """End it, and everything that it was only told."""
        end = "kill -KILL $(cat /run/haproxy/pid) $(pgrep -P $(cat /run/haproxy/pid)); rm -f /run/haproxy/admin.sock"
        self.on(node, end)

    def route(self, node: str, known: Registered | None = None) -> str:
        """Run the script of the routing there, made from what is registered, or was."""
        return self.on(node, routing_script(routing_files(known or self.registry.read(), node), Checks())).strip()

    def workers(self, node: str) -> list[str]:
        """The processes of HAProxy that serve; a reload makes another one."""
        return self.on(node, "pgrep -P $(cat /run/haproxy/pid)").split()

    def on(self, node: str, script: str) -> str:
        """What a script prints there."""
        return self.ssh.run(node, script, self.fence)

    @contextmanager
    def pushing(self, token: int | None = None) -> Iterator[Pushing]:
        """Pushing, as the leader does it."""
        pushing = Pushing(
            self.registry.store,
            self.ssh.talk,
            self.fence.leader if token is None else token,
            lambda: self.changes.append(time.monotonic()),
            self.fenced.append,
            state_folder=self.state,
        )
        pushing.start()
        try:
            yield pushing
        finally:
            pushing.stop()

    def servers(self, node: str, backend: str = f"backend-{APP}") -> Servers:
        """The servers of the HAProxy that runs: address, port, and whether it is sent anything new."""
        return parse(haproxy_says(self.on, node, f"show servers state {backend}"))

    def await_servers(self, node: str, wanted: Servers, backend: str = f"backend-{APP}") -> None:
        """Wait until HAProxy has these, and those that it still has beside them are sent nothing new."""
        wait_until(
            lambda: serving(self.servers(node, backend)) == wanted, lambda: f"{node} has {self.servers(node, backend)}"
        )

    def put(self, instance: str, port: int, node: str = "worker101") -> None:
        """Register an instance of the app by hand."""
        self.store.put(keys.instance("backend", APP, instance), record(port, node=node).to_json())

    def drop(self, instance: str) -> None:
        """Deregister it by hand."""
        self.store.delete(keys.instance("backend", APP, instance))


def haproxy_says(on: Callable[[str, str], str], node: str, command: str) -> str:
    """What a machine's HAProxy answers."""
    return on(node, f"{render('routing/haproxy-socket.sh.j2')}\nhaproxy_ask <<<'{command}'")


def parse(answer: str) -> Servers:
    """`show servers state`."""
    rows = [line.split() for line in answer.splitlines() if re.match(r"\d+ \S+ \d+ ", line)]
    return {row[3]: (row[4], int(row[18]), int(row[6]) == 0) for row in rows}


def serving(servers: Servers) -> Servers:
    """Those that are sent something new."""
    return {name: server for name, server in servers.items() if server[2]}


def wait_until(condition: Callable[[], bool], otherwise: Callable[[], str] = lambda: "") -> None:
    """Wait for what others bring about."""
    deadline = time.monotonic() + WITHIN
    never = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        never.wait(0.02)


@contextmanager
def running_routers(folder: Path, store: Store, count: int = 1) -> Iterator[Routers]:
    """So many machines, ended with all that runs on them."""
    addresses = {f"worker{100 + number}": f"127.0.2.{number}" for number in range(1, count + 1)}
    sshd = LoopbackSshd(folder / "sshd", list(addresses.values()), inside=(*_INSIDE, "sh", "-c", _MOUNTS, "host"))
    sshd.start()
    try:
        routers = Routers(sshd, store, addresses)
        yield routers
        routers.ssh.close()
    finally:
        sshd.stop()


def may_run() -> bool:
    """Whether this machine can have such machines."""
    return os.geteuid() == 0 and all(Path(program).exists() for program in ("/usr/sbin/sshd", "/usr/sbin/haproxy"))
