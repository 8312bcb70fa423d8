"""What a person does in the workspace: types, clicks, submits. Each becomes an envelope to the app."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lab.slack import answers, payloads
from lab.slack.answers import Entered
from lab.slack.blocks import interactive_elements
from lab.slack.conversations import Conversation
from lab.slack.envelopes import Delivery, Envelope
from lab.slack.events import Events
from lab.slack.messages import Content, Message
from lab.slack.replies import reply
from lab.slack.state import Slack, page_message
from lab.slack.view_answers import ViewAnswer, answered
from lab.slack.views import View
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import BOT_USER_ID, SLACKBOT_ID, Person


@dataclass(frozen=True)
class Clicked:
    """The element that a person acts on: in a message (`channel`, `ts`) or in a view, whose inputs hold `values`."""

    action_id: str
    block_id: str = ""
    channel: str = ""
    ts: str = ""
    view_id: str = ""
    value: Entered = None
    values: dict[str, Entered] = field(default_factory=dict)


class Acts:
    def __init__(self, slack: Slack, events: Events) -> None:
        self._slack = slack
        self._events = events

    async def type_line(self, person_id: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """What the composer does with a line: a slash command, or a message."""
        if len(text) > self._slack.settings.composer_characters:
            raise RefusedError("msg_too_long")
        if text.startswith("/"):
            return await self.command(person_id, channel, text, thread_ts)
        return {"message": page_message(self.message(person_id, channel, text, thread_ts))}

    def message(self, person_id: str, channel: str, text: str, thread_ts: str | None = None) -> Message:
        person, place = self._slack.person(person_id), self._place(person_id, channel)
        if not text.strip():
            raise RefusedError("no_text")
        message = self._slack.say(place, person.id, Content(text=text), thread_ts=thread_ts)
        self._events.message(place, message)
        return message

    async def command(self, person_id: str, channel: str, line: str, thread_ts: str | None = None) -> Json:
        person, place = self._slack.person(person_id), self._place(person_id, channel)
        name, _, text = line.partition(" ")
        if name not in self._slack.commands:
            self._slackbot(place, person, f"`{name}` is not a valid command.", thread_ts)
            return {"acknowledged": False, "error": "unknown_command", "response": None}
        if thread_ts:
            self._slackbot(place, person, f"`{name}` is not supported in threads. Sorry!", thread_ts)
            return {"acknowledged": False, "error": "not_in_threads", "response": None}
        payload = payloads.command(self._slack, person, place, name, text.strip())
        delivery = await self._slack.socket.deliver(Envelope("slash_commands", payload, wants_payload=True))
        outcome = {"trigger_id": payload["trigger_id"], "acknowledged": delivery.acknowledged, "error": delivery.error}
        return outcome | {"response": self._command_answer(person, place, line, delivery)}

    def _command_answer(self, person: Person, place: Conversation, line: str, delivery: Delivery) -> Json | None:
        name = line.partition(" ")[0]
        if delivery.error is not None:
            self._slackbot(place, person, f"{name} failed with the error “{delivery.error}”", None)
            return None
        body = delivery.payload
        if not body or not (body.get("text") or body.get("blocks") or body.get("attachments")):
            return None
        try:
            if body.get("response_type") == "in_channel":
                self._slack.say(place, person.id, Content(text=line))
            return page_message(reply(self._slack, place, person.id, body))
        except RefusedError:
            self._slackbot(place, person, f"{name} failed with the error “invalid_command_response”", None)
            return None

    def _slackbot(self, place: Conversation, person: Person, text: str, thread_ts: str | None) -> None:
        self._slack.say(place, SLACKBOT_ID, Content(text=text), thread_ts=thread_ts, ephemeral_to=person.id)

    def _place(self, person_id: str, channel: str) -> Conversation:
        place = self._slack.conversations.find(person_id if channel == BOT_USER_ID else channel)
        if person_id not in place.members:
            raise RefusedError("channel_not_found")
        return place

    async def click(self, person_id: str, clicked: Clicked) -> Json:
        """Press a button or choose in a menu. `error` says what the person would see at the element."""
        person = self._slack.person(person_id)
        payload = self._view_click(person, clicked) if clicked.view_id else self._message_click(person, clicked)
        delivery = await self._slack.socket.deliver(Envelope("interactive", payload))
        return {
            "trigger_id": payload["trigger_id"],
            "acknowledged": delivery.acknowledged,
            "error": delivery.error,
        }

    def _message_click(self, person: Person, clicked: Clicked) -> Json:
        place, message = self._seen(person, clicked)
        action = _action(_blocks(message), clicked, person.id)
        return payloads.message_action(self._slack, person, place, message, action)

    def _seen(self, person: Person, clicked: Clicked) -> tuple[Conversation, Message]:
        place = self._place(person.id, clicked.channel)
        message = place.message(clicked.ts)
        if message.ephemeral_to not in (None, person.id):
            raise RefusedError("message_not_found")
        return place, message

    def _view_click(self, person: Person, clicked: Clicked) -> Json:
        view = self._view(person.id, clicked.view_id)
        block, _ = _element(view.content["blocks"], clicked)
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise RefusedError("action_not_dispatched", ["an input tells of itself only with dispatch_action"])
        action = _action(view.content["blocks"], clicked, person.id, view.offered)
        # What was just chosen counts, whatever stood there before.
        values = {**clicked.values, block["block_id"]: clicked.value}
        view.state, _ = answers.state(view.content["blocks"], values, view.offered)
        return payloads.view_action(self._slack, person, view, action)

    def _view(self, person_id: str, view_id: str) -> View:
        view = self._slack.views.find(view_id)
        if view.person != person_id:
            raise RefusedError("not_found")
        return view

    async def submit(self, person_id: str, view_id: str, values: dict[str, Entered]) -> Json:
        """Submit a modal; the answer's `errors` name inputs by block_id."""
        person, view = self._slack.person(person_id), self._view(person_id, view_id)
        view.state, errors = answers.state(view.content["blocks"], values, view.offered)
        if errors:
            return {"acknowledged": False, "error": "incomplete", "errors": errors}
        payload = payloads.view_submission(self._slack, person, view)
        delivery = await self._slack.socket.deliver(Envelope("interactive", payload, wants_payload=True))
        if delivery.error is not None:
            return {"acknowledged": False, "error": delivery.error, "errors": {}}
        answer = answered(self._slack.views, view, delivery.payload or {})
        self._slack.show_views(person.id)
        return _submit_outcome(payload, answer)

    async def close(self, person_id: str, view_id: str, *, clear: bool = False) -> None:
        """Cancel a modal (`clear`: and those under it); the app hears of it where it asked to."""
        person, view = self._slack.person(person_id), self._view(person_id, view_id)
        if clear:
            self._slack.views.clear(person.id)
        else:
            self._slack.views.close(view)
        self._slack.show_views(person.id)
        if view.content.get("notify_on_close"):
            payload = payloads.view_closed(person, view, cleared=clear)
            await self._slack.socket.deliver(Envelope("interactive", payload))

    async def suggest(self, person_id: str, where: Clicked, typed: str) -> Json:
        """What the app offers in an external select for what was typed: `options`, and their `option_groups`."""
        person = self._slack.person(person_id)
        payload, offered = self._suggestion(person, where, typed)
        delivery = await self._slack.socket.deliver(Envelope("interactive", payload, wants_payload=True))
        told = delivery.payload or {}
        groups = list(told.get("option_groups") or ())
        options = [*(told.get("options") or ()), *(option for group in groups for option in group.get("options") or ())]
        offered |= {str(option.get("value")): option for option in options}
        return {"options": options, "option_groups": groups, "error": delivery.error}

    def _suggestion(self, person: Person, where: Clicked, typed: str) -> tuple[Json, dict[str, Json]]:
        """The payload, and where its element remembers what it was offered."""
        if where.view_id:
            view = self._view(person.id, where.view_id)
            block, element = _element(view.content["blocks"], where)
            container: Json = {"container": {"type": "view", "view_id": view.id}, "view": view.wire()}
            offered = view.offered
        else:
            place, message = self._seen(person, where)
            block, element = _element(_blocks(message), where)
            container = payloads.message_container(place, message)
            offered = {}
        return payloads.suggestion(person, container, block["block_id"], element["action_id"], typed), offered

    def open_home(self, person_id: str, tab: str = "home") -> None:
        person = self._slack.person(person_id)
        place = self._slack.conversations.direct(person.id)
        self._events.home_opened(place, person.id, self._slack.views.home(person.id), tab)


def _blocks(message: Message) -> list[Json]:
    in_attachments = [block for a in message.content.attachments for block in a.get("blocks") or ()]
    return [*message.content.blocks, *in_attachments]


def _submit_outcome(payload: Json, answer: ViewAnswer) -> Json:
    return {
        "trigger_id": payload["trigger_id"],
        "acknowledged": True,
        "error": answer.refused,
        "errors": answer.errors,
    }


def _element(blocks: list[Json], clicked: Clicked) -> tuple[Json, Json]:
    for block, element in interactive_elements(blocks):
        if element["action_id"] == clicked.action_id and clicked.block_id in ("", block["block_id"]):
            return block, element
    raise RefusedError("action_not_found")


def _action(
    blocks: list[Json], clicked: Clicked, person_id: str, offered: Mapping[str, Json] = MappingProxyType({})
) -> Json:
    block, element = _element(blocks, clicked)
    if person_id not in (element.get("visible_to_user_ids") or (person_id,)):
        raise RefusedError("action_not_found")
    return answers.action(block, element, clicked.value, offered)
