"""The plans that ran last, by their locks: the same one again would fail again, or leave the same undone again."""

from collections.abc import Callable, Collection, Iterable

from gitops.operations import Operations
from gitops.store import Store
from model import keys
from model.locks import FLOATING_IP, MACHINES, app_lock, service_lock
from model.operation import Origin
from model.steps import Plan


def giving_up(store: Store, revision: str) -> str:
    """What is noted where somebody cancels: nothing is begun of it under this revision, unless a machine dies."""
    return " ".join((revision, *sorted(store.prefix(keys.DEAD))))


def may_be_given_up(lock: str) -> bool:
    """Whether it is an app's, a service's or the machines': what flstr sees to by itself, it tries again."""
    return lock == MACHINES or lock.startswith((app_lock(""), service_lock("")))


class Attempts:
    """The keys under `flstr/attempt/`: revision, digest, and what else tells one attempt from another.

    Those of floating IPs are the failover's, all others the worker's.
    """

    def __init__(self, store: Store, operations: Operations) -> None:
        self._store = store
        self._operations = operations

    def make(self, plan: Plan, revision: str, origin: Callable[[], Origin], more: Iterable[str] = ()) -> bool:
        """Have a plan carried out, unless that is what was tried last; says whether it will be."""
        if self.given_up(plan, revision):
            return False
        before = self._store.get(keys.attempt(plan.locks[0]))
        attempt = " ".join((revision, plan.digest(), *more))
        if attempt == before:
            return False
        return self._operations.create_attempt(plan, revision, origin(), before, attempt) is not None

    def given_up(self, plan: Plan, revision: str) -> bool:
        """Whether somebody cancelled what changes the same, under this revision and with the same machines dead."""
        noted = {self._store.get(keys.given_up(lock)) for lock in plan.locks if may_be_given_up(lock)}
        return giving_up(self._store, revision) in noted if noted - {None} else False

    def of_floating_ips(self) -> dict[str, tuple[str, ...]]:
        """The words of each attempt at a floating IP, by its lock."""
        found = self._store.prefix(keys.attempt(FLOATING_IP))
        return {key.removeprefix(keys.ATTEMPTS): tuple(text.split()) for key, text in found.items()}

    def forget(self, locks: Collection[str]) -> None:
        """Let what was tried be tried again."""
        self._store.delete(*map(keys.attempt, locks))

    def forget_all_but(self, locks: Collection[str]) -> None:
        """The same of all others that are the worker's."""
        noted = {key.removeprefix(keys.ATTEMPTS) for key in self._store.prefix(keys.ATTEMPTS)}
        self.forget([lock for lock in sorted(noted.difference(locks)) if not lock.startswith(FLOATING_IP)])
