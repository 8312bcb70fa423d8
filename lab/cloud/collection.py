"""The project's things of one kind, by id and by name."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from lab.cloud.errors import not_found, not_unique


class Named(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


class Collection(Generic[N]):
    def __init__(self, kind: str, items: tuple[N, ...] = ()) -> None:
        self.kind = kind
        self._items: dict[int, N] = {item.id: item for item in items}

    def __iter__(self) -> Iterator[N]:
        return iter(list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: N) -> None:
        self._items[item.id] = item

    def remove(self, item: N) -> None:
        self._items.pop(item.id, None)

    def get(self, item_id: int) -> N:
        if item_id not in self._items:
            raise not_found(self.kind, item_id)
        return self._items[item_id]

    def find(self, id_or_name: int | str) -> N:
        """As in the API's paths and bodies: a number is an id first, then a name."""
        text = str(id_or_name)
        if text.isascii() and text.isdigit() and int(text) in self._items:
            return self._items[int(text)]
        for item in self:
            if item.name == text:
                return item
        raise not_found(self.kind, id_or_name)

    def refuse_taken(self, name: str, owner: N | None = None) -> None:
        if any(item.name == name and item is not owner for item in self):
            raise not_unique(self.kind, "name")
