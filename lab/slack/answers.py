"""What a person enters into block elements, as the `actions` and `state` of a payload."""

import time
from collections.abc import Iterator, Mapping

from lab.slack.blocks import interactive_elements
from lab.slack.wire import Json

Entered = str | list[str] | None


def action(block: Json, element: Json, entered: Entered, offered: Mapping[str, Json]) -> Json:
    """One entry of `actions`: what the element is, and what was chosen in it."""
    kind = element["type"]
    told: Json = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": f"{time.time():.6f}",
    }
    if kind == "button":
        return told | {name: element[name] for name in ("text", "value", "style", "confirm") if name in element}
    return told | value(element, entered, offered)


def value(element: Json, entered: Entered, offered: Mapping[str, Json]) -> Json:
    """What was entered, in the field that the element's type has for it; `offered` are the options of external
    selects by their values."""
    kind: str = element["type"]
    if kind in ("checkboxes", "multi_static_select"):
        names = entered if isinstance(entered, list) else [entered] if entered else []
        return {"selected_options": [chosen for name in names if (chosen := _option(element, name))]}
    text = entered[0] if isinstance(entered, list) and entered else entered
    text = text if isinstance(text, str) and text else None
    if kind == "external_select":
        return {"selected_option": _offered(element, text, offered) if text else None}
    if kind in ("static_select", "radio_buttons", "overflow"):
        return {"selected_option": _option(element, text)}
    if kind == "users_select":
        return {"selected_user": text}
    if kind in ("channels_select", "conversations_select"):
        return {f"selected_{kind.partition('s_')[0]}": text}
    return {"value": text}


def _offered(element: Json, name: str, offered: Mapping[str, Json]) -> Json:
    """The option as the app gave it; one that it did not give is called by its value."""
    initial = element.get("initial_option") or {}
    if initial.get("value") == name:
        return dict(initial)
    return dict(offered.get(name) or {"text": {"type": "plain_text", "text": name}, "value": name})


def _option(element: Json, name: str | None) -> Json | None:
    grouped = [option for group in element.get("option_groups") or () for option in group["options"]]
    for option in (*(element.get("options") or ()), *grouped):
        if option["value"] == name:
            return dict(option)
    return None


def state(
    blocks: list[Json], values: Mapping[str, Entered], offered: Mapping[str, Json]
) -> tuple[Json, dict[str, str]]:
    """`state.values` of a submitted view, and an error a block for what is required or too long.

    `values` names an input by its block_id or its action_id.
    """
    filled: Json = {}
    errors: dict[str, str] = {}
    for block, element in _inputs(blocks):
        block_id, action_id = block["block_id"], element["action_id"]
        entered = values.get(block_id, values.get(action_id, _initial(element)))
        filled.setdefault(block_id, {})[action_id] = {"type": element["type"]} | value(element, entered, offered)
        if block["type"] == "input":
            problem = _problem(block, element, entered)
            if problem:
                errors[block_id] = problem
    return filled, errors


def _inputs(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    for block, element in interactive_elements(blocks):
        if element["type"] not in ("button", "overflow"):
            yield block, element


def _initial(element: Json) -> Entered:
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    option = element.get("initial_option")
    if option:
        return str(option["value"])
    for name in ("initial_value", "initial_user", "initial_channel", "initial_conversation", "initial_date"):
        if name in element:
            return str(element[name])
    return None


def _problem(block: Json, element: Json, entered: Entered) -> str | None:
    if not entered:
        return None if block.get("optional") else "Please complete this required field."
    if not isinstance(entered, str) or element["type"] != "plain_text_input":
        return None
    if len(entered) > (most := element.get("max_length") or 3000):
        return f"Please shorten this to {most} characters or fewer."
    if len(entered) < (least := element.get("min_length") or 0):
        return f"Please lengthen this to {least} characters or more."
    return None
