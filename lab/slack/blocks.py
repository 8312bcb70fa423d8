"""Blocks, checked as Slack checks them: known type, required fields, lengths, counts, unique identifiers."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

from lab.slack.elements import ELEMENTS, IN_ACTIONS, IN_SECTION, INPUTS, element
from lab.slack.rules import (
    Problem,
    Problems,
    Rule,
    items,
    one_of,
    only,
    plain,
    required,
    string,
    text,
    unique,
)
from lab.slack.wire import Json, RefusedError, new_id

MESSAGE_CHARACTERS = 13_200
MARKDOWN_CHARACTERS = 12_000


@dataclass(frozen=True)
class Surface:
    """Where blocks stand: how many may, which kinds may not, and the error that refuses them."""

    name: str
    most: int
    refuses: frozenset[str]
    error: str
    pointer: str


MESSAGE = Surface("message", 50, frozenset(), "invalid_blocks", "/blocks")
_NOT_IN_VIEWS = frozenset({"file", "markdown", "plan", "task_card"})
MODAL = Surface("modal", 100, _NOT_IN_VIEWS, "invalid_arguments", "/view/blocks")
HOME = Surface("home", 100, _NOT_IN_VIEWS, "invalid_arguments", "/view/blocks")


def _section(block: Json, at: str) -> Problems:
    yield from only(block, at, "text", "fields", "accessory", "expand")
    if block.get("text") is None and not block.get("fields"):
        yield Problem(at, "missing required field: text")
    yield from text(block.get("text"), f"{at}/text", 3000)
    yield from items(block.get("fields"), f"{at}/fields", 1, 10, partial(_text_item, limit=2000))
    accessory = block.get("accessory")
    if isinstance(accessory, dict):
        yield from element(accessory, f"{at}/accessory", IN_SECTION)
    elif accessory is not None:
        yield Problem(f"{at}/accessory", "must provide an object")


def _text_item(value: Json, at: str, limit: int) -> Problems:
    return text(value, at, limit)


def _header(block: Json, at: str) -> Problems:
    yield from only(block, at, "text", "level")
    yield from required(block, at, "text")
    yield from plain(block.get("text"), f"{at}/text", 150)


def _divider(block: Json, at: str) -> Problems:
    return only(block, at)


def _context(block: Json, at: str) -> Problems:
    yield from only(block, at, "elements")
    yield from required(block, at, "elements")
    yield from items(block.get("elements"), f"{at}/elements", 1, 10, _context_item)


def _context_item(value: Json, at: str) -> Problems:
    if value.get("type") == "image":
        yield from element(value, at, frozenset({"image"}))
    else:
        yield from text(value, at, 3000)


def _actions(block: Json, at: str) -> Problems:
    yield from only(block, at, "elements")
    yield from required(block, at, "elements")
    yield from items(block.get("elements"), f"{at}/elements", 1, 25, partial(element, allowed=IN_ACTIONS))
    yield from _unique_field(block.get("elements"), f"{at}/elements", "action_id")


def _unique_field(values: object, at: str, name: str) -> Problems:
    """The field `name`, where the objects of a list have it, is different in each."""
    if isinstance(values, list):
        named = [(i, v[name]) for i, v in enumerate(values) if isinstance(v, dict) and v.get(name)]
        yield from unique(((f"{at}/{index}/{name}", str(value)) for index, value in named), name)


def _input(block: Json, at: str) -> Problems:
    yield from only(block, at, "label", "element", "hint", "optional", "dispatch_action")
    yield from required(block, at, "label", "element")
    yield from plain(block.get("label"), f"{at}/label", 2000)
    yield from plain(block.get("hint"), f"{at}/hint", 2000)
    if isinstance(block.get("element"), dict):
        yield from element(block["element"], f"{at}/element", INPUTS)


def _image(block: Json, at: str) -> Problems:
    yield from only(block, at, "image_url", "slack_file", "alt_text", "title")
    yield from ELEMENTS["image"]({k: v for k, v in block.items() if k not in ("title", "block_id")}, at)
    yield from plain(block.get("title"), f"{at}/title", 2000)


def _markdown(block: Json, at: str) -> Problems:
    yield from only(block, at, "text")
    yield from required(block, at, "text")
    yield from string(block.get("text"), f"{at}/text", MARKDOWN_CHARACTERS)


_RICH_TEXT_PARTS = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")


def _rich_text(block: Json, at: str) -> Problems:
    yield from only(block, at, "elements")
    yield from required(block, at, "elements")
    yield from items(block.get("elements"), f"{at}/elements", 0, 1000, _rich_text_part)


def _rich_text_part(value: Json, at: str) -> Problems:
    yield from one_of(value.get("type", ""), f"{at}/type", _RICH_TEXT_PARTS)
    yield from required(value, at, "elements")


def _task_card(block: Json, at: str) -> Problems:
    yield from only(block, at, "task_id", "title", "status", "details", "output", "sources")
    yield from required(block, at, "task_id", "title", "status")
    yield from string(block.get("task_id"), f"{at}/task_id", 255)
    yield from string(block.get("title"), f"{at}/title", 3000)
    yield from one_of(block.get("status"), f"{at}/status", ("pending", "in_progress", "complete", "error"))
    for name in ("details", "output"):
        detail = block.get(name)
        if isinstance(detail, dict):
            yield from one_of(detail.get("type", ""), f"{at}/{name}/type", ("rich_text",))
            yield from _rich_text(detail, f"{at}/{name}")
        elif detail is not None:
            yield Problem(f"{at}/{name}", "must provide an object")
    yield from items(block.get("sources"), f"{at}/sources", 0, 100, _source)


def _source(value: Json, at: str) -> Problems:
    yield from one_of(value.get("type", ""), f"{at}/type", ("url",))
    yield from required(value, at, "url", "text")


def _plan(block: Json, at: str) -> Problems:
    yield from only(block, at, "title", "tasks")
    yield from required(block, at, "title")
    yield from string(block.get("title"), f"{at}/title", 3000)
    yield from items(block.get("tasks"), f"{at}/tasks", 0, 1000, _plan_task)


def _plan_task(value: Json, at: str) -> Problems:
    yield from one_of(value.get("type", ""), f"{at}/type", ("task_card",))
    yield from _task_card(value, at)


def _table(block: Json, at: str) -> Problems:
    yield from only(block, at, "rows", "column_settings")
    yield from required(block, at, "rows")
    rows = block.get("rows")
    if not isinstance(rows, list) or not rows:
        yield Problem(f"{at}/rows", "no less than 1 items required")
    elif len(rows) > 100:
        yield Problem(f"{at}/rows", "no more than 100 items allowed")
    elif any(not isinstance(row, list) or len(row) > 20 for row in rows):
        yield Problem(f"{at}/rows", "each row must be an array of at most 20 cells")


BLOCKS: Mapping[str, Rule] = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "image": _image,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": _table,
    "plan": _plan,
    "task_card": _task_card,
}


def problems(blocks: object, surface: Surface, *, accept_plan: bool = True) -> Iterator[Problem]:
    """Everything that Slack would refuse in `blocks` on `surface`, in order."""
    refused = surface.refuses if accept_plan else surface.refuses | {"plan", "task_card"}

    def block_rule(block: Json, at: str) -> Problems:
        kind = block.get("type")
        if kind is None:
            yield Problem(at, "missing required field: type")
        elif not isinstance(kind, str) or kind not in BLOCKS or kind in refused:
            yield Problem(f"{at}/type", f"unsupported type: {kind}")
        else:
            yield from string(block.get("block_id"), f"{at}/block_id", 255)
            yield from BLOCKS[kind](block, at)

    yield from items(blocks, surface.pointer, 0, surface.most, block_rule)
    yield from _unique_field(blocks, surface.pointer, "block_id")


def characters(value: object) -> int:
    """The characters of every text in `value`, as Slack counts them against a message's limit."""
    if isinstance(value, list):
        return sum(characters(item) for item in value)
    if isinstance(value, dict):
        return sum(
            len(item) if key in ("text", "title") and isinstance(item, str) else characters(item)
            for key, item in value.items()
        )
    return 0


