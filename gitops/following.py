"""Git is followed: the newest revision of the cluster repo is accepted or refused, and what it says is known."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from gitops.certificates import ask_again
from gitops.manifests import Manifests
from gitops.notices import say
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.revisions import Revisions
from model import keys
from model.errors import Refused, StepFailed, Unreadable
from model.mrkdwn import escape
from model.operation import SyncState

log = structlog.get_logger()


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
        self._manifests: tuple[str, Manifests] | None = None

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

    def known(self, state: SyncState) -> Manifests | None:
        """The manifests of the last accepted revision; Git is asked only where the clone does not hold it."""
        if not state.revision:
            return None
        if self._manifests is None or self._manifests[0] != state.revision:
            self._manifests = (state.revision, self._read(state.revision))
        return self._manifests[1]

    def newest(self) -> Manifests:
        """What the newest revision says that may be followed, whether or not it is followed yet."""
        state = self.state()
        known, head = self.known(state), self._revisions.repo.head()
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

    def answer_sync(self) -> bool:
        """Somebody said sync: what failed or was denied counts as new, and a rewritten history as looked at."""
        asked = self._store.get(keys.SYNC_ASKED)
        if asked is None:
            return False
        state = self.state()
        # Without a revision, Git is not waited for: it may be what is away.
        head = self._revisions.repo.head() if asked else state.revision
        if head.startswith(asked) and head != state.revision:
            self._accept(head, accepted_rewrite=True)
        else:
            for approval in self._operations.approvals():
                if approval.status in ("denied", "expired"):
                    self._operations.change_approval(approval, approval.model_copy(update={"status": "void"}))
            self._store.delete_prefix(keys.ATTEMPTS)
            self._store.delete_prefix(keys.GIVEN_UP)
            self._ask_owners_anew()
            ask_again(self._store, datetime.fromtimestamp(self._clock(), UTC))
            self.save(state.model_copy(update={"refused_revision": "", "refused": "", "settled": False}))
        self._store.delete(keys.SYNC_ASKED)
        return True

    def follow(self) -> bool:
        """Accept a revision that is new; says whether there was one that may be followed."""
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
            self.save(state.model_copy(update={"refused_revision": head, "refused": error.sentence}))
            return False
        self._manifests = (head, manifests)
        accepted = SyncState(revision=head, intact=state.intact)
        self._store.write({keys.CLUSTER: manifests.cluster.to_json(), keys.SYNC: accepted.to_json()})
        return True

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

    def _known_if_readable(self, state: SyncState) -> Manifests | None:
        # What was accepted once may be lost, or wrong to a newer flstr; that must not keep its mend out.
        try:
            return self.known(state)
        except Refused:
            return None
