"""The fields of a manifest as tables of Markdown, from its model."""

from collections.abc import Iterator

from pydantic import BaseModel

from model.schema import Schema, in_words, json_schema, schema_at

# Of each part of a file: where it is, its title, and its model.
Parts = tuple[tuple[str, str, type[BaseModel]], ...]


def tables(model: type[BaseModel], parts: Parts) -> Iterator[str]:
    """The table of a whole file, then one for each of its parts."""
    root = json_schema(model)
    yield from _table(root)
    for field, title, part in parts:
        yield f"### {title}"
        yield ""
        yield f"{(part.__doc__ or '').strip()}"
        names = schema_at(root, field.split(".")).get("propertyNames")
        if names:
            yield f"Its name: {in_words(names)}."
        yield ""
        yield from _table(root["$defs"][part.__name__])


def _table(schema: Schema) -> Iterator[str]:
    yield "| Field | What it is | What may be written | Default |"
    yield "|---|---|---|---|"
    for name, field in schema["properties"].items():
        yield f"| `{name}` | {field['description']} | {_allowed(field)} | {_default(schema, name, field)} |"
    yield ""


def _allowed(field: Schema) -> str:
    inner = field.get("items", next(iter(field.get("anyOf", [field]))))
    values: Schema = next(iter(field.get("patternProperties", {}).values()), {})
    if "$ref" in inner or "$ref" in values:
        return "see below"
    if values:
        return f"names, {in_words(field['propertyNames'])}; each with {in_words(values)}"
    below = ", see below" if any("$ref" in kind for kind in inner.get("oneOf", ())) else ""
    return in_words(field) + below


def _default(schema: Schema, name: str, field: Schema) -> str:
    if name in schema.get("required", ()):
        return "must be there"
    match field.get("default"):
        case None | [] | {}:
            written = ""
        case bool(value):
            written = str(value).lower()
        case float(seconds):
            written = _duration(seconds)
        case [*values]:
            written = f"[{', '.join(map(str, values))}]"
        case dict():
            return "as below"
        case value:
            written = str(value)
    return f"`{written}`" if written else ""


def _duration(seconds: float) -> str:
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s"
