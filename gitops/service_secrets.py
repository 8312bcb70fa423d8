"""Passwords and keys of services: made by flstr once, kept in etcd encrypted to the cluster's own key."""

import secrets
from collections.abc import Callable, Collection, Mapping

from gitops.certificates import KeySafe
from gitops.secrets import Decrypt
from gitops.store import Store
from model import service_keys
from model.errors import Refused
from model.names import AppName

PASSWORD_BYTES = 32


def password() -> bytes:
    """A new password, of letters and digits alone, so that no configuration reads anything else into it."""
    return secrets.token_hex(PASSWORD_BYTES).encode()


class ServiceSecrets:
    """Reads and makes them; none is ever made a second time while the first one is there."""

    def __init__(self, store: Store, safe: KeySafe) -> None:
        self._store = store
        self._safe = safe

    def read(self, service: AppName) -> dict[str, bytes]:
        """All of a service, by name. Raises `Refused` naming the one that cannot be opened."""
        prefix = service_keys.secrets(service)
        found = self._store.prefix(prefix)
        return {
            (name := key.removeprefix(prefix)): _opened(service, name, sealed, self._safe.open)
            for key, sealed in found.items()
        }

    def made(self, service: AppName, wanted: Mapping[str, Callable[[], bytes]]) -> dict[str, bytes]:
        """All of a service, once those that are wanted and not there were made."""
        there = self._store.prefix(service_keys.secrets(service))
        for name, make in wanted.items():
            key = service_keys.secret(service, name)
            if key not in there:
                # Whoever was faster has made it; what is there is read below.
                self._store.put_new(key, self._safe.seal(make()))
        return self.read(service)


def forget_others(store: Store, service: AppName, wanted: Collection[str]) -> None:
    """Delete the secrets of a service that nobody wants any more, such as those of a user that is gone."""
    prefix = service_keys.secrets(service)
    store.delete(*(key for key in store.prefix(prefix) if key.removeprefix(prefix) not in wanted))


def read_secret(store: Store, service: AppName, name: str, decrypt: Decrypt) -> bytes | None:
    """One of a service, or None where it was not made yet. Raises `Refused` where it cannot be opened."""
    sealed = store.get(service_keys.secret(service, name))
    return None if sealed is None else _opened(service, name, sealed, decrypt)


def _opened(service: AppName, name: str, sealed: str, decrypt: Decrypt) -> bytes:
    try:
        return decrypt(sealed)
    except Refused as error:
        raise Refused(f"the secret {name} of service {service}: {error.sentence}") from error
