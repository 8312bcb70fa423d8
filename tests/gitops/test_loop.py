"""A loop goes on, whatever a look comes to."""

import threading
from collections.abc import Callable

import pytest

from gitops.loop import Loop
from gitops.notices import PATIENCE_SECONDS, Trouble
from gitops.store import Store
from model import keys
from model.errors import EtcdSilent, Fenced, Unreadable
from model.operation import Notice


class Looks(Loop):
    """Looks that come to these, one after the other; after the last one the loop is stopped."""

    def __init__(self, store: Store, *looks: Callable[[], bool], again: float | None = 0.0) -> None:
        now = iter(float(PATIENCE_SECONDS * number) for number in range(100))
        super().__init__(Trouble(store, keys.FAILOVER_TROUBLE, "Nothing moves for now"), lambda: next(now), again)
        self.left = list(looks)

    def look(self) -> bool:
        look = self.left.pop(0)
        if not self.left:
            self.stop()
        return look()


def fails(error: Exception) -> Callable[[], bool]:
    def look() -> bool:
        raise error

    return look


def said(store: Store) -> list[str]:
    found = [Notice.model_validate_json(value) for value in store.prefix(keys.NOTICES).values()]
    return [notice.text for notice in sorted(found, key=lambda notice: notice.at)]


def test_what_is_away_is_looked_at_again_and_the_channel_hears_of_it(store: Store) -> None:
    away = fails(Unreadable("etcd does not answer"))
    Looks(store, away, away, away, lambda: False).run()
    assert said(store) == [
        ":warning: Nothing moves for now: etcd does not answer",
        ":white_check_mark: What could not be read can be read again; flstr goes on.",
    ]
    assert store.get(keys.FAILOVER_TROUBLE) is None


def test_etcd_is_waited_for_by_nobody_who_would_wake_it(store: Store) -> None:
    """It is back soon, and an operation under way waits for it; Git is not asked any more often than else."""
    looks = Looks(store, fails(EtcdSilent("etcd does not answer")), lambda: False, again=None)
    looks.run()
    assert looks.left == []


def test_what_breaks_ends_nothing(store: Store) -> None:
    looks = Looks(store, fails(ZeroDivisionError()), fails(ZeroDivisionError()), lambda: False)
    looks.run()
    assert looks.left == []
    assert "flstr itself failed (ZeroDivisionError)" in said(store)[0]


def test_whoever_was_overtaken_does_not_go_on(store: Store) -> None:
    looks = Looks(store, fails(Fenced("somebody else leads")), lambda: False)
    with pytest.raises(Fenced):
        looks.run()
    assert len(looks.left) == 1


def test_it_looks_until_nothing_is_left_and_then_when_it_is_woken(store: Store) -> None:
    looked, idle = list[int](), threading.Event()

    def look(number: int, worked: bool) -> Callable[[], bool]:
        def run() -> bool:
            looked.append(number)
            if not worked:
                idle.set()
            return worked

        return run

    looks = Looks(store, look(1, True), look(2, False), look(3, True), look(4, False), again=None)
    thread = threading.Thread(target=looks.run, daemon=True)
    thread.start()
    assert idle.wait(60)
    assert looked == [1, 2]
    looks.wake()
    thread.join(60)
    assert looked == [1, 2, 3, 4]
