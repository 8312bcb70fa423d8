"""The laptop lets go: all that it knows goes into the cluster's etcd, and flstr starts on the controllers."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass

from executors.control.access import Access, KnownController, known_controllers
from executors.control.install import Controllers
from executors.control.standing import obeyed, standing
from executors.control.waiting import UP_SECONDS, comes_true
from gitops.executor import HostFence, StepContext
from gitops.installed import installed_as
from gitops.store import EtcdTls, Store
from model import keys
from model.errors import Fenced, StepFailed, Unreadable
from model.names import NodeName
from model.operation import Operation
from model.steps import HandOver

# Of whoever works, or waits, or asks here; the others have their own.
NOT_COPIED = (
    *(keys.INTENTS, keys.ATTACHMENTS, keys.FOLLOWERS, keys.CANCELLATIONS, keys.ATTEMPTS),
    *(keys.LEADER, keys.LOCKS, keys.CONTROLLERS, keys.ALIVE, keys.EPOCH, keys.HANDED_OVER, keys.SLIPS),
)

# The cluster's etcd, through the first of these controllers that leads there.
Reach = Callable[[Collection[KnownController], EtcdTls], Store]


@dataclass(frozen=True)
class HandingOver:
    """Carries out `HandOver`."""

    controllers: Controllers
    access: Access
    reach: Reach

    def hand_over(self, step: HandOver, context: StepContext) -> None:
        """Copy, mark it as whole, start flstr everywhere, and wait until one leads and all are there.

        Nobody runs on a controller before the mark is there: until then, copying again makes up for one that broke
        off; from then on, nothing is copied, and this machine asks the controllers.
        """
        known = known_controllers(context.registry.read())
        tls = self.access.certify(self.controllers.signer_of(context.registry))
        context.report("reaching the cluster's etcd")
        with closing(self.reach(known, tls)) as store:
            certificates = {}
            if store.get(keys.HANDED_OVER) is None:
                certificates = self._set_up(step.nodes, context)
                context.report("copying what is registered")
                copy(context.registry.store, store, time.time())
            # Here as well, for nobody obeys any more who leads by this machine's own etcd.
            context.registry.store.put(keys.HANDED_OVER, f"{time.time():.0f}")
            self.access.remember(known)
            self._start(step.nodes, certificates, store, context)
            self._await(step.nodes, store, context)

    def _set_up(self, nodes: Collection[NodeName], context: StepContext) -> dict[NodeName, str]:
        """Tell each controller of the members, which were not there yet when it was installed; the certificates."""
        registered = context.registry.read()
        certificates = {}
        for node in nodes:
            version = self.controllers.bring(node, context.fence, context.report, keep=True)
            certificates[node] = self.controllers.settle(node, version, registered, context)
            context.registry.store.put(keys.installed(node), installed_as(version, registered))
        return certificates

    def _start(
        self, nodes: Collection[NodeName], certificates: Mapping[NodeName, str], store: Store, context: StepContext
    ) -> None:
        for node in nodes:
            context.report(f"starting flstr on {node}")
            self._start_on(node, certificates.get(node, ""), store, context.fence)

    def _start_on(self, node: NodeName, certificate: str, store: Store, own: HostFence) -> None:
        def start(fence: HostFence) -> str:
            return self.controllers.run(node, certificate, fence, starts=True)

        try:
            start(own)
        except Fenced:
            # The first of them leads already, and machines obey it; it starts none of the others.
            obeyed(store, start)

    def _await(self, nodes: Collection[NodeName], store: Store, context: StepContext) -> None:
        def all_are_there() -> bool:
            if missing := missing_of(nodes, store):
                context.report(f"waiting for {', '.join(missing)}")
            return not missing

        comes_true(all_are_there, UP_SECONDS)
        if missing := missing_of(nodes, store):
            words = self._last_words(missing[0], store) if missing[0] in nodes else ""
            raise StepFailed(f"after {UP_SECONDS:.0f} s there is no {' and no '.join(missing)}{words}")
        context.report("the controllers carry the cluster")

    def _last_words(self, node: NodeName, store: Store) -> str:
        try:
            return f"; {self.controllers.last_words(node, standing(store).fence)}"
        except (Fenced, Unreadable):
            return ""


def missing_of(nodes: Collection[NodeName], store: Store) -> list[str]:
    """The controllers that do not run, and 'leader' where nobody leads."""
    try:
        found = store.prefix(keys.CONTROLLERS)
        leads = store.get(keys.LEADER) is not None
    except Unreadable:
        return [*nodes, "leader"]
    return [*(node for node in nodes if keys.controller(node) not in found), *([] if leads else ["leader"])]


def copy(source: Store, target: Store, now: float) -> None:
    """All that is known, and at last the mark that it is whole. What an earlier copy left beyond it is removed."""
    known, there = _copied(source), _copied(target)
    target.delete(*(there.keys() - known.keys()))
    target.write_many({key: value for key, value in sorted(known.items()) if there.get(key) != value})
    # Machines obey whoever has the greatest token: the controllers' have to be greater than this one's.
    epoch = max(source.epoch(), target.epoch()) + 1
    target.write({keys.EPOCH: str(epoch), keys.HANDED_OVER: f"{now:.0f}"})


def _copied(store: Store) -> dict[str, str]:
    found = {key: value for key, value in store.prefix("").items() if not key.startswith(NOT_COPIED)}
    own = {
        key.removeprefix(keys.OPERATIONS)
        for key, value in found.items()
        if key.startswith(keys.OPERATIONS) and not _is_history(Operation.model_validate_json(value))
    }
    theirs = {key_of(name) for key_of in (keys.operation, keys.approval, keys.card) for name in own}
    return {key: value for key, value in found.items() if key not in theirs}


def _is_history(operation: Operation) -> bool:
    """Whether it was carried out before; how this cluster was bootstrapped is nobody's but the laptop's."""
    return operation.ended_already() and not any(isinstance(one.step, HandOver) for one in operation.plan.steps)
