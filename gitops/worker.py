"""The sync worker: follows Git, plans, asks for leave, and has operations carried out."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from gitops.again import Again
from gitops.approvals import close_decided, let_go, void
from gitops.certificates import ask_again
from gitops.dispatch import Dispatch
from gitops.gate import has_leave, rule, why_not_destroy
from gitops.locks import Locks
from gitops.manifests import Manifests
from gitops.notices import Trouble, say
from gitops.operations import Operations
from gitops.outcome import brought
from gitops.plan import Plans, only_routes, plan
from gitops.plan.floating import failovers
from gitops.preempt import why_superseded
from gitops.registry import KINDS, Registry
from gitops.releases import Wanted, wanted
from gitops.reverts import Reverts
from gitops.revisions import Revisions
from gitops.routed import routing_target
from gitops.runner import Runner
from model import keys
from model.errors import Fenced, Refused, StepFailed, Unreadable
from model.mrkdwn import escape
from model.operation import Approval, Operation, Origin, SyncState
from model.registered import Registered
from model.steps import CERTIFICATES, NAMES, Plan, app_lock, is_failover

log = structlog.get_logger()

# What others than operations change, and what is then planned for anew.
CONDITIONS = (
    *(keys.DEAD, keys.UNREACHABLE, keys.QUARANTINE, keys.DUE, keys.ATTEMPTS),
    *(f"{kind}/" for kind in KINDS),
    keys.SERVICES,
)
BY_ITSELF = Origin(display="flstr", place="by itself")


class Worker:
    """One thread that does one thing at a time; `wake()` has it look at once."""

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
        self._revisions = revisions
        self._registry = registry
        self._store = registry.store
        self._operations = operations
        self.dispatch = Dispatch(runner, locks, self._may_destroy, self.wake)
        self._reverts = Reverts(revisions.repo, registry.store)
        self._clock = clock
        self._on_end = on_end
        self._awake = threading.Event()
        self._stopped = threading.Event()
        self._manifests: tuple[str, Manifests] | None = None
        self._planned_for: tuple[object, ...] = ()
        self._failed_over_for: Mapping[str, str] = {}
        self._again = Again()
        self._wanted: Wanted | None = None
        self._trouble = Trouble(registry.store)

    def wake(self) -> None:
        """Have the worker look at Git and at etcd now."""
        self._awake.set()

    def registered_changed(self) -> None:
        """Have it look, unless operations are under way: they see to what they register, and at their end it looks."""
        if not self.dispatch.busy:
            self.wake()

    def stop(self) -> None:
        """Let the loop end after what it is doing."""
        self._stopped.set()
        self._awake.set()

    def run(self) -> None:
        """Work until `stop()`. A fault of the outside is logged and tried again at the next look."""
        while not self._stopped.is_set():
            self._awake.clear()
            try:
                worked = self.look()
            except Refused as error:
                self._trouble.seen(error.sentence, self._clock())
                worked = False
            except Fenced:
                raise
            except Exception as error:
                # A worker that died would leave a flstr that answers and never acts.
                log.exception("the worker broke")
                self._trouble.seen(f"flstr itself failed ({type(error).__name__}); its log says more", self._clock())
                worked = False
            else:
                self._trouble.over()
            if not worked:
                self._awake.wait()

    def look(self) -> bool:
        """Do the next thing there is to do; says whether there was one. An unchanged repo costs no write."""
        if self.dispatch.reap():
            self._save(self.state().model_copy(update={"settled": False}))
            self._on_end()
            return True
        operations, approvals = self._operations.unended(), self._operations.approvals()
        close_decided(self._operations, operations, approvals, self._clock())
        under_way = [operation for operation in operations if operation.status in ("running", "queued")]
        if due := self._again.due(self._clock()):
            self._store.delete(*map(keys.attempt, due))
        conditions = self._store.prefixes(CONDITIONS)
        return (
            self._fail_over(conditions, under_way)
            or self._supersede(under_way)
            or self.dispatch.start(under_way)
            or self._answer_sync()
            or self._follow_git()
            or self._queue_approved(approvals, under_way)
            or self._plan(conditions, approvals, under_way)
            or self._reverts.make(self._wanted, self.state().revision)
        )

    def _supersede(self, under_way: Sequence[Operation]) -> bool:
        """Give up what nobody wants any more; says whether some of it ended with that."""
        state = self.state()
        manifests = self._known(state) if any(map(brought, under_way)) else None
        if manifests is None:
            return False
        now = wanted(manifests, self._registry.read())
        running = {operation.id for operation in self.dispatch.running}
        reasons = {operation.id: why_superseded(operation, now) for operation in under_way}
        for operation in under_way:
            if (why := reasons[operation.id]) and operation.id in running:
                self.dispatch.cancel(operation, why)
            elif why:
                self._operations.end(operation, "superseded", why)
        return any(why and operation_id not in running for operation_id, why in reasons.items())

    def _may_destroy(self, operation: Operation) -> None:
        approval = None if operation.approval is None else self._operations.approval(operation.approval)
        manifests, registered = self._newest(), self._registry.read()
        reason = why_not_destroy(operation, approval, plan(manifests, registered).removal, registered)
        if reason:
            raise StepFailed(f"{reason}; nothing more is destroyed")

    def _newest(self) -> Manifests:
        """What the newest revision says that may be followed, whether or not it is followed yet."""
        state = self.state()
        known, head = self._known(state), self._revisions.repo.head()
        if known is None or head not in (state.revision, state.refused_revision):
            try:
                return self._revisions.accept(head, state.revision, False, known, self._registry.read())
            except Unreadable:
                raise
            except Refused:
                log.warning("a newer revision cannot be followed", revision=head)
        if known is None:
            raise StepFailed("no revision of the cluster repo was accepted yet")
        return known

    def _answer_sync(self) -> bool:
        """Somebody said sync: what failed or was denied counts as new, and a rewritten history as looked at."""
        asked = self._store.get(keys.SYNC_ASKED)
        if asked is None:
            return False
        state = self.state()
        head = self._revisions.repo.head()
        if asked and head.startswith(asked) and head != state.revision:
            self._accept(head, accepted_rewrite=True)
        else:
            for approval in self._operations.approvals():
                if approval.status in ("denied", "expired"):
                    self._operations.change_approval(approval, approval.model_copy(update={"status": "void"}))
            self._store.delete_prefix(keys.ATTEMPTS)
            self._ask_owners_anew()
            ask_again(self._store, datetime.fromtimestamp(self._clock(), UTC))
            self._save(state.model_copy(update={"refused_revision": "", "refused": "", "settled": False}))
        self._store.delete(keys.SYNC_ASKED)
        return True

    def _ask_owners_anew(self) -> None:
        """Names that were left to their owners may have been handed over since."""
        left = self._store.prefix(keys.LEFT_NAMES)
        self._store.delete(*left, *(keys.dns_name(key.removeprefix(keys.LEFT_NAMES)) for key in left))

    def _fail_over(self, conditions: Mapping[str, str], under_way: Sequence[Operation]) -> bool:
        """Move floating IPs off whoever is silent, before Git is asked: it may be slow, or away with the holder.

        Nothing else is waited for either, not even what was approved.
        """
        silence = {key: value for key, value in conditions.items() if key.startswith((keys.DEAD, keys.UNREACHABLE))}
        tried = {key: value for key, value in conditions.items() if is_failover([key.removeprefix(keys.ATTEMPTS)])}
        if not silence or self._failed_over_for == silence | tried:
            return False
        cluster, registered = self._registry.cluster(), self._registry.read()
        busy = frozenset(name for operation in under_way for name in operation.plan.locks)
        if self._create(failovers(cluster, registered, busy), self.state().revision, registered, lambda _: BY_ITSELF):
            return True
        if not any(map(is_failover, (operation.plan.locks for operation in under_way))):
            self._failed_over_for = silence | tried
        return False

    def _follow_git(self) -> bool:
        state = self.state()
        head = self._revisions.repo.head()
        if head in (state.revision, state.refused_revision):
            return False
        return self._accept(head, accepted_rewrite=False)

    def _accept(self, head: str, accepted_rewrite: bool) -> bool:
        state = self.state()
        log.info("new revision", revision=head)
        try:
            known = self._known_if_readable(state)
            manifests = self._revisions.accept(head, state.revision, accepted_rewrite, known, self._registry.read())
        except Unreadable:
            raise
        except Refused as error:
            log.warning("revision refused", revision=head, sentence=error.sentence)
            say(
                self._store,
                f"refused-{head}",
                f":no_entry: Revision `{head[:8]}` is not followed: {escape(error.sentence)}",
            )
            self._save(state.model_copy(update={"refused_revision": head, "refused": error.sentence}))
            return False
        self._manifests = (head, manifests)
        accepted = SyncState(revision=head, intact=state.intact)
        self._store.write({keys.CLUSTER: manifests.cluster.to_json(), keys.SYNC: accepted.to_json()})
        return True

    def _plan(self, conditions: Mapping[str, str], approvals: list[Approval], under_way: Sequence[Operation]) -> bool:
        state = self.state()
        manifests = self._known(state)
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
        unasked = {CERTIFICATES, *(app_lock(name) for _, name in plans.wanted.reverted)}

        def origin_of(change: Plan) -> Origin:
            # Whoever wrote the revision did not ask for this.
            itself = only_routes(change) or unasked.intersection(change.locks) or _follows(change.locks)
            return BY_ITSELF if itself else self._revisions.origin(state.revision, manifests.cluster)

        if self._create(plans.changes, state.revision, registered, origin_of):
            return True
        undone = [name for change in plans.changes if _follows(change.locks) for name in change.locks]
        if undone or not busy:
            self._again.left(undone, self._clock())
        if busy:
            return False
        ruling = rule(plans.removal, approvals)
        changed = "the plan has changed since it was asked for"
        if not all(void(self._operations, stale, changed) for stale in ruling.void):
            return True
        if ruling.ask and plans.removal.losses is not None:
            cluster = manifests.cluster
            origin = self._revisions.origin(state.revision, cluster)
            requesters = self._revisions.requesters(state.revision, state.intact, plans.removal.losses, cluster)
            self._operations.create_waiting(plans.removal, state.revision, origin, requesters, cluster.approvals)
        self._forget_attempts(plans)
        self._planned_for = known_for
        intact = state.intact if plans.removal.destroys() else state.revision
        self._save(state.model_copy(update={"settled": True, "intact": intact}))
        return ruling.ask

    def _create(
        self, changes: Sequence[Plan], revision: str, registered: Registered, origin_of: Callable[[Plan], Origin]
    ) -> bool:
        """Have changes carried out; the same plan again would fail again, or leave the same undone again."""
        created = False
        for change in changes:
            key, attempt = keys.attempt(change.locks[0]), f"{revision} {change.digest()}"
            if only_routes(change):
                # Such a plan does not say what the routing is brought to.
                attempt += f" {routing_target(registered)}"
            if self._store.get(key) != attempt:
                self._operations.create(change, revision, origin_of(change), {key: attempt})
                created = True
        return created

    def _forget_attempts(self, plans: Plans) -> None:
        """What has come to its end may have to be done again, such as where somebody undoes it by hand."""
        undone = {keys.attempt(change.locks[0]) for change in plans.changes}
        self._store.delete(*(self._store.prefix(keys.ATTEMPTS).keys() - undone))

    def _queue_approved(self, approvals: list[Approval], under_way: Sequence[Operation]) -> bool:
        approval = next((item for item in approvals if item.status == "approved"), None)
        if approval is None or under_way:
            return False
        state = self.state()
        manifests = self._known(state)
        # Leave was given for exactly this plan, by these people; the world may have changed since they clicked.
        if manifests is None or plan(manifests, self._registry.read()).removal.digest() != approval.digest:
            return self._ask_anew(approval, "the plan has changed since it was approved")
        if not has_leave(approval, manifests.cluster):
            return self._ask_anew(approval, "somebody who approved it may not approve any more")
        return let_go(self._operations, approval)

    def _ask_anew(self, approval: Approval, why: str) -> bool:
        self._save(self.state().model_copy(update={"settled": False}))
        void(self._operations, approval, why)
        return True

    def state(self) -> SyncState:
        """How far Git was followed."""
        text = self._store.get(keys.SYNC)
        return SyncState() if text is None else SyncState.model_validate_json(text)

    def manifests(self) -> Manifests | None:
        """The manifests of the last accepted revision."""
        return self._known(self.state())

    def _known(self, state: SyncState) -> Manifests | None:
        if not state.revision:
            return None
        if self._manifests is None or self._manifests[0] != state.revision:
            self._revisions.repo.fetch()
            self._manifests = (state.revision, self._revisions.manifests(state.revision))
        return self._manifests[1]

    def _known_if_readable(self, state: SyncState) -> Manifests | None:
        # What was accepted once may be lost, or wrong to a newer flstr; that must not keep its mend out.
        try:
            return self._known(state)
        except Refused:
            return None

    def _save(self, state: SyncState) -> None:
        if state != self.state():
            self._store.put(keys.SYNC, state.to_json())


def _follows(locks: Collection[str]) -> bool:
    """Whether a plan with these locks follows from what is registered, and fails by the cloud's fault alone."""
    return NAMES in locks or is_failover(tuple(locks))