def accepted(blocks: object, surface: Surface, *, accept_plan: bool = True) -> list[Json]:
    """`blocks` as Slack keeps them: checked, with the identifiers that were left out filled in."""
    if blocks is None or blocks == "":
        return []
    found = [str(problem) for problem in problems(blocks, surface, accept_plan=accept_plan)]
    if found:
        raise RefusedError(surface.error, found)
    if not isinstance(blocks, list):
        raise RefusedError(f"{surface.error}_format" if surface is MESSAGE else surface.error)
    if surface is MESSAGE and characters(blocks) > MESSAGE_CHARACTERS:
        raise RefusedError("msg_blocks_too_long")
    return [_with_ids(block) for block in blocks]


def _with_ids(block: Json) -> Json:
    kept = deepcopy(block)
    kept.setdefault("block_id", new_id("", 5))
    for part in (*(kept.get("elements") or ()), kept.get("accessory"), kept.get("element")):
        if isinstance(part, dict) and part.get("type") in ELEMENTS and part["type"] != "image":
            part.setdefault("action_id", new_id("", 5))
    return kept


def interactive_elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """(block, element) for every element that a person can act on."""
    for block in blocks:
        for part in (*(block.get("elements") or ()), block.get("accessory"), block.get("element")):
            if isinstance(part, dict) and "action_id" in part:
                yield block, part
