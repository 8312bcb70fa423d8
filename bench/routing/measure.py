"""From an etcd put by hand until HAProxy serves by it, and until it is in the file."""

import itertools
import json
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, Group, timed
from bench.routing.controller import APP, INSTANCE, Controller, running
from executors.conversation import Conversation
from executors.pushing import Pushing
from executors.routing import Routing
from executors.templates import quote, render
from gitops.executor import StepContext
from gitops.routed import wrongly_routed
from model.errors import StepFailed
from model.names import NodeName

MACHINES = 6
CHANGES = 200
WARM_UP = 10
SCRIPT_RUNS = 20
FIRST_PORT = 20000
WITHIN = 60.0

BACKEND = f"backend-{APP}"
SERVER = f"{BACKEND}/{INSTANCE}"
_SOCKET = render("routing/haproxy-socket.sh.j2")
_OPTIONS = render("routing/server-options.j2").strip()
# The commands of a push on the machine itself: how long they take by its own clock, for each line that names a port.
LOCALLY = """\
import socket, sys, time

def ask(command):
    with socket.socket(socket.AF_UNIX) as haproxy:
        haproxy.connect("/run/haproxy/admin.sock")
        haproxy.sendall(command.encode())
        haproxy.shutdown(socket.SHUT_WR)
        return haproxy.makefile().read()

server, options = sys.argv[1:]
for line in sys.stdin:
    port = line.strip()
    began = time.perf_counter()
    ask(f"set server {server} state maint; del server {server}; add server {server} 127.0.0.1:{port} {options}; "
        f"enable health {server}; set server {server} state ready\\n")
    print(time.perf_counter() - began, flush=True)
"""


def measure(folder: Path) -> Iterator[Group]:
    """A change at a time on lab hosts; a machine has it once its HAProxy was asked and has said so."""
    with running(folder, MACHINES) as controller:
        put, gone, noticed = _pushed(controller)
        locally, bare = _floors(controller)
        one_script, scripts = _by_a_script_each(controller)
        whole, reload = _whole_script(controller)
        in_file = _in_file(controller)
    every = f"all {MACHINES} machines"
    yield Group(
        "who serves: from a put in etcd to HAProxy, a change at a time",
        (
            Figure("pushed, routed on a machine", put.each, note="each of them counted"),
            Figure(f"pushed, routed on {every}", put.all),
            Figure("pushed, drained on a machine", gone.each, note="each of them counted"),
            Figure(f"pushed, drained on {every}", gone.all),
            Figure(f"in the file of {every}, by an operation", in_file),
            Figure("the worker is woken", noticed),
            Figure("the same commands on the machine's own socket", locally, "floor"),
            Figure("a line and its answer over the warm connection", bare, "floor"),
            Figure("a script for each push, a machine", one_script, "peer"),
            Figure(f"a script for each push, {every}", scripts, "peer"),
            Figure(f"the whole script of the routing, {every}", whole, "peer"),
            Figure("a reload of HAProxy, a machine", reload, "peer"),
        ),
    )


@dataclass
class _Times:
    """Seconds from a put until a machine had it, and until the last one had it."""

    each: tuple[float, ...] = ()
    all: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Done:
    """A machine that has said that its HAProxy has these servers."""

    node: NodeName
    servers: object
    at: float


class _Heard(Conversation):
    """A conversation that notes when a request was carried out."""

    def __init__(self, node: NodeName, conversation: Conversation, done: "queue.SimpleQueue[_Done]") -> None:
        self._node, self._conversation, self._done = node, conversation, done

    def ask(self, line: str, within: float) -> str:
        """As `Conversation.ask`."""
        answer = self._conversation.ask(line, within)
        now, backends = time.perf_counter(), json.loads(line)["backends"]
        if json.loads(answer)["said"] == "done" and BACKEND in backends:
            self._done.put(_Done(self._node, backends[BACKEND], now))
        return answer

    def close(self) -> None:
        """As `Conversation.close`."""
        self._conversation.close()


def _pushed(controller: Controller) -> tuple[_Times, _Times, tuple[float, ...]]:
    """Nothing else is at work: no worker, no script."""
    done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
    woken: queue.SimpleQueue[float] = queue.SimpleQueue()

    def talk(node: NodeName, command: str) -> Conversation:
        return _Heard(node, controller.ssh.talk(node, command), done)

    def change(act: Callable[[], None], servers: object) -> tuple[list[float], float]:
        began, seen = time.perf_counter(), dict[str, float]()
        act()
        while len(seen) < len(controller.nodes):
            one = done.get(timeout=WITHIN)
            if one.servers == servers:
                seen[one.node] = one.at - began
        return list(seen.values()), began

    puts: list[list[float]] = []
    drops: list[list[float]] = []
    noticed: list[float] = []
    pushing = Pushing(
        controller.store, talk, controller.fence.leader, lambda: woken.put(time.perf_counter()), _not_fenced
    )
    pushing.start()
    try:
        for number in range(WARM_UP + CHANGES):
            port = FIRST_PORT + number
            seconds, began = change(lambda port=port: controller.put(port), {INSTANCE: ["127.0.0.1", port]})  # type: ignore[misc]
            puts.append(seconds)
            while number >= WARM_UP and len(noticed) <= number - WARM_UP:
                # What it found at its beginning is no change, and wakes nobody.
                if (at := woken.get(timeout=WITHIN)) > began:
                    noticed.append(at - began)
            _see(controller, port)
            drops.append(change(controller.drop, {})[0])
    finally:
        pushing.stop()
    return _times(puts), _times(drops), tuple(noticed)


