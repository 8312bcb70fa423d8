"""Changes of a block of lines in a manifest's text; everything else of the file stays as its authors wrote it."""

import re
import textwrap
from collections.abc import Sequence

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from gitops.edit import has_anchor
from model.errors import Refused

_REMARK = re.compile(r"\s+#.*$")


def set_block(text: str, path: Sequence[str], lines: str) -> str:
    """The text with `lines`, which end with a newline, as the literal block at `path`: a field of a top-level mapping.

    A mapping or a field that is missing is added at the end.
    """
    outer, name = path
    block = "|\n" + textwrap.indent(lines, "    ")
    root = _mapping(_compose(text), path)
    found = _entry(root, outer)
    if found is None:
        return f"{text.rstrip()}\n\n{outer}:\n  {name}: {block}"
    if _is_empty(found[1]):
        first, last = _extent(text, found[0])
        below = "".join(f"{line}\n" for line in _lines(text)[first + 1 : last])
        return _with_lines(text, first, last, f"{outer}:\n{below}  {name}: {block}")
    mapping = _mapping(found[1], path)
    entry = _entry(mapping, name)
    key, value = entry or mapping.value[-1]
    first, last = _extent(text, key)
    indent = " " * key.start_mark.column
    header = f"{indent}{name}: |{_comment(_lines(text)[first], value) if entry else ''}\n"
    return _with_lines(text, first if entry else last, last, header + textwrap.indent(lines, f"{indent}  "))


def remove(text: str, path: Sequence[str]) -> str:
    """The text without the field at `path` of a top-level mapping, which goes with its last one."""
    outer, name = path
    found = _entry(_mapping(_compose(text), path), outer)
    entry = None if found is None or _is_empty(found[1]) else _entry(_mapping(found[1], path), name)
    if found is None or entry is None:
        raise Refused(f"there is no {'.'.join(path)} in the manifest")
    only = len(found[1].value) == 1
    first, last = _extent(text, found[0] if only else entry[0])
    return _with_lines(text, first, last, "")


def _compose(text: str) -> Node:
    node: Node = YAML(typ="rt").compose(text)
    return node


def _mapping(node: Node, path: Sequence[str]) -> MappingNode:
    """A mapping whose fields are on lines of their own, and are nobody else's."""
    if isinstance(node, MappingNode) and node.value and not node.flow_style and not has_anchor(node):
        return node
    raise Refused(f"{'.'.join(path)} cannot be written where the manifest has something else; change it by hand")


def _entry(mapping: MappingNode, name: str) -> tuple[Node, Node] | None:
    return next(((key, value) for key, value in mapping.value if key.value == name), None)


def _is_empty(node: Node) -> bool:
    return node.value in ("", [], "null", "~") and not has_anchor(node)


def _extent(text: str, key: Node) -> tuple[int, int]:
    """The lines of a field: that of its name, and those below that are further in, but for empty ones at the end."""
    lines, first = _lines(text), key.start_mark.line
    last = first + 1
    for number in range(first + 1, len(lines)):
        inside = len(lines[number]) - len(lines[number].lstrip()) > key.start_mark.column
        if lines[number].strip() and not inside:
            break
        if lines[number].strip():
            last = number + 1
    return first, last


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _comment(line: str, value: Node) -> str:
    """What was remarked beside the beginning of a value; in quotes a # is none."""
    found = None if getattr(value, "style", None) in ("'", '"') else _REMARK.search(line)
    return found[0] if found else ""


def _with_lines(text: str, first: int, last: int, new: str) -> str:
    lines = [f"{line}\n" for line in _lines(text)]
    return "".join([*lines[:first], new, *lines[last:]])
