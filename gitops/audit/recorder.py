"""The recorder: follows the records of what was asked, decided and done, and tells the audit of each once."""

import queue
import threading
from collections.abc import Callable, Iterable, Mapping

import structlog

from gitops.audit.entries import Mark, Told, mark, sealed
from gitops.audit.told import of_approval, of_ended_hold, of_hold, of_intent, of_operation
from gitops.etcd_following import Following
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.errors import Fenced, Refused, Unreadable
from model.operation import Approval, EndedHold, Hold, Intent, Operation

log = structlog.get_logger()

RETRY_SECONDS = 1.0
STOP_SECONDS = 10.0


class Recorder:
    """Only the leader records: its store has the fence. What is told is marked in the transaction that tells it, so
    that another one goes on from there."""

    def __init__(
        self,
        store: Store,
        on_fenced: Callable[[str], None] = lambda _: None,
        last_in_git: Callable[[], Mark] = Mark,
    ) -> None:
        """`last_in_git` is what an etcd goes on from that knows of no entry, such as one that was lost."""
        self._last_in_git = last_in_git
        self._store = store
        self._on_fenced = on_fenced
        self._head: Mark | None = None
        self._told: set[str] = set()
        self._heard: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._followings: list[Following] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._of: Mapping[str, Callable[[str], Iterable[Told]]] = {
            keys.INTENTS: lambda text: of_intent(Intent.model_validate_json(text), self._cluster()),
            keys.APPROVALS: self._of_approval,
            keys.OPERATIONS: lambda text: of_operation(Operation.model_validate_json(text)),
            keys.HOLDS: lambda text: of_hold(Hold.model_validate_json(text)),
            keys.HELD: lambda text: of_ended_hold(EndedHold.model_validate_json(text)),
        }

    def start(self) -> None:
        """Tell what was not told yet, then what comes."""
        self._told = {key.removeprefix(keys.AUDITED) for key in self._store.prefix(keys.AUDITED)}
        self._followings = [self._store.follow(prefix, self._changed) for prefix in self._of]
        self._thread.start()

    def stop(self) -> None:
        """Tell what was heard so far, and no more."""
        for following in self._followings:
            following.stop()
        self._stopped.set()
        self._heard.put(None)
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def record(self, key: str, text: str) -> None:
        """Tell what there is to tell of a record. Raises `Unreadable` where etcd does not answer."""
        prefix = next(prefix for prefix in self._of if key.startswith(prefix))
        for told in self._of[prefix](text):
            if told.source not in self._told:
                self._append(told)
                self._told.add(told.source)

    def _changed(self, key: str, value: str | None) -> None:
        if value is not None:
            self._heard.put((key, value))

    def _run(self) -> None:
        while (heard := self._heard.get()) is not None:
            try:
                self._record_in_the_end(*heard)
            except Fenced as error:
                self._on_fenced(str(error))
                return
            except Exception:
                log.exception("a record could not be told", key=heard[0])

    def _record_in_the_end(self, key: str, text: str) -> None:
        while True:
            try:
                return self.record(key, text)
            except Unreadable as error:
                log.warning("the audit waits", reason=error.sentence)
                if self._stopped.wait(RETRY_SECONDS):
                    return None

    def _append(self, told: Told) -> None:
        """One transaction: the entry, the head that it was put after, and the mark that it is told."""
        while True:
            # Another one may have told of it, and this one must not know that its write was done.
            before = self._store.get(keys.AUDIT_HEAD) if self._head is None else str(self._head)
            if self._head is None and self._store.get(keys.audited(told.source)) is not None:
                self._head = Mark.of(before)
                return
            entry = sealed(told, Mark.of(before) if before is not None else self._last_in_git())
            after = mark(entry)
            puts = {
                keys.audit_entry(entry.number): entry.to_json(),
                keys.AUDIT_HEAD: str(after),
                keys.audited(told.source): str(entry.number),
            }
            self._head = None
            if self._store.write_where(keys.AUDIT_HEAD, before, puts):
                self._head = after
                return

    def _of_approval(self, text: str) -> Iterable[Told]:
        approval = Approval.model_validate_json(text)
        if not approval.decisions and approval.glass is None:
            return ()
        operation = self._store.get(keys.operation(approval.operation))
        intents = map(Intent.model_validate_json, self._store.prefix(keys.INTENTS).values())
        found = None if operation is None else Operation.model_validate_json(operation)
        return of_approval(approval, found, intents, self._cluster())

    def _cluster(self) -> Cluster | None:
        try:
            return Registry(self._store).cluster()
        except Unreadable:
            raise
        except Refused:
            return None
