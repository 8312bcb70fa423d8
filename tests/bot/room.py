"""A workspace of the lab's Slack, an etcd, and the bots between them."""

import json
import time
from collections.abc import Callable
from typing import Any

from bot.connections import connections_each
from bot.service import Bot, SlackSettings
from gitops.registry import Registry
from gitops.store import Store
from lab.slack.client import SlackControl
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings as LabSettings
from model import keys
from model.operation import Approval, Card, Intent, Operation

CHANNEL = "C01FLSTR"
OPERATOR, DEVELOPER, GUEST = "U01OPERATOR", "U02DEVELOPER", "U04GUEST"

# For a bot on a busy machine, where a test is about something else than Slack's three seconds.
PATIENT = LabSettings(ack_seconds=10.0, trigger_seconds=10.0)
ETCD_PATIENCE_SECONDS = 5.0

Json = dict[str, Any]


class Room:
    """A workspace, an etcd, and the bots that were started between them."""

    def __init__(self, store: Store, api: SlackApi) -> None:
        self.store = store
        self.api = api
        self.people = SlackControl(api.url)
        self._bots: list[Bot] = []

    def start_bot(self, *, speaks: bool = True, controllers: int = 1) -> Bot:
        settings = SlackSettings(self.api.bot_token, self.api.app_token, self.api.api_url)
        bot = Bot(Registry(self.store), settings, controllers=controllers)
        self._bots.append(bot)
        bot.listen()
        if speaks:
            bot.speak()
        wanted = connections_each(controllers) * len(self._bots)
        eventually(lambda: bot.connected() and self.people.connections() == wanted)
        return bot

    def stop_bots(self) -> None:
        for bot in self._bots:
            bot.stop()
        self._bots = []

    def put(self, operation: Operation) -> None:
        self.store.put(keys.operation(operation.id), operation.to_json())

    def put_approval(self, approval: Approval) -> None:
        self.store.put(keys.approval(approval.id), approval.to_json())

    def intents(self) -> list[Intent]:
        return [Intent.model_validate_json(value) for value in self.store.prefix(keys.INTENTS).values()]

    def cards(self) -> list[Json]:
        """What stands in the channel itself, for everybody."""
        return [
            message
            for message in self.people.messages(CHANNEL)
            if message.get("thread_ts") in (None, message["ts"]) and not message["ephemeral_to"]
        ]

    def is_noted(self, record: str) -> bool:
        """Whether a bot has written down where a record is shown."""
        card = self.store.get(keys.card(record))
        return card is not None and bool(Card.model_validate_json(card).ts)

    def card(self) -> str:
        return json.dumps(self.cards(), ensure_ascii=False)

    def thread(self) -> list[str]:
        """What was said below the only card."""
        return [json.dumps(message.get("blocks"), ensure_ascii=False) for message in self.thread_messages()]

    def thread_messages(self) -> list[Json]:
        """The messages below the only card."""
        [card] = self.cards()
        return [m for m in self.people.messages(CHANNEL, thread_ts=card["ts"]) if m["ts"] != card["ts"]]

    def ephemeral(self) -> list[tuple[str, str]]:
        return [(m["ephemeral_to"], m["text"]) for m in self.people.messages(CHANNEL) if m["ephemeral_to"]]


def eventually(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < until, f"still {found!r}"
        time.sleep(0.05)
    return found
