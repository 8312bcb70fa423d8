"""The look at what certificates are due, and the notes from which the plan gets them."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import groupby

import structlog

from gitops.certificate_budget import Known, Rationed, over_budget, ration, told_limit
from gitops.certificates import failed, read_history
from gitops.certificates_due import ready, record_of, secured_hosts, time_has_come
from gitops.issuance_budget import LimitReached
from gitops.notices import notice
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.store import AT_ONCE
from model import keys
from model.errors import Refused
from model.locks import CERTIFICATES
from model.mrkdwn import inert
from model.names import CertificateHost, Encrypted
from model.registered import Registered

log = structlog.get_logger()

SHOWN_NAMES = 10


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


class Renewals:
    """Notes each certificate that is to be got now as `flstr/due/<name>`; the step that gets it takes the note away.

    `directory` is the authority's; `can_open` says whether the key of a certificate is still of use. Only a leader may
    look, for its registry's store has the fence.
    """

    def __init__(
        self,
        registry: Registry,
        operations: Operations,
        directory: str,
        clock: Callable[[], datetime] = utc_now,
        can_open: Callable[[Encrypted], bool] = lambda _: True,
    ) -> None:
        self._registry = registry
        self._operations = operations
        self._directory = directory
        self._clock = clock
        self._can_open = can_open
        # Two looks at once would each give out what the limits leave.
        self._one_at_a_time = threading.Lock()

    def look(self) -> bool:
        """One look; says whether something is due that was not. Where nothing is, it costs two reads and no write."""
        try:
            with self._one_at_a_time:
                return self._look()
        except Refused as error:
            log.debug("certificates are not looked at", sentence=error.sentence)
            return False

    def _look(self) -> bool:
        cluster, registered, now = self._registry.cluster(), self._registry.read(), self._clock()
        why = time_has_come(registered, self._directory, now, self._can_open)
        if not why:
            return False
        operations = [one for one in self._operations.unended() if one.status != "awaiting_approval"]
        busy = {name for operation in operations for name in operation.plan.locks}
        able = ready(why, cluster, registered, busy)
        wanted = [host for host in why if host in able]
        if not wanted:
            return False
        # Read after the tree: what is issued in between counts twice rather than not at all.
        known = Known(registered.certificates, read_history(self._registry.store), self._directory)
        under_way = registered.due.keys() & secured_hosts(registered).keys()
        rationed = ration(wanted, known, now, under_way)
        self._note({name: why[name] for name in rationed.granted})
        self._refuse(rationed, registered, now)
        return bool(rationed.granted)

    def _note(self, due: Mapping[CertificateHost, str]) -> None:
        """A new note is a new reason: that the same plan has failed before says nothing."""
        names = list(due)
        for start in range(0, len(names), AT_ONCE - 1):
            log.info("certificates are due", names=names[start : start + AT_ONCE - 1])
            puts = {keys.due(name): due[name] for name in names[start : start + AT_ONCE - 1]}
            self._registry.store.write(puts, [keys.attempt(CERTIFICATES)])

    def _refuse(self, rationed: Rationed, registered: Registered, now: datetime) -> None:
        """Each is told once, with its date, until that has come."""
        new = {
            name: limit for name, limit in rationed.refused.items() if not told_limit(record_of(name, registered), now)
        }
        by_limit = groupby(sorted(new, key=lambda name: new[name].sentence), key=lambda name: new[name].sentence)
        for sentence, names in by_limit:
            self._tell(sorted(names), new, sentence, registered, now)

    def _tell(
        self, names: list[CertificateHost], limits: Mapping[CertificateHost, LimitReached], sentence: str,
        registered: Registered, now: datetime,
    ) -> None:  # fmt: skip
        log.warning("a limit of the certificate authority is reached", names=names, sentence=sentence)
        digest = hashlib.sha256(" ".join([sentence, *names]).encode()).hexdigest()[:16]
        listed = ", ".join(names[:SHOWN_NAMES])
        more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        text = f":hourglass: No certificate can be had yet for {inert(listed)}{more}: {inert(sentence)}."
        records = notice(f"budget-{digest}", text)
        for name in names:
            failure = over_budget(name, limits[name], now)
            records[keys.certificate(name)] = failed(record_of(name, registered), failure).to_json()
        self._registry.store.write_many(records)
