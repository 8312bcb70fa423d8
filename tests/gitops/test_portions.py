"""Keys in as many writes as etcd takes them."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gitops.portions import AT_ONCE, BYTES_AT_ONCE, portions
from gitops.store import Store

# Of which some are larger than a portion may be, in bytes and not in characters.
SIZES = st.lists(st.integers(0, 300_000), max_size=30) | st.lists(st.integers(0, 9_000), max_size=250)


def weight(portion: dict[str, str]) -> int:
    return sum(len(f"{key}{value}".encode()) for key, value in portion.items())


@given(SIZES)
def test_every_key_once_and_in_order_and_no_more_at_once_than_etcd_takes(sizes: list[int]) -> None:
    puts = {f"key/{number}": "ü" * size for number, size in enumerate(sizes)}
    made = list(portions(puts))
    assert [pair for portion in made for pair in portion.items()] == [*puts.items()]
    for portion in made:
        assert 1 <= len(portion) <= AT_ONCE
        assert len(portion) == 1 or weight(portion) <= BYTES_AT_ONCE


@given(SIZES)
def test_no_more_writes_than_are_needed(sizes: list[int]) -> None:
    made = list(portions({f"key/{number}": "x" * size for number, size in enumerate(sizes)}))
    for portion, following in itertools.pairwise(made):
        first = dict([next(iter(following.items()))])
        assert len(portion) == AT_ONCE or weight(portion) + weight(first) > BYTES_AT_ONCE


def test_a_history_as_long_as_it_gets_is_written_to_a_real_etcd(store: Store) -> None:
    history = {f"flstr/operation/{number:03}": f"{number:03}".ljust(20_000, ".") for number in range(200)}
    store.write_many({**history, "large": "x" * 1_000_000})
    assert store.prefix("") == {**history, "large": "x" * 1_000_000}
