"""Lists: filtered, sorted and cut into pages as the query asks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web

from lab.cloud.errors import invalid_input
from lab.cloud.selectors import parse_selector

DEFAULT_PER_PAGE = 25
MAX_PER_PAGE = 50

E = TypeVar("E")
Json = dict[str, Any]


@dataclass(frozen=True)
class Listing(Generic[E]):
    """How one resource is listed: `filters` and `sorts` by the name the query uses for them."""

    plural: str
    view: Callable[[E], Json]
    filters: Mapping[str, Callable[[E], str]]
    sorts: Mapping[str, Callable[[E], str | int]]
    labels: Callable[[E], Mapping[str, str]] | None = field(default=None)

    def respond(self, request: web.Request, items: Iterable[E]) -> web.Response:
        found = self._sorted(request, self._filtered(request, items))
        page, per_page = _positive(request, "page", 1), _positive(request, "per_page", DEFAULT_PER_PAGE)
        per_page = min(per_page, MAX_PER_PAGE)
        cut = found[(page - 1) * per_page : page * per_page]
        return web.json_response(
            {self.plural: [self.view(item) for item in cut], "meta": _meta(page, per_page, len(found))}
        )

    def _filtered(self, request: web.Request, items: Iterable[E]) -> list[E]:
        found = list(items)
        for name, value_of in self.filters.items():
            wanted = set(request.query.getall(name, []))
            if wanted:
                found = [item for item in found if value_of(item) in wanted]
        selector = _selector(request.query.get("label_selector", ""))
        labels = self.labels
        return found if labels is None else [item for item in found if selector(labels(item))]

    def _sorted(self, request: web.Request, items: list[E]) -> list[E]:
        # The first criterion weighs most, and Python's sort is stable: apply them from the last to the first.
        for criterion in reversed(request.query.getall("sort", [])):
            name, _, direction = criterion.partition(":")
            if name not in self.sorts or direction not in ("", "asc", "desc"):
                raise invalid_input("sort", f"'{criterion}' is not one of {', '.join(self.sorts)}")
            items = sorted(items, key=self.sorts[name], reverse=direction == "desc")
        return items


def _selector(text: str) -> Callable[[Mapping[str, str]], bool]:
    try:
        return parse_selector(text).matches
    except ValueError as error:
        raise invalid_input("label_selector", str(error)) from None


def _positive(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise invalid_input(name, "must be an integer greater than 0")
    return int(text)


def _meta(page: int, per_page: int, total: int) -> Json:
    last = max(1, -(-total // per_page))
    return {
        "pagination": {
            "page": page,
            "per_page": per_page,
            "previous_page": page - 1 if page > 1 else None,
            "next_page": page + 1 if page < last else None,
            "last_page": last,
            "total_entries": total,
        }
    }
