"""The sync worker: follows Git, plans, asks for leave, and has operations carried out."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from gitops.again import Again
from gitops.approvals import close_decided, let_go, void
from gitops.attempts import Attempts
from gitops.dispatch import Dispatch
from gitops.failover import BY_ITSELF, Failover, waits_for_nobody
from gitops.following import GitFollowing
from gitops.gate import rule, why_not_destroy
from gitops.holds.holding import Holding
from gitops.holds.rules import in_order, suspended, why_not_begin, why_not_remove
from gitops.leave import Leave
from gitops.locks import Locks
from gitops.loop import Loop
from gitops.manifests import Manifests
from gitops.notices import Trouble, say
from gitops.operations import Operations
from gitops.plan import Plans, only_routes, plan
from gitops.plan.succession import why_comes_first
from gitops.preempt import is_for_a_manifest, why_superseded
from gitops.registered_tree import KINDS
from gitops.registry import Registry
from gitops.releases import Wanted, wanted
from gitops.reverts import Reverts
from gitops.revisions import Revisions
from gitops.routed import routing_target
from gitops.runner import Runner
from model import keys, service_keys
from model.errors import StepFailed
from model.locks import CERTIFICATES, NAMES, app_lock, is_failover
from model.mrkdwn import escape
from model.operation import Approval, Hold, Operation, Origin, SyncState
from model.registered import Registered
from model.steps import Plan

# What others than the worker's operations change, and what is then planned for anew.
CONDITIONS = (
    *(
        keys.DEAD,
        keys.NOT_READY,
        keys.UNREACHABLE,
        keys.FLOATING_IPS,
        keys.FLOATED,
        keys.QUARANTINE,
        keys.DUE,
        keys.ATTEMPTS,
        keys.HOLDS,
        keys.ETCD_MEMBERS,
        keys.ORPHANS,
    ),
    *(f"{kind}/" for kind in KINDS),
    *(service_keys.SERVICES, service_keys.INSTALLED, keys.INGRESSES),
)


class Worker(Loop):
    """One thread for all that follows from Git; the `failover`, which does not wait for it, has one of its own."""

    def __init__(
        self,
        revisions: Revisions,
        registry: Registry,
        operations: Operations,
        runner: Runner,
        locks: Locks,
        clock: Callable[[], float] = time.time,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        """`on_end` is called once an operation has ended, before anything is planned."""
        super().__init__(Trouble(registry.store), clock)
        self._revisions = revisions
        self._registry = registry
        self._operations = operations
        self.following = GitFollowing(revisions, registry, operations, clock)
        self.state = self.following.state
        self.holding = Holding(registry.store, self.following, clock)
        self._holds: tuple[Hold, ...] = ()
        self.dispatch = Dispatch(operations, runner, locks, self._may_destroy, self.wake)
        self.failover = Failover(registry, operations, self.dispatch, lambda: self.state().revision, clock)
        self.leave = Leave(revisions, registry, operations, super().wake, clock)
        self._attempts = Attempts(registry.store, operations)
        self._reverts = Reverts(revisions.repo, registry.store)
        self._on_end = on_end
        self._planned_for: tuple[object, ...] = ()
        self._again = Again()
        self._wanted: Wanted | None = None

    def wake(self) -> None:
        """Have the failover look at etcd now, and the worker at Git as well."""
        self.failover.wake()
        super().wake()

    def registered_changed(self) -> None:
        """Have it look, unless operations are under way: they see to what they register, and at their end it looks."""
        if not self.dispatch.busy:
            self.wake()

    def stop(self) -> None:
        """Let both loops end after what they are doing."""
        self.failover.stop()
        self.leave.stop()
        super().stop()

    def look(self) -> bool:
        """Do the next thing there is to do; says whether there was one. An unchanged repo costs no write."""
        if self.dispatch.reap(_is_the_workers):
            self.following.unsettle()
            self._on_end()
            return True
        operations, approvals = self._operations.unended(), self._operations.approvals()
        close_decided(self._operations, operations, approvals, self._clock())
        self._remind(approvals)
        self._attempts.forget(self._again.due(self._clock()))
        under_way = [operation for operation in operations if operation.is_under_way()]
        conditions = self._registry.store.prefixes(CONDITIONS)
        self._holds = in_order(text for key, text in conditions.items() if key.startswith(keys.HOLDS))
        if self._look_at_holds():
            return True
        if suspended(self._holds) is not None:
            return self._look_suspended(under_way)
        return (
            self._supersede(under_way)
            or self.dispatch.start(_is_the_workers)
            or self._answer_sync()
            or self.following.follow(self._holds)
            or self._queue_approved(approvals)
            or self._plan(conditions, approvals, under_way)
            or self._reverts.make(self._wanted, self.state().revision)
        )

    def _look_at_holds(self) -> bool:
        known = self.following.known_if_readable(self.state(), self._holds)
        return self.holding.look(self._holds, None if known is None else known.cluster)

    def _look_suspended(self, under_way: Sequence[Operation]) -> bool:
        """What runs goes to its end, also where another controller began it, and what waits is told."""
        begun = {operation.id for operation in under_way if operation.status == "running"}
        started = self.dispatch.start(lambda operation: _is_the_workers(operation) and operation.id in begun)
        return started or self.following.follow(self._holds)

    def _remind(self, approvals: Sequence[Approval]) -> None:
        waiting = any(one.status == "waiting" for one in approvals)
        manifests = self.following.known(self.state(), self._holds) if waiting else None
        if manifests is not None:
            self.leave.remind(approvals, manifests.cluster)

    def _supersede(self, under_way: Sequence[Operation]) -> bool:
        """Give up what nobody wants any more; says whether some of it ended with that."""
        manifests = self.following.known(self.state(), self._holds) if any(map(is_for_a_manifest, under_way)) else None
        if manifests is None:
            return False
        registered = self._registry.read()
        now = wanted(manifests, registered)
        running = {operation.id for operation in self.dispatch.running}
        reasons = {operation.id: why_superseded(operation, now, registered) for operation in under_way}
        for operation in under_way:
            if (why := reasons[operation.id]) and operation.id in running:
                self.dispatch.cancel(operation, why)
            elif why:
                self._operations.end(operation, "superseded", why)
        return any(why and operation_id not in running for operation_id, why in reasons.items())

    def _may_destroy(self, operation: Operation) -> None:
        approval = None if operation.approval is None else self._operations.approval(operation.approval)
        manifests, registered = self.following.newest(), self._registry.read()
        reason = why_not_destroy(operation, approval, plan(manifests, registered).removal, registered)
        if reason:
            raise StepFailed(f"{reason}; nothing more is destroyed")

    def _answer_sync(self) -> bool:
        answered = self.following.answer_sync()
        if answered:
            self.failover.wake()
        return answered

    def _plan(self, conditions: Mapping[str, str], approvals: list[Approval], under_way: Sequence[Operation]) -> bool:
        state = self.state()
        manifests = self.following.known(state, self._holds)
        known_for = (state.revision, *sorted(conditions.items()))
        if manifests is None or (state.settled and self._planned_for == known_for):
            return False
        busy = {name for operation in under_way for name in operation.plan.locks}
        # What was approved waits for what is under way; nothing new comes before it.
        if busy and any(approval.status == "approved" for approval in approvals):
            return False
        registered = self._registry.read()
        plans = plan(manifests, registered, busy)
        self._wanted = plans.wanted
        self._tell_what_stays(plans.stays, state)
        changes = [change for change in plans.changes if not is_failover(change.locks)]
        if self._make(changes, plans.wanted, state, manifests, registered):
            return True
        undone = [NAMES for change in changes if NAMES in change.locks]
        if undone or not busy:
            # Unlike what fails by a manifest, this fails by the cloud's fault alone.
            self._again.left(undone, self._clock())
        return not busy and self._settle(plans, manifests, approvals, known_for)

    def _tell_what_stays(self, sentences: Iterable[str], state: SyncState) -> None:
        """The channel hears once a revision what of it is not done as things are."""
        for sentence in sentences:
            digest = hashlib.sha256(sentence.encode()).hexdigest()[:16]
            text = f":warning: Of `{state.revision[:8]}` not everything is done: {escape(sentence)}"
            say(self._registry.store, f"stays-{state.revision}-{digest}", text)

    def _make(
        self, changes: Sequence[Plan], wanted: Wanted, state: SyncState, manifests: Manifests, registered: Registered
    ) -> bool:
        """Have changes carried out; says whether there was one that was not tried yet."""
        # Whoever wrote the revision did not ask for this.
        unasked = {CERTIFICATES, NAMES, *(app_lock(name) for _, name in wanted.reverted)}

        def make(change: Plan) -> bool:
            def origin() -> Origin:
                itself = only_routes(change) or unasked.intersection(change.locks)
                return BY_ITSELF if itself else self._revisions.origin(state.revision, manifests.cluster)

            # Such a plan does not say what the routing is brought to.
            more = [routing_target(registered)] if only_routes(change) else []
            return self._attempts.make(change, state.revision, origin, more)

        made = [make(change) for change in changes]
        return any(made)

    def _settle(
        self, plans: Plans, manifests: Manifests, approvals: list[Approval], known_for: tuple[object, ...]
    ) -> bool:
        """Ask for what needs leave, where all else is done; says whether somebody was asked."""
        state, removal = self.state(), plans.removal
        ruling = rule(removal, approvals)
        if not all(self.leave.void(stale, removal) for stale in ruling.void):
            return True
        registered = self._registry.read()
        due = ruling.ask and not self._attempts.given_up(removal, state.revision)
        first = why_comes_first(plans.changes, removal, manifests.cluster, registered) if due else ""
        ask = due and not first
        if ask:
            self.leave.ask(state, manifests, registered, removal, approvals)
        elif first:
            self._tell_what_stays((first,), state)
        # What has come to its end may have to be done again, such as where somebody undoes it by hand.
        self._attempts.forget_all_but({change.locks[0] for change in plans.changes})
        self._planned_for = known_for
        intact = state.intact if removal.destroys() else state.revision
        self.following.save(state.model_copy(update={"settled": True, "intact": intact}))
        return ask

    def _is_held(self, approval: Approval) -> bool:
        operation = self._operations.get(approval.operation) if self._holds else None
        of_it = operation is not None and why_not_remove(operation.plan, self._holds)
        return bool(why_not_begin(self._holds) or of_it)

    def _queue_approved(self, approvals: list[Approval]) -> bool:
        approval = next((item for item in approvals if item.status == "approved"), None)
        if approval is None or self._is_held(approval) or not self.leave.shows_no_buttons(approval):
            return False
        manifests = self.following.known(self.state(), self._holds)
        # The failover makes nothing meanwhile that the plan was not made for.
        with self.dispatch.deciding:
            if self._operations.under_way():
                return False
            # Leave was given for exactly this plan, by these people; the world may have changed since they clicked.
            now = Plan(title="") if manifests is None else plan(manifests, self._registry.read()).removal
            if manifests is None or now.digest() != approval.digest:
                self.following.unsettle()
                self.leave.void(approval, now)
                return True
            given = self.leave.given(approval, manifests.cluster)
            if given == "no":
                self.following.unsettle()
                void(self._operations, approval, "somebody who approved it may not approve any more")
                return True
            return given == "yes" and let_go(self._operations, approval)


def _is_the_workers(operation: Operation) -> bool:
    return not waits_for_nobody(operation)