def _times(rounds: Sequence[Sequence[float]]) -> _Times:
    counted = rounds[WARM_UP:]
    return _Times(tuple(one for seconds in counted for one in seconds), tuple(max(seconds) for seconds in counted))


def _see(controller: Controller, port: int) -> None:
    """Raise unless a machine's HAProxy says itself, asked by other means, that it sends requests there."""
    node = controller.nodes[port % len(controller.nodes)]
    said = controller.ssh.run(node, f"{_SOCKET}\nhaproxy_ask <<<'show servers state {BACKEND}'", controller.fence)
    rows = [line.split() for line in said.splitlines()]
    if not any(row[3:5] == [INSTANCE, "127.0.0.1"] and row[6] == "0" and row[18] == str(port) for row in rows if row):
        raise RuntimeError(f"{node} does not route to port {port}: {said}")


def _floors(controller: Controller) -> tuple[tuple[float, ...], tuple[float, ...]]:
    node = controller.nodes[0]
    command = f"exec python3 -IS -c {quote(LOCALLY)} {SERVER} {quote(_OPTIONS)}"
    with closing(controller.ssh.talk(node, command)) as locally, closing(controller.ssh.talk(node, "exec cat")) as echo:
        seconds = [float(locally.ask(str(FIRST_PORT + number), WITHIN)) for number in range(WARM_UP + CHANGES)]
        bare = timed(lambda: echo.ask("a line", WITHIN), WARM_UP + CHANGES)
    return tuple(seconds[WARM_UP:]), bare[WARM_UP:]


def _by_a_script_each(controller: Controller) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What a push would be without a program that is kept running."""
    told = f"set server {SERVER} state maint\ndel server {SERVER}\nadd server {SERVER} 127.0.0.1:20000 {_OPTIONS}\n"
    told += f"enable health {SERVER}\nset server {SERVER} state ready"
    script = f'exec {{lock}}>>"$state/routing.lock"; flock "$lock"\n{_SOCKET}\nhaproxy_ask <<<{quote(told)}\n'
    one = timed(lambda: controller.ssh.run(controller.nodes[0], script, controller.fence), CHANGES)

    def everywhere() -> None:
        for answer in controller.ssh.run_all(dict.fromkeys(controller.nodes, script), controller.fence).values():
            if isinstance(answer, StepFailed):
                raise answer

    return one, timed(everywhere, CHANGES)


def _nothing_sealed(_: str) -> bytes:
    raise AssertionError("no certificate is on these machines")


def _whole_script(controller: Controller) -> tuple[tuple[float, ...], tuple[float, ...]]:
    context = StepContext("bench", controller.registry, controller.fence, lambda _: None)
    routing, ports = Routing(controller.ssh, _nothing_sealed), itertools.count(FIRST_PORT)
    whole = timed(
        lambda: routing.apply_without_checks(context), SCRIPT_RUNS, before=lambda: controller.put(next(ports))
    )
    node = controller.nodes[0]
    return whole, timed(lambda: controller.ssh.run(node, "systemctl reload haproxy", controller.fence), SCRIPT_RUNS)


def _in_file(controller: Controller) -> tuple[float, ...]:
    """The worker is at work, and hears of a change by nothing but the pushing."""
    controller.drop()
    controller.settle()
    pushing = Pushing(
        controller.store,
        controller.ssh.talk,
        controller.fence.leader,
        controller.worker.registered_changed,
        _not_fenced,
    )
    pushing.start()
    ports = itertools.count(FIRST_PORT)

    def brought() -> None:
        controller.put(next(ports))
        deadline = time.monotonic() + WITHIN
        while wrongly_routed(controller.registry.read()):
            if time.monotonic() > deadline:
                raise RuntimeError("the file does not follow")
            time.sleep(0.005)

    try:
        with controller.working():
            return timed(brought, SCRIPT_RUNS, before=lambda: _rest(controller))
    finally:
        pushing.stop()


def _rest(controller: Controller) -> None:
    """Wait until the operation before has ended."""
    while controller.worker.dispatch.busy:
        time.sleep(0.01)


def _not_fenced(reason: str) -> None:
    raise AssertionError(reason)
