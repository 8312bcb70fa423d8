"""Leave for plans that destroy: asked for with the facts, reminded of, and looked at again before it is used."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from gitops.approvals import in_place_of, remind, void
from gitops.buttons import ButtonsGone
from gitops.facts import Prices, gather
from gitops.failover import BY_ITSELF
from gitops.gate import has_leave
from gitops.manifests import Manifests
from gitops.operations import Operations
from gitops.plan_changes import why_void
from gitops.registry import Registry
from gitops.revisions import Revisions
from gitops.rights import Rights
from model.cluster import Cluster
from model.operation import Approval, SyncState
from model.registered import Registered
from model.steps import Losses, Plan


class Leave:
    """The worker's part in approvals; Slack and the cloud are asked only where they are consulted."""

    def __init__(
        self,
        revisions: Revisions,
        registry: Registry,
        operations: Operations,
        wake: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._revisions = revisions
        self._registry = registry
        self._operations = operations
        self._clock = clock
        self._buttons = ButtonsGone(registry.store, wake, clock)
        self._rights = Rights()
        self._prices: Prices | None = None

    def consult(self, rights: Rights, prices: Prices | None) -> None:
        """Ask these who may approve still, and what is saved."""
        self._rights, self._prices = rights, prices

    def stop(self) -> None:
        """Wait for no card any more."""
        self._buttons.stop()

    def remind(self, approvals: Sequence[Approval], cluster: Cluster) -> None:
        """Have those be told who may decide, where that is due."""
        remind(self._operations, approvals, cluster.approvals, self._clock())

    def ask(
        self, state: SyncState, manifests: Manifests, registered: Registered, removal: Plan, approvals: list[Approval]
    ) -> None:
        """Have a plan wait for leave, with the facts as they are now."""
        cluster = manifests.cluster
        if removal.losses is None:
            return
        only_orphans = removal.losses == Losses(orphans=removal.losses.orphans)
        origin = BY_ITSELF if only_orphans else self._revisions.origin(state.revision, cluster)
        hands = self._revisions.hands(state.revision, state.intact, removal.losses, cluster)
        replaced = in_place_of(self._operations, approvals, removal)
        facts = gather(removal, registered, cluster.cluster, self._prices, self._registry.store)
        policy = cluster.approvals
        self._operations.create_waiting(removal, state.revision, origin, hands, policy, (*replaced, *facts))

    def void(self, approval: Approval, now: Plan) -> bool:
        """Let an approval count no more, and say what has changed; False where somebody decided meanwhile."""
        operation = self._operations.get(approval.operation)
        before = Plan(title="") if operation is None else operation.plan
        return void(self._operations, approval, why_void(before, now))

    def shows_no_buttons(self, approval: Approval) -> bool:
        """Whether what was approved may begin, as far as its card is concerned."""
        return self._buttons.are_gone(approval)

    def given(self, approval: Approval, cluster: Cluster) -> Literal["yes", "no", "Slack does not say"]:
        """Whether enough people approved who still may."""
        standing = partial(self._rights.person, cluster)
        if has_leave(approval, cluster, standing):
            return "yes"
        doubtful = has_leave(approval, cluster, lambda name: standing(name).at_best(cluster))
        return "Slack does not say" if doubtful else "no"
