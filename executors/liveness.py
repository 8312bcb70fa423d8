"""The watch over machines: one that is silent gets no traffic, then is given up; one that lives again is taken back."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import structlog

from gitops.enrolment import living_by_themselves
from gitops.liveness import (
    Limits,
    Noted,
    Silence,
    Verdict,
    cut_off_sentence,
    died_sentence,
    in_words,
    judge,
    not_ready_sentence,
)
from gitops.notices import notice, say
from gitops.registry import Registry
from model import keys
from model.cluster import Cluster
from model.errors import Refused
from model.names import NodeName
from model.registered import Registered

log = structlog.get_logger()

SIDE_BY_SIDE = 32
LAST_TOLD = " It comes and goes: until it has been steady for an hour, the channel hears only if it is given up."


class Liveness:
    """Looks whether each registered machine lives, and notes who is NotReady (`flstr/not_ready/<node>`) or given up
    (`flstr/dead/<node>`).

    An enrolled machine lives while its key is under `flstr/alive/`, which one read of etcd says of all of them; others
    are asked over SSH. Since when a machine is silent is kept in memory until that is noted: another controller begins
    to count anew. Only a leader may look, for its registry's store has the fence.
    """

    def __init__(
        self,
        registry: Registry,
        answers: Callable[[NodeName], bool],
        wake: Callable[[], None],
        clock: Callable[[], float] = time.time,
        on_read: Callable[[Cluster, Registered], None] = lambda _cluster, _registered: None,
    ) -> None:
        """`answers` asks a machine over SSH; `on_read` hears what is registered, each time that it was read."""
        self._registry = registry
        self._answers = answers
        self._wake = wake
        self._clock = clock
        self._on_read = on_read
        self._silence = Silence()

    def look(self) -> None:
        """One look at every machine; what cannot be read or noted now is left to the next one, which counts anew."""
        try:
            cluster, registered = self._registry.cluster(), self._registry.read()
            self._on_read(cluster, registered)
            lives = self._signals(registered)
            noted = Noted(registered.not_ready, registered.dead)
            limits = Limits(cluster.not_ready_after, cluster.dead_after, cluster.silent_share)
            silence, verdict = judge(self._silence, lives, noted, limits, self._clock())
            self._act(verdict, cluster, registered)
        except Refused as error:
            log.debug("machines are not looked at", sentence=error.sentence)
            self._silence = self._silence.interrupted()
        else:
            self._silence = silence

    def _signals(self, registered: Registered) -> dict[NodeName, bool]:
        """Whether each machine lives. One that was silent is back only where it can be worked on as well."""
        enrolled = living_by_themselves(registered)
        alive = self._registry.alive() if enrolled else frozenset()
        noted = registered.silent()
        asked = [node for node in registered.nodes if node not in enrolled or (node in alive and node in noted)]
        return {**{node: node in alive for node in enrolled}, **self._ask(asked)}

    def _ask(self, nodes: Iterable[NodeName]) -> dict[NodeName, bool]:
        names = list(nodes)
        with ThreadPoolExecutor(min(len(names), SIDE_BY_SIDE) or 1, thread_name_prefix="liveness") as pool:
            return dict(zip(names, pool.map(self._answers, names), strict=True))

    def _act(self, verdict: Verdict, cluster: Cluster, registered: Registered) -> None:
        """Each note goes together with what the channel hears of it, so that no kill comes in between."""
        now, store = self._clock(), self._registry.store
        known = registered.model_copy(
            update={
                "not_ready": {**registered.not_ready, **verdict.not_ready, **verdict.died},
                "dead": {**registered.dead, **verdict.died},
            }
        )
        answering = self._ask(verdict.not_ready.keys() & living_by_themselves(registered))
        for node, since in verdict.not_ready.items():
            log.warning("a machine is NotReady", node=node, silent_since=since)
            text = not_ready_sentence(node, now - since, known, answers=answering.get(node, False))
            text = f":warning: {text}{LAST_TOLD if node in verdict.last_told else ''}"
            said = {} if node in verdict.quiet else notice(f"not-ready-{node}-{since:.0f}", text)
            store.write({keys.not_ready(node): f"{since:.3f}", **said})
        for node, since in verdict.died.items():
            log.warning("a machine is given up", node=node, silent_since=since)
            said = notice(f"dead-{node}-{since:.0f}", f":warning: {died_sentence(node, now - since, cluster, known)}")
            # It goes on to be NotReady, so that nothing changes for the routing.
            store.write({keys.dead(node): f"{since:.3f}", keys.not_ready(node): f"{since:.3f}", **said})
        for node, since in verdict.back.items():
            log.info("a machine is back", node=node, silent_since=since)
            text = f":white_check_mark: {node} answers again, after {in_words(now - since)}."
            said = {} if node in verdict.quiet else notice(f"back-{node}-{since:.0f}", text)
            store.write(said, [keys.dead(node), keys.not_ready(node)])
        store.delete(*(key(node) for node in verdict.gone for key in (keys.dead, keys.not_ready)))
        if verdict.cut_off:
            silent, watched = verdict.cut_off.silent, verdict.cut_off.watched
            log.warning("too many machines are silent at once", silent=silent, watched=watched)
            say(store, f"cut-off-{now:.0f}", f":warning: {cut_off_sentence(verdict.cut_off)}")
        if verdict.not_ready or verdict.died or verdict.back:
            self._wake()
