"""Which operation a person means by a part of its id. Pure."""

from collections.abc import Iterable

SHORTEST_ID = 4


def meant(wanted: str, ids: Iterable[str]) -> list[str]:
    """Those whose id is this word, or begins or ends with enough of it."""
    known = list(ids)
    if wanted in known:
        return [wanted]
    if len(wanted) < SHORTEST_ID:
        return []
    return [one for one in known if one.startswith(wanted) or one.endswith(wanted)]
