"""What is wrong with a manifest, in words: from what the parser and the models say. A secret is never repeated."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from model.schema import WRITTEN_AS, Schema, in_words, schema_at

LONGEST_SHOWN = 60

_TWICE = re.compile(r'found duplicate key "([A-Za-z0-9_.-]+)" with value')
_VALUE_FOLLOWS = re.compile(r"(duplicate key|undefined (?:alias|tag handle)|to float:|base 10:|timestamp from) .*")


def sentence(schema: Schema, detail: Mapping[str, Any]) -> str:
    """What is wrong with a field, from one of pydantic's errors."""
    around, last = detail["loc"][:-1], detail["loc"][-1:]
    name = _shown(".".join(str(part) for part in detail["loc"] if part not in WRITTEN_AS))
    match detail["type"]:
        case "extra_forbidden":
            known = {field.lower(): field for field in schema_at(schema, around).get("properties", {})}
            near = difflib.get_close_matches(str(last[0]).lower(), known, n=1)
            return f"'{name}' is not a known field" + (f"; did you mean {known[near[0]]}?" if near else "")
        case "missing":
            return f"the field '{name}' is missing"
        case _ if depth := _hidden_from(schema, detail["loc"]):
            return _without_value(schema, detail["loc"], depth)
        case "value_error":
            problem = str(detail["ctx"]["error"])
            return f"{name}: {problem}" if name else problem
        case _ if last == ("[key]",):
            *mapping, key = around
            wanted = in_words(schema_at(schema, mapping).get("propertyNames", {}))
            return f"{'.'.join(map(str, mapping))}: '{_shown(key)}' cannot be a name; write {wanted}"
        case _:
            field = around if set(last).intersection(WRITTEN_AS) else detail["loc"]
            wanted = in_words(schema_at(schema, field))
            return f"{name} cannot be '{_shown(detail.get('input'))}'; write {wanted}"


def without_values(problem: str) -> str:
    """What the YAML parser says, without what it quotes of a value: the file was not read, so it may be a secret."""
    line = " ".join(problem.split())
    twice = _TWICE.match(line)
    return f"the key {twice[1]} is there twice" if twice else _VALUE_FOLLOWS.sub(r"\1 …", line)


def _hidden_from(schema: Schema, location: Sequence[str | int]) -> int:
    """How many parts of a location lead to a field whose values may be secrets; 0 where none of them does."""
    depths = range(1, len(location) + 1)
    return next((depth for depth in depths if schema_at(schema, location[:depth]).get("writeOnly")), 0)


def _without_value(schema: Schema, location: Sequence[str | int], depth: int) -> str:
    field, inside = schema_at(schema, location[:depth]), location[depth:]
    patterns = field.get("patternProperties", {})
    if inside and patterns and not any(re.search(one, str(inside[0])) for one in patterns):
        # Somebody may have written the value where its name belongs.
        return f"{'.'.join(map(str, location[:depth]))}: a name is {in_words(field.get('propertyNames', {}))}"
    return f"{'.'.join(map(str, location))}: this cannot be used, and is not shown; write " + in_words(
        schema_at(schema, location)
    )


def _shown(value: object) -> str:
    """A stranger's text in a sentence: one line of it, not too long."""
    return " ".join(str(value).split())[:LONGEST_SHOWN]
