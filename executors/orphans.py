"""What nobody knows in the cloud: looked for now and then, told once, listed when asked, given back after leave."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from executors.cloud import CloudSettings
from executors.labelled import Labelled
from executors.prices import OrphanPrices
from gitops.executor import StepContext
from gitops.notices import notice
from gitops.operations import Operations
from gitops.orphans import in_words, listing, orphans
from gitops.registry import Registry
from model import keys
from model.errors import StepFailed
from model.mrkdwn import escape
from model.registered import Orphan
from model.steps import CreateNode, GiveBackOrphan

log = structlog.get_logger()

# How many one message names; more would be no message that anybody reads, and no transaction that etcd takes.
TOLD_AT_ONCE = 50


class OrphanWatch:
    """Keeps `flstr/orphan/` as the cloud is. Only a leader may look, for its registry's store has the fence."""

    def __init__(
        self,
        registry: Registry,
        operations: Operations,
        settings: CloudSettings,
        wake: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`wake` has the worker ask whether what was found may go."""
        self._registry = registry
        self._operations = operations
        self._settings = settings
        self._wake = wake
        self._clock = clock

    def look(self) -> bool:
        """Note what nobody knows, and forget what is gone; says whether anything is different from before."""
        store = self._registry.store
        if store.get(keys.CLUSTER) is None:
            return False
        cluster, now = self._registry.cluster(), self._clock()
        # What comes and goes meanwhile is known before the look or after it.
        before, making = self._registry.read(), self._making()
        try:
            there = Labelled.of(self._settings, cluster.cluster).all()
        except StepFailed as error:
            log.info("orphans could not be looked for", sentence=error.sentence)
            return False
        registered = self._registry.read()
        found = orphans(there, cluster, before, making, now)
        kept = orphans(there, cluster, registered, self._making(), now)
        found = {key: orphan for key, orphan in found.items() if key in kept}
        if found == registered.orphans:
            return False
        store.delete(*(keys.orphan(key) for key in registered.orphans.keys() - found.keys()))
        differing = [key for key, orphan in found.items() if orphan != registered.orphans.get(key)]
        for start in range(0, len(differing), TOLD_AT_ONCE):
            some = differing[start : start + TOLD_AT_ONCE]
            new = [found[key] for key in some if key not in registered.orphans]
            # Noted and told by one write, so that none is known and was never told.
            store.write({**{keys.orphan(key): found[key].to_json() for key in some}, **_told(new, now)})
        self._wake()
        return True

    def _making(self) -> set[str]:
        """Machines that an operation rents, whatever it has noted of them yet."""
        steps = [planned.step for one in self._operations.under_way() for planned in one.plan.steps]
        return {step.node for step in steps if isinstance(step, CreateNode)}


class GiveBack:
    """Carries out `GiveBackOrphan`."""

    def __init__(self, settings: CloudSettings) -> None:
        self._settings = settings

    def give_back(self, step: GiveBackOrphan, context: StepContext) -> None:
        """Delete it in the cloud, unless somebody knows it by now, and forget it."""
        registry, orphan = context.registry, step.orphan
        registered = registry.read()
        if orphan.kind == "server" and any(orphan.id == host.server_id for host in registered.hosts.values()):
            raise StepFailed(f"{in_words(orphan)} is a machine of the cluster by now; it stays")
        if orphan.kind == "floating_ip" and orphan.name in registered.floating_ips:
            raise StepFailed(f"{in_words(orphan)} is the cluster's by now; it stays")
        registry.store.check_fence()
        labelled = Labelled.of(self._settings, registry.cluster().cluster)
        there_was_one = labelled.give_back(orphan.kind, orphan.id)
        registry.store.delete(keys.orphan(f"{orphan.kind}-{orphan.id}"))
        context.report("it is given back" if there_was_one else "it was gone already")


class OrphanCheck:
    """Answers the verb `orphans`."""

    def __init__(self, prices: OrphanPrices) -> None:
        self._prices = prices

    def __call__(self, _: tuple[str, ...], registry: Registry) -> str:
        """Each with what it costs a month, and since when it is there."""
        found = registry.read().orphans
        try:
            prices = self._prices(registry.cluster().cluster) if found else {}
        except StepFailed:
            prices = None
        since = {key: _moment(orphan.since) for key, orphan in found.items()}
        return listing(list(found.values()), prices, since)


def _told(new: list[Orphan], now: float) -> dict[str, str]:
    if not new:
        return {}
    named = ", ".join(escape(in_words(orphan)) for orphan in new)
    text = f":mag: In the cloud under this cluster's label, and known to nobody: {named}. `/flstr orphans` says more."
    return notice(f"orphans-{now:.0f}-{new[0].kind}-{new[0].id}", text)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
