"""A filter of a collection: it runs where Ansible does."""

from collections.abc import Callable


class FilterModule:
    """Filters."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        return {"shouted": str.upper}
