"""The watch over services that have a leader: what each instance says of itself, each second."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

import structlog

from executors.conversation import Conversation
from executors.services.redis_files import files_of, watch_script
from executors.surviving import surviving
from executors.templates import quote
from gitops.service_failover import Memory, Seen, Verdict, Watched, judge, watched_services
from gitops.service_roles import heard_in
from model.cluster import Cluster
from model.errors import Refused, StepFailed
from model.names import AppName, NodeName
from model.registered import Registered

log = structlog.get_logger()

LOOK_SECONDS = 1.0
# Longer than a program takes that asks several services of which none answers.
ANSWER_SECONDS = 10.0
RETRY_SECONDS = 2.0
# How each service is asked on a machine.
AskOf = Callable[[AppName], str]


def _usual(service: AppName) -> str:
    return files_of(service).ask


class LeaderWatch:
    """Has `act` hear what is to be done. It reads nothing of etcd: `know` is told the tree by whoever reads it anyway.

    `talk` is `Ssh.talk`: one program a machine, for all its services.
    """

    def __init__(
        self,
        talk: Callable[[NodeName, str], Conversation],
        act: Callable[[Verdict], object],
        clock: Callable[[], float] = time.monotonic,
        ask_of: AskOf = _usual,
    ) -> None:
        self._talk = talk
        self._act = act
        self._clock = clock
        self._ask_of = ask_of
        self._watched: tuple[Watched, ...] = ()
        self._memory = Memory()
        self._machines: dict[NodeName, _Machine] = {}
        # Set while there is something to look at.
        self._looking = threading.Event()
        self._stopped = threading.Event()

    def know(self, cluster: Cluster, registered: Registered) -> None:
        """What is registered by now."""
        self._watched = watched_services(cluster, registered)
        if self._watched or self._machines:
            self._looking.set()

    def run(self) -> None:
        """Look until `stop()`."""
        while not self._stopped.is_set():
            self._looking.wait()
            with surviving("services"):
                self.look()
            self._stopped.wait(LOOK_SECONDS)
        self._follow({})

    def stop(self) -> None:
        """Let the loop end, and the programs on the machines."""
        self._stopped.set()
        self._looking.set()

    def look(self) -> None:
        """Judge by what the machines have said by now."""
        # Cleared before it is read: what `know` is told meanwhile is looked at next.
        self._looking.clear()
        watched = self._watched
        if watched:
            self._looking.set()
        services = defaultdict[NodeName, list[AppName]](list)
        for one in watched:
            for node in one.addresses:
                services[node].append(one.service)
        self._follow(services)
        seen = {(name, node): sight for node, machine in self._machines.items() for name, sight in machine.said.items()}
        self._memory, verdicts = judge(self._memory, watched, seen, self._clock())
        for verdict in verdicts:
            self._act(verdict)

    def _follow(self, services: Mapping[NodeName, list[AppName]]) -> None:
        """Keep a thread for each machine with such a service, and let go of the others."""
        for node in self._machines.keys() - services.keys():
            self._machines.pop(node).stop()
        for node, names in services.items():
            if node not in self._machines:
                self._machines[node] = _Machine(node, self._talk, self._clock, self._ask_of)
            self._machines[node].services = tuple(names)


class _Machine:
    """One machine: a program that is kept running there, and a thread that asks it."""

    def __init__(
        self,
        node: NodeName,
        talk: Callable[[NodeName, str], Conversation],
        clock: Callable[[], float],
        ask_of: AskOf,
    ) -> None:
        self.services: tuple[AppName, ...] = ()
        self.said: Mapping[AppName, Seen] = {}
        self._node = node
        self._talk = talk
        self._clock = clock
        self._ask_of = ask_of
        self._stopped = threading.Event()
        self._conversation: Conversation | None = None
        threading.Thread(target=self._run, name=f"leader watch {node}", daemon=True).start()

    def stop(self) -> None:
        """Let go of the machine."""
        self._stopped.set()
        # Its thread may let go of it at any moment.
        conversation = self._conversation
        if conversation is not None:
            conversation.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._ask()
            except (StepFailed, Refused) as error:
                # Its silence is judged by whoever looks.
                log.debug("a machine says nothing of its services", node=self._node, error=str(error))
                self._let_go()
                self._stopped.wait(RETRY_SECONDS)
            except Exception:
                log.exception("the watch over a machine's services broke", node=self._node)
                self._let_go()
                self._stopped.wait(RETRY_SECONDS)
            else:
                self._stopped.wait(LOOK_SECONDS)
        self._let_go()

    def _ask(self) -> None:
        services = self.services
        if self._conversation is None:
            self._conversation = self._talk(self._node, f"exec bash -c {quote(watch_script())}")
        asked = self._clock()
        words = self._conversation.ask(" ".join(map(self._ask_of, services)), ANSWER_SECONDS).split()
        said = zip(services, words, strict=False)
        # By then it was so: what comes late says nothing of now.
        self.said = {name: Seen(asked, heard_in(word)) for name, word in said}

    def _let_go(self) -> None:
        if self._conversation is not None:
            self._conversation.close()
        self._conversation = None
