"""The look at when the authority wants certificates renewed (RFC 9773), which it may say anew at any time."""

from collections.abc import Callable
from datetime import datetime

import structlog

from executors.certificates.ari import ASK_AGAIN
from executors.certificates.office import Office
from gitops.certificates import read_certificates
from gitops.registry import Registry
from gitops.renewal import ask_due
from gitops.renewals import utc_now
from gitops.store import Store
from model.certificates import CertificateRecord
from model.errors import Refused
from model.names import CertificateHost

log = structlog.get_logger()


class Windows:
    """Asks of each certificate as often as the authority wants to be asked, and notes what it says.

    Of one about which the authority had nothing to say, it is asked as often as RFC 9773 has it without a word.
    """

    def __init__(
        self, registry: Registry, office: Callable[[Store], Office], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._registry = registry
        self._office = office
        self._clock = clock
        self._silent: dict[CertificateHost, datetime] = {}

    def look(self) -> None:
        """One look; what cannot be read or asked now is left to the next one."""
        try:
            self._look()
        except Refused as error:
            log.debug("no renewal windows are asked for", sentence=error.sentence)

    def _look(self) -> None:
        now, store = self._clock(), self._registry.store
        due = [record for record in read_certificates(store).values() if self._is_due(record, now)]
        if not due:
            return
        office = self._office(store)
        for record in due:
            if record.issued is not None and record.issued.directory == office.authority.directory:
                window = office.ask_window(record)
                if window is None or window.ask_again <= now:
                    self._silent[record.name] = now

    def _is_due(self, record: CertificateRecord, now: datetime) -> bool:
        silent = self._silent.get(record.name)
        if record.issued is None or (silent is not None and now - silent < ASK_AGAIN):
            return False
        return ask_due(record.issued, now)
