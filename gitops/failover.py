"""Floating IPs are kept where they should be, by a thread that needs etcd and the cloud, and waits for nothing else."""

import time
from collections.abc import Callable, Iterator, Mapping

from gitops.again import Again
from gitops.attempts import Attempts
from gitops.dispatch import Dispatch
from gitops.loop import Loop
from gitops.notices import Trouble
from gitops.operations import Operations
from gitops.plan.floating import floating_plans, target
from gitops.plan.leading import is_lead
from gitops.registry import Registry
from model import keys
from model.locks import FLOATING_IP, is_failover
from model.names import FloatingIpName, NodeName
from model.operation import Operation, Origin
from model.steps import Plan

BY_ITSELF = Origin(display="flstr", place="by itself")
# It does not wait for a poll where etcd was away for a moment.
AGAIN_SECONDS = 1.0
# What there is to see to where the manifest has no floating IPs any more.
NOTED = (keys.FLOATING_IPS, keys.FLOATED, keys.attempt(FLOATING_IP))


class Failover(Loop):
    """Makes, starts and tries again the plans of floating IPs, and starts those by which another instance of a service
    leads; nobody else does.

    Git may be slow, or away with the machine that dies, and so the worker as well, which asks it.
    """

    def __init__(
        self,
        registry: Registry,
        operations: Operations,
        dispatch: Dispatch,
        revision: Callable[[], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`revision` is that of the cluster repo which was accepted last; empty where none was."""
        super().__init__(
            Trouble(registry.store, keys.FAILOVER_TROUBLE, "No floating IP is moved for now"), clock, AGAIN_SECONDS
        )
        self._registry = registry
        self._operations = operations
        self._dispatch = dispatch
        self._attempts = Attempts(registry.store, operations)
        self._revision = revision
        self._again = Again()

    def look(self) -> bool:
        """Do the next thing there is to do; says whether there was one."""
        return self._dispatch.reap(waits_for_nobody) or self._dispatch.start(waits_for_nobody) or self._plan()

    def _plan(self) -> bool:
        revision = self._revision()
        if not revision:
            return False
        cluster = self._registry.cluster()
        if not cluster.floating_ips and not self._registry.store.prefixes(NOTED):
            return False
        with self._dispatch.deciding:
            busy = {lock for operation in self._operations.under_way() for lock in operation.plan.locks}
            self._attempts.forget([lock for lock in self._again.due(self._clock()) if lock not in busy])
            attempts = self._attempts.of_floating_ips()
            tried = dict(_tried(attempts, revision))
            plans = floating_plans(cluster, self._registry.read(), busy, tried)
            made = [self._make(plan, revision, tried) for plan in plans]
            if any(made):
                return True
            undone = {lock for plan in plans for lock in plan.locks}
            self._attempts.forget(attempts.keys() - undone - busy)
            if undone or not any(lock.startswith(FLOATING_IP) for lock in busy):
                self._again.left(sorted(undone), self._clock())
        return False

    def _make(self, plan: Plan, revision: str, tried: Mapping[FloatingIpName, tuple[NodeName, ...]]) -> bool:
        """The attempt says to whom it moves the address, behind those who were tried before."""
        to = target(plan)
        before = tried.get(plan.locks[0].removeprefix(FLOATING_IP), ())
        more = () if to is None else (*(node for node in before if node != to), to)
        return self._attempts.make(plan, revision, lambda: BY_ITSELF, more)


def waits_for_nobody(operation: Operation) -> bool:
    """Whether it is the failover's: of floating IPs, or of who leads a service."""
    return is_failover(operation.plan.locks) or is_lead(operation.plan)


def _tried(
    attempts: Mapping[str, tuple[str, ...]], revision: str
) -> Iterator[tuple[FloatingIpName, tuple[NodeName, ...]]]:
    for lock, (of, _, *nodes) in attempts.items():
        if of == revision:
            yield lock.removeprefix(FLOATING_IP), tuple(nodes)
