"""Items put into and taken out of a list in a manifest's text; everything else stays as its authors wrote it."""

from collections.abc import Sequence

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gitops.edit import has_anchor, set_value
from model.errors import Refused


def add_item(text: str, path: Sequence[str], item: str) -> str:
    """The text with `item` at the end of the list at `path`; a list that is missing is begun."""
    found = _find(text, path)
    if found is None:
        return set_value(text, path, f"[{item}]")
    _, items = found
    if item in _values(items):
        return text
    if not items.value:
        return _cut(text, items, f"[{item}]")
    end = items.value[-1].end_mark.index
    if items.flow_style:
        return f"{text[:end]}, {item}{text[end:]}"
    end = _end_of_line(text, end)
    before = text[:end] if text[:end].endswith("\n") else f"{text[:end]}\n"
    return f"{before}{' ' * items.start_mark.column}- {item}\n{text[end:]}"


def remove_item(text: str, path: Sequence[str], item: str) -> str:
    """The text without `item` in the list at `path`; a remark behind the item goes with it, where it has a line."""
    found = _find(text, path)
    if found is None or item not in _values(found[1]):
        return text
    key, items = found
    number = _values(items).index(item)
    node = items.value[number]
    if items.flow_style:
        if len(items.value) == 1:
            return _cut(text, items, "[]")
        if number == 0:
            return text[: node.start_mark.index] + text[items.value[1].start_mark.index :]
        return text[: items.value[number - 1].end_mark.index] + text[node.end_mark.index :]
    start = node.start_mark.index - node.start_mark.column
    without = text[:start] + text[_end_of_line(text, node.end_mark.index) :]
    if len(items.value) > 1:
        return without
    colon = text.index(":", key.end_mark.index) + 1
    return f"{without[:colon]} []{without[colon:]}"


def _find(text: str, path: Sequence[str]) -> tuple[Node, SequenceNode] | None:
    """The key and the list, or None where there is no such field. Raises `Refused` where it is anything else."""
    node: object = YAML(typ="rt").compose(text)
    key, anchored = None, False
    for part in path:
        if not isinstance(node, MappingNode):
            return None
        key, node = next(((key, value) for key, value in node.value if key.value == part), (None, None))
        anchored = anchored or has_anchor(node)
    if key is None:
        return None
    if isinstance(node, SequenceNode) and _is_plain(node) and not anchored:
        return key, node
    raise Refused(f"{'.'.join(path)} is not a plain list in the manifest; change it by hand")


def _is_plain(items: SequenceNode) -> bool:
    # In brackets over several lines, a remark may be about either side of a comma.
    in_parts = items.flow_style and items.start_mark.line != items.end_mark.line
    return not in_parts and all(isinstance(item, ScalarNode) for item in items.value)


def _values(items: SequenceNode) -> list[str]:
    return [item.value for item in items.value]


def _cut(text: str, node: Node, instead: str) -> str:
    return text[: node.start_mark.index] + instead + text[node.end_mark.index :]


def _end_of_line(text: str, index: int) -> int:
    """Behind the newline that ends the line, or the end of the text."""
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1
