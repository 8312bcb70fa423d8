"""The watch over machines: one that is silent for too long is given up, one that answers again is taken back."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import structlog

from gitops.liveness import Silence, Verdict, died_sentence, in_words, judge
from gitops.notices import notice, say
from gitops.registry import Registry
from model import keys
from model.cluster import Cluster
from model.errors import Refused
from model.names import NodeName
from model.registered import Registered

log = structlog.get_logger()

SIDE_BY_SIDE = 32
CUT_OFF = (
    ":warning: More than half of the machines do not answer, so it is the network, or flstr's own: "
    "no instance is moved because of that."
)


class Liveness:
    """Looks whether each registered machine answers, and notes those given up as `flstr/dead/<node>`.

    Since when a machine is silent is kept in memory until it is given up: another controller begins to count anew.
    Only a leader may look, for its registry's store has the fence.
    """

    def __init__(
        self,
        registry: Registry,
        answers: Callable[[NodeName], bool],
        wake: Callable[[], None],
        clock: Callable[[], float] = time.time,
        on_read: Callable[[Cluster, Registered], None] = lambda _cluster, _registered: None,
    ) -> None:
        """`on_read` hears what is registered, each time that it was read."""
        self._registry = registry
        self._answers = answers
        self._wake = wake
        self._clock = clock
        self._on_read = on_read
        self._silence = Silence()

    def look(self) -> None:
        """One look at every machine, side by side; what cannot be read or noted now is left to the next one."""
        try:
            cluster, registered = self._registry.cluster(), self._registry.read()
            self._on_read(cluster, registered)
            answers = self._ask(registered.nodes)
            silence, verdict = judge(self._silence, answers, registered.dead, cluster.dead_after, self._clock())
            self._act(verdict, cluster, registered)
        except Refused as error:
            log.debug("machines are not looked at", sentence=error.sentence)
        else:
            self._silence = silence

    def _ask(self, nodes: Iterable[NodeName]) -> dict[NodeName, bool]:
        names = list(nodes)
        with ThreadPoolExecutor(min(len(names), SIDE_BY_SIDE) or 1, thread_name_prefix="liveness") as pool:
            return dict(zip(names, pool.map(self._answers, names), strict=True))

    def _act(self, verdict: Verdict, cluster: Cluster, registered: Registered) -> None:
        """Each note goes together with what the channel hears of it, so that no kill comes in between."""
        now, store = self._clock(), self._registry.store
        known = registered.model_copy(update={"dead": {**registered.dead, **verdict.died}})
        for node, since in verdict.died.items():
            log.warning("a machine is given up", node=node, silent_since=since)
            said = notice(f"dead-{node}-{since:.0f}", f":warning: {died_sentence(node, now - since, cluster, known)}")
            store.write({keys.dead(node): f"{since:.3f}", **said})
        for node, since in verdict.back.items():
            log.info("a machine is back", node=node, silent_since=since)
            text = f":white_check_mark: {node} answers again, after {in_words(now - since)}."
            store.write(notice(f"back-{node}-{since:.0f}", text), [keys.dead(node)])
        store.delete(*(keys.dead(node) for node in verdict.gone))
        if verdict.cut_off:
            log.warning("more than half of the machines are silent")
            say(store, f"cut-off-{now:.0f}", CUT_OFF)
        if verdict.died or verdict.back:
            self._wake()
