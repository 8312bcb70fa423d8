"""The last good answers of Certificate Transparency, in etcd."""

from collections.abc import Collection

from pydantic import ValidationError

from gitops.store import Store
from model import keys
from model.transparency import Logged

# etcd takes 1.5 MB in a request.
MOST_BYTES = 1_000_000


class LoggedInEtcd:
    """One record a registered domain."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self, domain: str) -> Logged | None:
        """The last good answer, or None; a record that another version of flstr wrote is none either."""
        text = self._store.get(keys.transparency(domain))
        try:
            return None if text is None else Logged.model_validate_json(text)
        except ValidationError:
            return None

    def keep(self, logged: Logged) -> None:
        """Keep an answer; of more than etcd takes, the newest certificates."""
        self._store.put(keys.transparency(logged.domain), fitting(logged).to_json())

    def forget_all_but(self, domains: Collection[str]) -> None:
        """Forget what was logged for domains that are not ours any more."""
        wanted = {keys.transparency(domain) for domain in domains}
        self._store.delete(*(key for key in self._store.prefix(keys.TRANSPARENCY) if key not in wanted))


def fitting(logged: Logged, most_bytes: int = MOST_BYTES) -> Logged:
    """As much of an answer, its newest certificates, as fits into this many bytes."""
    room, kept = most_bytes - len(logged.model_copy(update={"issuances": ()}).to_json()), 0
    for issuance in logged.issuances:
        room -= len(issuance.to_json().encode()) + 1
        if room < 0:
            break
        kept += 1
    left_out = logged.left_out + len(logged.issuances) - kept
    return logged.model_copy(update={"issuances": logged.issuances[:kept], "left_out": left_out})
