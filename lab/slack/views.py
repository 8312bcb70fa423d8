"""Modals and App Home tabs: what is open for whom."""

from dataclasses import dataclass, field

from lab.slack.blocks import HOME, MODAL, accepted
from lab.slack.rules import Problem, Problems, one_of, plain, required, string
from lab.slack.wire import Json, RefusedError, new_id
from lab.slack.workspace import APP_ID, BOT_ID, TEAM_ID

STACK_LIMIT = 3
VIEW_BYTES = 250_000


@dataclass
class View:
    """`content` is what the app sent: title, blocks, callback_id, …, with identifiers filled in; `offered`
    the options that it gave for what was typed in an external select, by their values."""

    id: str
    person: str
    content: Json
    root_id: str
    previous_id: str | None = None
    hash: str = field(default_factory=lambda: new_id("h"))
    state: Json = field(default_factory=dict)
    offered: dict[str, Json] = field(default_factory=dict)

    def wire(self) -> Json:
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "bot_id": BOT_ID,
            "callback_id": "",
            "external_id": "",
            "private_metadata": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "submit": None,
            "close": None,
            "title": None,
            **self.content,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
            "hash": self.hash,
            "state": {"values": self.state},
        }


def checked(view: object, kind: str) -> Json:
    """The content of a modal or home view, or Slack's refusal of it."""
    if not isinstance(view, dict):
        raise RefusedError("invalid_arguments", ["must provide an object [json-pointer:/view]"])
    found = [str(problem) for problem in _frame_problems(view, kind)]
    if found:
        raise RefusedError("invalid_arguments", found)
    if len(str(view)) > VIEW_BYTES:
        raise RefusedError("view_too_large")
    return view | {"blocks": accepted(view.get("blocks"), MODAL if kind == "modal" else HOME)}


def _frame_problems(view: Json, kind: str) -> Problems:
    yield from one_of(view.get("type", ""), "/view/type", (kind,))
    yield from required(view, "/view", "blocks")
    yield from string(view.get("private_metadata"), "/view/private_metadata", 3000, empty=True)
    yield from string(view.get("callback_id"), "/view/callback_id", 255)
    if kind != "modal":
        return
    yield from required(view, "/view", "title")
    for name in ("title", "submit", "close"):
        yield from plain(view.get(name), f"/view/{name}", 24)
    blocks = view.get("blocks")
    if isinstance(blocks, list) and view.get("submit") is None and any(_is_input(block) for block in blocks):
        yield Problem("/view", "missing required field: submit")


def _is_input(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") == "input"


class Views:
    def __init__(self) -> None:
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def stack(self, person: str) -> list[View]:
        """The person's open modals, the visible one last."""
        return self._stacks.setdefault(person, [])

    def home(self, person: str) -> View | None:
        return self._homes.get(person)

    def open(self, person: str, content: Json) -> View:
        """A modal takes the place of what the person had open."""
        view_id = new_id("V")
        view = View(view_id, person, content, view_id)
        self._stacks[person] = [view]
        return view

    def push(self, person: str, content: Json) -> View:
        stack = self.stack(person)
        if not stack:
            return self.open(person, content)
        if len(stack) >= STACK_LIMIT:
            raise RefusedError("push_limit_reached")
        view = View(new_id("V"), person, content, stack[0].id, stack[-1].id)
        stack.append(view)
        return view

    def publish(self, person: str, content: Json, expected_hash: str | None) -> View:
        old = self._homes.get(person)
        if expected_hash and old is not None and old.hash != expected_hash:
            raise RefusedError("hash_conflict")
        view_id = old.id if old else new_id("V")
        self._homes[person] = View(view_id, person, content, view_id)
        return self._homes[person]

    def find(self, view_id: str) -> View:
        """By identifier or external identifier."""
        everything = [view for stack in self._stacks.values() for view in stack] + list(self._homes.values())
        for view in everything:
            if view_id and view_id in (view.id, view.content.get("external_id")):
                return view
        raise RefusedError("not_found")

    def update(self, view: View, content: Json, expected_hash: str | None = None) -> None:
        if expected_hash and view.hash != expected_hash:
            raise RefusedError("hash_conflict")
        view.content = content
        # What was entered stays, where its block does.
        blocks = {block.get("block_id") for block in content["blocks"]}
        view.state = {name: entered for name, entered in view.state.items() if name in blocks}
        view.hash = new_id("h")

    def close(self, view: View) -> None:
        self._stacks[view.person] = [other for other in self.stack(view.person) if other is not view]

    def clear(self, person: str) -> None:
        self._stacks[person] = []
