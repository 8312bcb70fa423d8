"""Locks of apps and of the machines: held by an operation under the leader's lease, with a fencing token each."""

from collections.abc import Iterable
from typing import Any

from gitops.store import Fence, Store
from model import keys
from model.errors import Unreadable


class Locks:
    """The keys under `flstr/lock/`. Only the leader takes any, and knows which of its operations run."""

    def __init__(self, store: Store, lease: Any = None) -> None:
        self._store = store
        self._lease = lease
        self._epoch = 0 if store.fence is None else store.fence.epoch

    def take(self, names: Iterable[str], operation: str) -> tuple[Fence, ...]:
        """Hold locks for an operation, whatever one that ended without giving its locks back left behind.

        Each gets a token greater than any before it, so that whoever held the lock can neither write nor act.
        """
        return tuple(self._take(name, operation) for name in names)

    def give_back(self, fences: Iterable[Fence]) -> None:
        """Let others have them."""
        self._store.delete(*(fence.key for fence in fences))

    def _take(self, name: str, operation: str) -> Fence:
        key = keys.lock(name)
        self._store.delete(key)
        token = self._store.put_leased(key, operation, self._lease)
        if token is None:
            raise Unreadable(f"the lock {name} was taken by somebody else just now")
        return Fence(key, token, self._epoch)
