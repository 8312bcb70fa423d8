"""The JSON Schema of a manifest, for editors, for the documentation, and for whoever wrote something else. Pure."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]

# Where a value may be a name or fields: which of them pydantic took it for, in its locations; nobody wrote that.
AS_NAME, AS_FIELDS = "[name]", "[fields]"
WRITTEN_AS = (AS_NAME, AS_FIELDS)


@functools.cache
def json_schema(model: type[BaseModel]) -> Schema:
    """The schema of a whole file. What it accepts is what the model accepts, but for rules between fields."""
    schema: Schema = _closed(model.model_json_schema(by_alias=True))
    return schema


def schema_at(root: Schema, location: Sequence[str | int]) -> Schema:
    """The schema of a field, by the keys and positions that lead there; empty where none is known."""
    here = _resolved(root, root)
    for part in location:
        if isinstance(part, int):
            here = here.get("items", {})
        elif "oneOf" in here:
            here = next((one for one in here["oneOf"] if ("$ref" in one) == (part == AS_FIELDS)), {})
        else:
            named = here.get("properties", {}).get(part)
            here = named if named is not None else next(iter(here.get("patternProperties", {}).values()), {})
        here = _resolved(root, here)
    return here


def in_words(schema: Schema) -> str:
    """What may be written: `a number from 0 to 100`, `backend or frontend`, `a list, each 1 to 20 of a-z`."""
    match schema:
        case {"patternErrorMessage": str(form)}:
            words = form
        case {"enum": values}:
            words = either([str(value) for value in values])
        case {"anyOf": [first, *_]}:
            words = in_words(first)
        case {"oneOf": kinds}:
            words = ", or ".join(map(in_words, kinds))
        case {"$ref": _}:
            words = "fields and their values"
        case {"type": "array", "items": items}:
            words = f"a list, each {in_words(items)}"
        case {"type": "integer" | "number", "minimum": least, "maximum": most}:
            words = f"a number from {least} to {most}"
        case {"type": "boolean"}:
            words = "true or false"
        case {"type": "object"}:
            words = "fields and their values, each on a line of its own"
        case _:
            words = str(schema.get("type", "something else"))
    return words


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _resolved(root: Schema, schema: Schema) -> Schema:
    """What a reference leads to; of a field that may be left out, what it is where it is there."""
    match schema:
        case {"anyOf": [{"$ref": _} as first, {"type": "null"}]}:
            schema = {**first, **{key: value for key, value in schema.items() if key != "anyOf"}}
    if "$ref" not in schema:
        return schema
    name = str(schema["$ref"]).rpartition("/")[2]
    return {**root["$defs"][name], **{key: value for key, value in schema.items() if key != "$ref"}}


def _closed(schema: Any) -> Any:
    """pydantic leaves open what a mapping's keys may be; the models do not."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    return {**closed, "additionalProperties": False} if "patternProperties" in closed else closed
