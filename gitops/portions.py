"""How many keys go into one write: etcd takes 128 operations in a transaction, and 1.5 MiB in a request. Pure."""

from collections.abc import Iterator, Mapping

AT_ONCE = 100
# A third of what etcd takes, as what is counted here is not all that is sent.
BYTES_AT_ONCE = 500_000


def portions(puts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Every key once and in its order; what is larger than a portion may be goes alone."""
    portion, weight = dict[str, str](), 0
    for key, value in puts.items():
        size = len(key.encode()) + len(value.encode())
        if portion and (len(portion) == AT_ONCE or weight + size > BYTES_AT_ONCE):
            yield portion
            portion, weight = {}, 0
        portion[key] = value
        weight += size
    if portion:
        yield portion
