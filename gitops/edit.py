"""Changes of one value in a manifest's text; everything else of the file stays as its authors wrote it."""

from collections.abc import Sequence

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode

from model.errors import Refused


def set_value(text: str, path: Sequence[str], value: str) -> str:
    """The text with the scalar at `path` replaced by `value` (as it is to be written, quotes included).

    A field missing from a mapping that is there is added at the mapping's beginning.
    """
    node = YAML(typ="rt").compose(text)
    anchored = False
    for part in path[:-1]:
        node = _child(node, part)
        anchored = anchored or has_anchor(node)
    found = _child(node, path[-1])
    anchored = anchored or has_anchor(found)
    if isinstance(found, ScalarNode) and not anchored:
        return text[: found.start_mark.index] + value + text[found.end_mark.index :]
    if found is None and isinstance(node, MappingNode) and node.value and not anchored:
        return _add_line(text, node, f"{path[-1]}: {value}")
    raise Refused(f"{'.'.join(path)} is not a single value in the manifest; change it by hand")


def has_anchor(node: object) -> bool:
    """Whether it may stand for other fields as well, which would change with it."""
    return getattr(node, "anchor", None) is not None


def _child(node: object, name: str) -> object:
    if not isinstance(node, MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _add_line(text: str, mapping: MappingNode, line: str) -> str:
    first_key, _ = mapping.value[0]
    indent = " " * first_key.start_mark.column
    start = first_key.start_mark.index - first_key.start_mark.column
    return f"{text[:start]}{indent}{line}\n{text[start:]}"
