"""Pushing: who joins or leaves an app is told to the running HAProxy of every machine at once.

The files follow by the steps of operations; both do the same, and may come in either order and twice.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from executors.conversation import Conversation
from executors.members import KINDS, Members, members
from executors.script import STATE_FOLDER
from executors.templates import quote, render
from gitops.registered_tree import parse
from gitops.routed import routing_nodes
from gitops.store import Store
from model import keys, service_keys
from model.errors import Fenced, Refused, StepFailed
from model.names import NodeName

log = structlog.get_logger()

PREFIXES = (*(f"{kind}/" for kind in KINDS), service_keys.INSTALLED, keys.NODES, keys.DEAD, keys.NOT_READY)
HAPROXY_SOCKET = "/run/haproxy/admin.sock"
# A script of the routing may be at work on the machine, which is waited for.
ANSWER_SECONDS = 120.0
RETRY_SECONDS = 2.0
STOP_SECONDS = 5.0

Talk = Callable[[NodeName, str], Conversation]


def program(state_folder: str) -> str:
    """The command that a machine keeps running."""
    return f"exec python3 -IS -c {quote(render('routing/push_members.py'))} {quote(state_folder)} {HAPROXY_SOCKET}"


def request(token: int, backends: Members) -> str:
    """The line that asks for these servers; `options` are those that all of them have."""
    options = render("routing/server-options.j2").strip()
    return json.dumps({"token": token, "options": options, "backends": backends})


@dataclass(frozen=True)
class _Way:
    """How each machine is reached, and what happens where it obeys another controller."""

    talk: Talk
    command: str
    token: int
    on_fenced: Callable[[str], None]


class Pushing:
    """Follows etcd, and keeps a thread for each machine that routes. Only a leader may push; `talk` is `Ssh.talk`.

    All that it takes from a change is that there was one: who serves is then read as a whole, so that nobody is sent
    away because only half of a change was heard. `on_change` is called once the machines were set to work.
    """

    def __init__(
        self,
        store: Store,
        talk: Talk,
        token: int,
        on_change: Callable[[], None],
        on_fenced: Callable[[str], None],
        state_folder: str = STATE_FOLDER,
    ) -> None:
        self._store = store
        self._on_change = on_change
        self._way = _Way(talk, program(state_folder), token, on_fenced)
        self._machines: dict[NodeName, _Machine] = {}
        self._found: Mapping[str, str] | None = None
        self._unread: frozenset[tuple[str, str]] = frozenset()
        self._stirred = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pushing", daemon=True)

    def start(self) -> None:
        """Begin: every machine is brought to what is registered now, then to each change."""
        self._thread.start()

    def stop(self) -> None:
        """Push nothing more, and end the programs on the machines."""
        self._stopped.set()
        self._stirred.set()
        self._thread.join(STOP_SECONDS)

    def push_again(self, node: NodeName) -> None:
        """A script of the routing was at work on a machine, and may have been made before what was pushed last."""
        machine = self._machines.get(node)
        if machine is not None:
            machine.doubt()

    def _run(self) -> None:
        followings = [self._store.follow(prefix, self._hear) for prefix in PREFIXES]
        try:
            while not self._stopped.is_set():
                self._stirred.clear()
                try:
                    self._spread(self._store.prefixes(PREFIXES))
                except Refused as error:
                    log.warning("what is registered cannot be read, and is not pushed", sentence=error.sentence)
                    self._stopped.wait(RETRY_SECONDS)
                    continue
                except Exception:
                    # A thread that died would leave a flstr that looks alive and pushes nothing.
                    log.exception("the pushing broke")
                    self._stopped.wait(RETRY_SECONDS)
                    continue
                self._stirred.wait()
        finally:
            for machine in self._machines.values():
                machine.stop()
            for following in followings:
                following.stop()

    def _hear(self, key: str, value: str | None) -> None:
        del key, value
        self._stirred.set()

    def _spread(self, found: Mapping[str, str]) -> None:
        """Set every machine to work, and let go of those that route no more."""
        now, unread = members(found)
        for key, why in sorted(unread.items() - self._unread):
            log.warning("an instance is registered in a way that cannot be read", key=key, why=why)
        self._unread = frozenset(unread.items())
        machines = parse({key: value for key, value in found.items() if key.startswith((keys.NODES, keys.DEAD))})
        nodes = routing_nodes(machines)
        for node in self._machines.keys() - set(nodes):
            self._machines.pop(node).stop()
        for node in nodes:
            if node not in self._machines:
                self._machines[node] = _Machine(node, self._way)
            self._machines[node].want(now)
        before, self._found = self._found, found
        if before is not None and found != before:
            self._on_change()


class _Machine:
    """One machine: a program that is kept running there, and a thread that tells it the newest, never what is past."""

    def __init__(self, node: NodeName, way: _Way) -> None:
        self._node = node
        self._way = way
        self._news = threading.Condition()
        self._stopped = False
        self._wanted: Members = {}
        self._pushed: Members = {}
        # One more whenever what was pushed is not known to last.
        self._doubts = 0
        self._conversation: Conversation | None = None
        threading.Thread(target=self._run, name=f"pushing {node}", daemon=True).start()

    def want(self, now: Members) -> None:
        """Have the machine brought to this, as soon as it can be."""
        with self._news:
            self._wanted = now
            self._news.notify()

    def doubt(self) -> None:
        """Have the machine brought to what is wanted as a whole, whatever it was told before."""
        with self._news:
            self._doubts += 1
            self._pushed = {}
            self._news.notify()

    def stop(self) -> None:
        """Let go of the machine."""
        with self._news:
            self._stopped = True
            self._news.notify()
            if self._conversation is not None:
                self._conversation.close()

    def _run(self) -> None:
        while (wanted := self._next()) is not None:
            talked_before = self._conversation is not None
            try:
                self._push(wanted)
            except Fenced as error:
                self._way.on_fenced(str(error))
                break
            except (StepFailed, Refused, ValueError) as error:
                # No fault: the ordinary routing brings it up to date.
                log.debug("a machine cannot be pushed to", node=self._node, error=str(error))
            except Exception:
                log.exception("the pushing to a machine broke", node=self._node)
            else:
                continue
            self._let_go()
            if not talked_before:
                self._pause()
        self._let_go()

    def _next(self) -> Members | None:
        """What is to be pushed, once there is something; None at the end."""
        with self._news:
            self._news.wait_for(lambda: self._stopped or self._due(self._wanted))
            return None if self._stopped else self._wanted

    def _due(self, wanted: Members) -> Members:
        return {backend: servers for backend, servers in wanted.items() if self._pushed.get(backend) != servers}

    def _push(self, wanted: Members) -> None:
        if self._conversation is None:
            conversation = self._way.talk(self._node, self._way.command)
            with self._news:
                self._conversation = conversation
                if self._stopped:
                    return
        with self._news:
            due, doubts = self._due(wanted), self._doubts
        answer = json.loads(self._conversation.ask(request(self._way.token, due), ANSWER_SECONDS))
        match answer["said"]:
            case "again":
                return
            case "fenced":
                raise Fenced(
                    f"{self._node}: this machine already obeys a newer controller "
                    f"(leader has token {answer['held']}, not {self._way.token})"
                )
            case "refused":
                log.warning("HAProxy does not take a change", node=self._node, said=answer["why"])
        with self._news:
            if self._doubts == doubts:
                self._pushed = wanted

    def _let_go(self) -> None:
        with self._news:
            if self._conversation is not None:
                self._conversation.close()
            self._conversation = None
            # What was done by another one is not known to last.
            self._pushed = {}

    def _pause(self) -> None:
        with self._news:
            self._news.wait_for(lambda: self._stopped, RETRY_SECONDS)
