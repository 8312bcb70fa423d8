"""Trouble outside is said once when it lasts, and once when it is over, also by another controller."""

from gitops.notices import PATIENCE_SECONDS, Trouble
from gitops.store import Store
from model import keys
from model.operation import Notice


def said(store: Store) -> list[str]:
    found = [Notice.model_validate_json(value) for value in store.prefix(keys.NOTICES).values()]
    return [notice.text.split()[0] for notice in sorted(found, key=lambda notice: notice.at)]


def test_what_passes_soon_is_not_said(store: Store) -> None:
    trouble = Trouble(store)
    trouble.seen("git does not answer", 0)
    trouble.seen("git does not answer", PATIENCE_SECONDS - 1)
    trouble.over()
    trouble.seen("git does not answer", PATIENCE_SECONDS + 1)
    assert said(store) == []


def test_what_lasts_is_said_once_and_so_is_its_end(store: Store) -> None:
    trouble = Trouble(store)
    for now in (0, PATIENCE_SECONDS, 2 * PATIENCE_SECONDS):
        trouble.seen("git does not answer", now)
    for _ in range(2):
        trouble.over()
    assert said(store) == [":warning:", ":white_check_mark:"]


def test_another_controller_says_that_it_is_over(store: Store) -> None:
    first = Trouble(store)
    for now in (0, PATIENCE_SECONDS):
        first.seen("git does not answer", now)
    second = Trouble(store)
    for now in (100, 100 + PATIENCE_SECONDS):
        second.seen("git does not answer", now)
    second.over()
    Trouble(store).over()
    assert said(store) == [":warning:", ":white_check_mark:"]


def test_looking_costs_no_write_where_nothing_was_wrong(store: Store) -> None:
    before = store._prefix("")[1]
    trouble = Trouble(store)
    trouble.over()
    trouble.over()
    assert store._prefix("")[1] == before
