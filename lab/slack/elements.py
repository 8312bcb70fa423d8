"""Block elements (buttons, selects, inputs) and the objects in them, checked as Slack checks them."""

from collections.abc import Mapping

from lab.slack.rules import Problem, Problems, Rule, items, one_of, only, plain, required, string, text
from lab.slack.wire import Json

_INPUT = ("action_id", "placeholder", "focus_on_load")


def confirm(value: object, at: str) -> Problems:
    if value is None:
        return
    if not isinstance(value, dict):
        yield Problem(at, "must provide an object")
        return
    yield from only(value, at, "title", "text", "confirm", "deny", "style")
    yield from required(value, at, "title", "text", "confirm", "deny")
    yield from plain(value.get("title"), f"{at}/title", 100)
    yield from text(value.get("text"), f"{at}/text", 300)
    yield from plain(value.get("confirm"), f"{at}/confirm", 30)
    yield from plain(value.get("deny"), f"{at}/deny", 30)
    yield from one_of(value.get("style"), f"{at}/style", ("primary", "danger"))


def option(value: Json, at: str) -> Problems:
    yield from only(value, at, "text", "value", "description", "url")
    yield from required(value, at, "text", "value")
    yield from text(value.get("text"), f"{at}/text", 75)
    yield from text(value.get("description"), f"{at}/description", 75)
    yield from string(value.get("value"), f"{at}/value", 150)


def option_group(value: Json, at: str) -> Problems:
    yield from required(value, at, "label", "options")
    yield from plain(value.get("label"), f"{at}/label", 75)
    yield from items(value.get("options"), f"{at}/options", 1, 100, option)


def button(value: Json, at: str) -> Problems:
    yield from only(
        value,
        at,
        *("action_id", "text", "value", "url", "style", "confirm"),
        *("accessibility_label", "visible_to_user_ids"),
    )
    yield from required(value, at, "text")
    yield from plain(value.get("text"), f"{at}/text", 75)
    yield from string(value.get("value"), f"{at}/value", 2000)
    yield from string(value.get("url"), f"{at}/url", 3000)
    yield from string(value.get("accessibility_label"), f"{at}/accessibility_label", 75)
    yield from one_of(value.get("style"), f"{at}/style", ("primary", "danger"))


def image(value: Json, at: str) -> Problems:
    yield from only(value, at, "image_url", "slack_file", "alt_text")
    yield from required(value, at, "alt_text")
    if "image_url" not in value and "slack_file" not in value:
        yield Problem(at, "missing required field: image_url")
    yield from string(value.get("image_url"), f"{at}/image_url", 3000)
    yield from string(value.get("alt_text"), f"{at}/alt_text", 2000)


def static_select(value: Json, at: str) -> Problems:
    yield from only(
        value,
        at,
        *_INPUT,
        "options",
        "option_groups",
        "initial_option",
        "initial_options",
        "max_selected_items",
        "confirm",
    )
    if ("options" in value) == ("option_groups" in value):
        yield Problem(at, "one of options or option_groups must be provided")
    yield from items(value.get("options"), f"{at}/options", 1, 100, option)
    yield from items(value.get("option_groups"), f"{at}/option_groups", 1, 100, option_group)


def external_select(value: Json, at: str) -> Problems:
    yield from only(value, at, *_INPUT, "initial_option", "min_query_length", "confirm")


def choices(value: Json, at: str) -> Problems:
    yield from only(value, at, "action_id", "options", "initial_option", "initial_options", "confirm", "focus_on_load")
    yield from required(value, at, "options")
    yield from items(value.get("options"), f"{at}/options", 1, 10, option)


def overflow(value: Json, at: str) -> Problems:
    yield from only(value, at, "action_id", "options", "confirm")
    yield from required(value, at, "options")
    yield from items(value.get("options"), f"{at}/options", 1, 5, option)


def plain_text_input(value: Json, at: str) -> Problems:
    yield from only(
        value, at, *_INPUT, "initial_value", "multiline", "min_length", "max_length", "dispatch_action_config"
    )
    yield from string(value.get("initial_value"), f"{at}/initial_value", 3000, empty=True)
    for name in ("min_length", "max_length"):
        length = value.get(name)
        if length is not None and not (isinstance(length, int) and 0 <= length <= 3000):
            yield Problem(f"{at}/{name}", "must be a number from 0 to 3000")


def other_input(_value: Json, _at: str) -> Problems:
    """Elements that Slack knows and the lab's page does not draw."""
    yield from ()


ELEMENTS: Mapping[str, Rule] = {
    "button": button,
    "static_select": static_select,
    "multi_static_select": static_select,
    "external_select": external_select,
    "users_select": other_input,
    "conversations_select": other_input,
    "channels_select": other_input,
    "datepicker": other_input,
    "timepicker": other_input,
    "datetimepicker": other_input,
    "number_input": other_input,
    "email_text_input": other_input,
    "url_text_input": other_input,
    "radio_buttons": choices,
    "checkboxes": choices,
    "overflow": overflow,
    "plain_text_input": plain_text_input,
    "image": image,
}
INPUTS = frozenset(ELEMENTS) - {"button", "overflow", "image"}
IN_ACTIONS = frozenset(ELEMENTS) - {
    *("image", "number_input", "email_text_input", "url_text_input", "plain_text_input"),
}
IN_SECTION = IN_ACTIONS | {"image"}


def element(value: Json, at: str, allowed: frozenset[str]) -> Problems:
    """One element where only the types in `allowed` may stand."""
    kind = value.get("type")
    if kind is None:
        yield Problem(at, "missing required field: type")
        return
    if not isinstance(kind, str) or kind not in allowed:
        yield Problem(f"{at}/type", f"unsupported type: {kind}")
        return
    yield from string(value.get("action_id"), f"{at}/action_id", 255)
    yield from plain(value.get("placeholder"), f"{at}/placeholder", 150)
    yield from confirm(value.get("confirm"), f"{at}/confirm")
    yield from ELEMENTS[kind](value, at)
