"""Git is followed: the newest revision of the cluster repo is accepted or refused, and what it says is known."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from gitops.certificates import ask_again
from gitops.holds.mix import DoesNotGoTogether, check_mix
from gitops.holds.rules import frozen, held, is_lock, read_holds, read_waiting, suspended
from gitops.holds.waiting import WaitingChanges, bumped
from gitops.manifests import Manifests
from gitops.notices import say
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.revisions import Revisions
from model import keys
from model.errors import Refused, StepFailed, Unreadable
from model.mrkdwn import escape
from model.operation import Hold, SyncState

log = structlog.get_logger()

# Revisions whose manifests are at hand: the newest, and those that holds leave something at.
AT_HAND = 16


class GitFollowing:
    """Only the worker follows; how far, and with what, others may ask."""

    def __init__(
        self, revisions: Revisions, registry: Registry, operations: Operations, clock: Callable[[], float]
    ) -> None:
        self._revisions = revisions
        self._registry = registry
        self._store = registry.store
        self._operations = operations
        self._clock = clock
        self._waiting = WaitingChanges(registry.store, revisions)
        self._manifests: dict[str, Manifests] = {}

    def state(self) -> SyncState:
        """How far Git was followed."""
        text = self._store.get(keys.SYNC)
        return SyncState() if text is None else SyncState.model_validate_json(text)

    def save(self, state: SyncState) -> None:
        """Note it, where it has changed."""
        if state != self.state():
            self._store.put(keys.SYNC, state.to_json())

    def unsettle(self) -> None:
        """Have it be looked anew whether anything is left to do."""
        self.save(self.state().model_copy(update={"settled": False}))

    def known(self, state: SyncState, holds: Sequence[Hold] | None = None) -> Manifests | None:
        """What the last accepted revision says beside the holds, which are those of etcd where none are given; Git is
        asked only where the clone does not hold a revision.
        """
        if not state.revision:
            return None
        return held(self.at(state.revision), read_holds(self._store) if holds is None else holds, self.at)

    def at(self, revision: str) -> Manifests:
        """The manifests of a revision that was accepted once."""
        found = self._manifests.get(revision)
        if found is None:
            found = self._read(revision)
            self._remember(revision, found)
        return found

    def beside(self, holds: Sequence[Hold]) -> Manifests | None:
        """What is desired once only these holds are left. Raises `Refused` where that does not go together."""
        state = self.state()
        try:
            found = self.known(state, holds)
        except Unreadable:
            raise
        except Refused:
            # A history that was rewritten may have lost it; what is held then could never be let go.
            return None
        if found is not None and any(map(is_lock, holds)):
            check_mix(found, self._registry.read(), None)
        return found

    def newest(self) -> Manifests:
        """What the newest revision says that may be followed beside the holds, whether or not it is followed yet."""
        state, holds = self.state(), read_holds(self._store)
        known, head = self.known(state, holds), self._revisions.repo.head()
        if known is None or head not in (state.revision, state.refused_revision):
            try:
                return self._acceptable(head, state, False, known, holds)
            except Unreadable:
                raise
            except Refused:
                log.warning("a newer revision cannot be followed", revision=head)
        if known is None:
            raise StepFailed("no revision of the cluster repo was accepted yet")
        return known

    def answer_sync(self) -> bool:
        """Somebody said sync: what failed or was denied counts as new, and a rewritten history as looked at."""
        asked = self._store.get(keys.SYNC_ASKED)
        if asked is None:
            return False
        state = self.state()
        if asked and frozen(read_holds(self._store)) is not None:
            # A rewritten history waits as any other does.
            return False
        # Without a revision, Git is not waited for: it may be what is away.
        head = self._revisions.repo.head() if asked else state.revision
        if head.startswith(asked) and head != state.revision:
            self._accept(head, accepted_rewrite=True)
        else:
            for approval in self._operations.approvals():
                if approval.status in ("denied", "expired"):
                    self._operations.change_approval(approval, approval.model_copy(update={"status": "void"}))
            self._store.delete_prefix(keys.ATTEMPTS)
            self._store.delete(keys.WAITING_REVISION)
            self._store.delete_prefix(keys.GIVEN_UP)
            self._ask_owners_anew()
            ask_again(self._store, datetime.fromtimestamp(self._clock(), UTC))
            self.save(state.model_copy(update={"refused_revision": "", "refused": "", "settled": False}))
        self._store.delete(keys.SYNC_ASKED)
        return True

    def follow(self, holds: Sequence[Hold] = ()) -> bool:
        """Accept a revision that is new and not kept out; says whether there was one that may be followed."""
        state = self.state()
        head = self._revisions.repo.head()
        kept_out = frozen(holds) is not None or suspended(holds) is not None
        waiting = read_waiting(self._store) if holds else None
        waits_already = waiting is not None and waiting.why and waiting.revision == head
        known = head in (state.revision, state.refused_revision)
        if known or kept_out or waits_already:
            if holds:
                self._waiting.note(head, state, holds)
            return False
        return self._accept(head, accepted_rewrite=False)

    def _accept(self, head: str, accepted_rewrite: bool) -> bool:
        before, state, holds = self._store.get(keys.HOLDING), self.state(), read_holds(self._store)
        log.info("new revision", revision=head)
        try:
            known = self.known_if_readable(state, holds)
            manifests = self._acceptable(head, state, accepted_rewrite, known, holds)
        except Unreadable:
            raise
        except Refused as error:
            log.warning("revision refused", revision=head, sentence=error.sentence)
            if isinstance(error, DoesNotGoTogether):
                self._waiting.note(head, state, holds, error.sentence)
                return False
            say(
                self._store,
                f"refused-{head}",
                f":no_entry: Revision `{head[:8]}` is not followed: {escape(error.sentence)}",
            )
            self.save(state.model_copy(update={"refused_revision": head, "refused": error.sentence}))
            return False
        accepted = SyncState(revision=head, intact=state.intact)
        puts = {keys.CLUSTER: manifests.cluster.to_json(), keys.SYNC: accepted.to_json(), **bumped(before)}
        # Where somebody holds or lets go just now, it is looked at anew.
        return self._store.write_where(keys.HOLDING, before, puts) or True

    def _acceptable(
        self, head: str, state: SyncState, accepted_rewrite: bool, known: Manifests | None, holds: Sequence[Hold]
    ) -> Manifests:
        """What a revision says beside the holds. Raises `Refused` where it may not be followed."""
        registered = self._registry.read()
        manifests = self._revisions.accept(head, state.revision, accepted_rewrite, known, registered)
        self._remember(head, manifests)
        found = held(manifests, holds, self.at)
        if found != manifests:
            check_mix(found, registered, known)
        return found

    def _remember(self, revision: str, manifests: Manifests) -> None:
        self._manifests = {**dict([*self._manifests.items()][1 - AT_HAND :]), revision: manifests}

    def _ask_owners_anew(self) -> None:
        """Names that were left to their owners may have been handed over since."""
        left = self._store.prefix(keys.LEFT_NAMES)
        self._store.delete(*left, *(keys.dns_name(key.removeprefix(keys.LEFT_NAMES)) for key in left))

    def _read(self, revision: str) -> Manifests:
        try:
            return self._revisions.manifests(revision)
        except Refused:
            self._revisions.repo.fetch()
            return self._revisions.manifests(revision)

    def known_if_readable(self, state: SyncState, holds: Sequence[Hold]) -> Manifests | None:
        """The same, or None where it cannot be used any more."""
        # What was accepted once may be lost, or wrong to a newer flstr; that must not keep its mend out.
        try:
            return self.known(state, holds)
        except Refused:
            return None
