"""As much of JSON Schema as the manifests' schemas use, so that they can be asked what they accept."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,),
    "object": (dict,), "null": (type(None),),
}  # fmt: skip
KNOWN = frozenset(
    {"type", "enum", "pattern", "maxLength", "minimum", "maximum", "exclusiveMinimum", "items", "minItems"}
    | {"properties", "patternProperties", "additionalProperties", "propertyNames", "required", "minProperties"}
    | {"anyOf", "$ref", "$defs", "title", "description", "default", "patternErrorMessage", "writeOnly"}
)


def faults(root: Any, value: Any, schema: Any = None, path: str = "") -> Iterator[str]:
    """What of `value` a schema refuses, by path. Fails on a keyword that it does not know."""
    schema = root if schema is None else schema
    assert KNOWN.issuperset(schema), schema.keys() - KNOWN
    if "$ref" in schema:
        yield from faults(root, value, root["$defs"][schema["$ref"].rpartition("/")[2]], path)
    if "anyOf" in schema and all(list(faults(root, value, one, path)) for one in schema["anyOf"]):
        yield f"{path}: none of anyOf"
    wanted = schema.get("type")
    if wanted and (not isinstance(value, TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean")):
        yield f"{path}: not {wanted}"
        return
    if isinstance(value, str):
        yield from _of_text(schema, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _of_number(schema, value, path)
    elif isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{path}: minItems"
        for number, item in enumerate(value):
            yield from faults(root, item, schema.get("items", {}), f"{path}/{number}")
    elif isinstance(value, dict):
        yield from _of_object(root, schema, value, path)


def _of_text(schema: Any, value: str, path: str) -> Iterator[str]:
    if value not in schema.get("enum", [value]):
        yield f"{path}: not in enum"
    if not re.search(schema.get("pattern", ""), value):
        yield f"{path}: pattern"


def _of_number(schema: Any, value: float, path: str) -> Iterator[str]:
    if value < schema.get("minimum", value) or value > schema.get("maximum", value):
        yield f"{path}: out of range"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{path}: out of range"


def _of_object(root: Any, schema: Any, value: Any, path: str) -> Iterator[str]:
    yield from (f"{path}/{name}: missing" for name in schema.get("required", ()) if name not in value)
    if len(value) < schema.get("minProperties", 0):
        yield f"{path}: minProperties"
    for name, item in value.items():
        inner = schema.get("properties", {}).get(name)
        patterns = schema.get("patternProperties", {})
        inner = inner or next((one for pattern, one in patterns.items() if re.search(pattern, name)), None)
        if inner is not None:
            yield from faults(root, item, inner, f"{path}/{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{path}/{name}: unknown"
