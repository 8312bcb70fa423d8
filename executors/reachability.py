"""The watch over the public side of ingresses, where there are floating IPs: one look a second."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog

from executors.answering_ingress import answers
from executors.surviving import surviving
from gitops.liveness import in_words
from gitops.notices import notice
from gitops.reachability import Streaks, Verdict, judge, lost_sentence, watched_nodes
from gitops.registry import Registry
from model import keys
from model.cluster import Cluster
from model.errors import Refused
from model.names import NodeName
from model.registered import Registered

log = structlog.get_logger()

LOOK_SECONDS = 1.0
SIDE_BY_SIDE = 16


class Reachability:
    """Notes ingresses that do not answer as `flstr/unreachable/<node>`, within seconds.

    It reads nothing while nothing changes: `know` is told the tree by whoever reads it anyway. Only a leader may look,
    for its registry's store has the fence.
    """

    def __init__(
        self,
        registry: Registry,
        wake: Callable[[], None],
        ask: Callable[[str], bool] = answers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._wake = wake
        self._ask = ask
        self._clock = clock
        self._streaks = Streaks()
        self._known = Registered()
        self._watched: Mapping[NodeName, str] = {}
        # Set while there is something to look at.
        self._looking = threading.Event()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="reachability")

    def know(self, cluster: Cluster, registered: Registered) -> None:
        """What is registered by now."""
        self._watched = {node: registered.nodes[node].ip for node in watched_nodes(cluster, registered)}
        self._known = registered
        if self._watched or registered.unreachable:
            self._looking.set()
        else:
            self._looking.clear()

    def run(self) -> None:
        """Look until `stop()`; what there is to look at is read once."""
        with surviving("ingresses"):
            self.know(self._registry.cluster(), self._registry.read())
        while not self._stopped.is_set():
            self._looking.wait()
            began = time.monotonic()
            with surviving("ingresses"):
                self.look()
            self._stopped.wait(max(0.0, began + LOOK_SECONDS - time.monotonic()))
        self._pool.shutdown(wait=False)

    def stop(self) -> None:
        """Let the loop end."""
        self._stopped.set()
        self._looking.set()

    def look(self) -> None:
        """One look at every ingress, side by side; what cannot be noted now is left to the next one."""
        watched, known = dict(self._watched), self._known
        silent = dict(zip(watched, self._pool.map(self._ask, watched.values()), strict=True))
        streaks, verdict = judge(self._streaks, silent, known.unreachable, known.dead, self._clock())
        try:
            if verdict != Verdict():
                self._act(verdict)
        except Refused as error:
            log.debug("what was seen of ingresses is not noted", sentence=error.sentence)
        self._streaks = streaks

    def _act(self, verdict: Verdict) -> None:
        """Each note goes together with what the channel hears of it, so that no kill comes in between."""
        now, store = self._clock(), self._registry.store
        cluster, registered = self._registry.cluster(), self._registry.read()
        new = registered.nodes.keys() - registered.unreachable.keys()
        lost = {node: since for node, since in verdict.lost.items() if node in new}
        known = registered.model_copy(update={"unreachable": {**registered.unreachable, **lost}})
        for node, since in lost.items():
            log.warning("an ingress does not answer", node=node, silent_since=since)
            sentence = lost_sentence(node, now - since, cluster, known)
            said = notice(f"unreachable-{node}-{since:.0f}", f":warning: {sentence}")
            store.write({keys.unreachable(node): f"{since:.3f}", **said})
        for node, since in registered.unreachable.items():
            if node not in verdict.back:
                continue
            log.info("an ingress answers again", node=node)
            text = f":white_check_mark: {node} answers requests again, after {in_words(now - since)}."
            store.write(notice(f"reachable-{node}-{since:.0f}", text), [keys.unreachable(node)])
        store.delete(*(keys.unreachable(node) for node in verdict.gone))
        self.know(cluster, self._registry.read())
        self._wake()
