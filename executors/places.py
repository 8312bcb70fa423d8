"""Where a machine may be rented, and whether it is worth asking at the next place. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from executors.cloud_errors import CloudFailed
from model.steps import CreateNode

# None of that type is left there, or no host that the machine may stand on.
SOLD_OUT = frozenset({"resource_unavailable", "placement_error"})
LIMIT = "resource_limit_exceeded"


@dataclass(frozen=True)
class Place:
    """A type of server at a location."""

    server_type: str
    location: str

    def __str__(self) -> str:
        return f"{self.server_type} in {self.location}"


def places(step: CreateNode) -> tuple[Place, ...]:
    """Where to ask, in this order; each once."""
    others = (Place(other.server_type or step.server_type, other.location or step.location) for other in step.otherwise)
    return tuple(dict.fromkeys((Place(step.server_type, step.location), *others)))


def may_help(error: CloudFailed, refused: Place, other: Place) -> bool:
    """Whether another place may have what this one refused.

    A limit of the project holds everywhere, but that of cores counts dedicated ones apart from shared ones, and a
    smaller type needs fewer.
    """
    if error.code in SOLD_OUT:
        return True
    return error.code == LIMIT and "core" in error.words and other.server_type != refused.server_type


def next_place(left: Sequence[Place], refused: Place, error: CloudFailed) -> Place | None:
    """The first of those left that may have it."""
    return next((place for place in left if may_help(error, refused, place)), None)


def nothing_to_rent(node: str, tried: Sequence[tuple[Place, CloudFailed]]) -> str:
    """The sentence for a machine that was to be had nowhere."""
    if len(tried) == 1:
        return tried[0][1].sentence
    named = "; ".join(f"{place}: {_why(error)}" for place, error in tried)
    if all(error.code in SOLD_OUT for _, error in tried):
        where = ", ".join(str(place) for place, _ in tried)
        return (
            f"{node}: nothing could be rented, for the cloud has none left of {where}; try again later, or give the "
            "pool more to rent under 'otherwise' in cluster.yaml"
        )
    return f"{node}: nothing could be rented ({named}); nothing was changed"


def _why(error: CloudFailed) -> str:
    return "none left" if error.code in SOLD_OUT else error.sentence.partition(" failed: ")[2] or error.sentence
