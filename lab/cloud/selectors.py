"""Label selectors: `env=prod,role in (worker,ingress),!draining`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lab.cloud.labels import is_key, is_value

_REQUIREMENT = re.compile(
    r"""\s*(?:
        (?P<absent>!)\s*(?P<absent_key>[^\s=!,()]+)
      | (?P<key>[^\s=!,()]+)\s*(?:
            (?P<equality>==|=|!=)\s*(?P<value>[^\s=!,()]*)
          | (?P<set>in|notin)\s*\((?P<values>[^()]*)\)
        )?
    )\s*""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Requirement:
    """One condition on one key: `values` of None asks only whether the key is there."""

    key: str
    values: frozenset[str] | None
    negated: bool

    def matches(self, labels: Mapping[str, str]) -> bool:
        found = self.key in labels and (self.values is None or labels[self.key] in self.values)
        return found != self.negated


@dataclass(frozen=True)
class Selector:
    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)


def parse_selector(text: str) -> Selector:
    """Raise ValueError for what is no selector. An empty one selects everything."""
    if not text.strip():
        return Selector(())
    requirements = []
    position = 0
    while True:
        match = _REQUIREMENT.match(text, position)
        if match is None:
            raise ValueError(f"label selector '{text}' is not correctly formatted")
        requirements.append(_requirement(match))
        position = match.end()
        if position == len(text):
            return Selector(tuple(requirements))
        if text[position] != ",":
            raise ValueError(f"label selector '{text}' is not correctly formatted")
        position += 1


def _requirement(match: re.Match[str]) -> Requirement:
    key = match["absent_key"] or match["key"]
    values: frozenset[str] | None = None
    if match["equality"]:
        values = frozenset([match["value"]])
    elif match["set"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
    for wrong in (value for value in values or () if not is_value(value)):
        raise ValueError(f"label selector value '{wrong}' is not correctly formatted")
    if not is_key(key):
        raise ValueError(f"label selector key '{key}' is not correctly formatted")
    return Requirement(key, values, bool(match["absent"]) or match["equality"] == "!=" or match["set"] == "notin")
