"""What Slack delivers twice, out of order and by different connections, is done once."""

import asyncio
import random
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from bot import intake
from bot.modal.form import Form, modal
from gitops.registry import Registry
from gitops.verbs.desk import Desk, Request
from lab.slack.background import BackgroundSlack
from lab.slack.envelopes import Envelope
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings as LabSettings
from lab.slack.workspace import BOT_USER_ID
from model import keys
from model.cluster import Cluster
from model.operation import Intent
from model.verbs import VERBS
from tests.bot.room import CHANNEL, DEVELOPER, PATIENT, Json, Room, eventually

EACH = 250
AT_ONCE = 16


@pytest.fixture
def lab_settings() -> LabSettings:
    """So many at once have all the time that they need."""
    return replace(PATIENT, ack_seconds=28.0)


def command(number: int) -> Json:
    return {
        "command": "/flstr",
        "text": f"scale influencer {number % 200}",
        "user_id": DEVELOPER,
        "channel_id": CHANNEL,
        "team_id": "T01FLSTRLAB",
        "trigger_id": f"trigger.{number}",
    }


def interaction(kind: str) -> Json:
    return {"type": kind, "user": {"id": DEVELOPER}, "team": {"id": "T01FLSTRLAB"}, "api_app_id": "A01FLSTR"}


def click(number: int) -> Json:
    action = {
        "type": "button",
        "action_id": "approval.approve",
        "block_id": "b",
        "action_ts": f"1700000000.{number:06}",
    }
    return interaction("block_actions") | {
        "actions": [action | {"value": "appr-1"}],
        "container": {"type": "message", "channel_id": CHANNEL, "message_ts": "1.0"},
        "channel": {"id": CHANNEL, "name": "flstr"},
        "trigger_id": f"click.{number}",
    }


def submission(number: int) -> Json:
    view = modal(Form(verb="restart", app="influencer", channel=CHANNEL))
    shown = view | {"id": f"V{number}", "hash": "h1", "state": {"values": {}}}
    return interaction("view_submission") | {"view": shown, "trigger_id": f"view.{number}"}


def mention(number: int, now: float) -> Json:
    text = f"<@{BOT_USER_ID}> sync"
    event = {"type": "app_mention", "user": DEVELOPER, "channel": CHANNEL, "text": text, "ts": f"{now:.0f}.{number:06}"}
    return {"type": "event_callback", "event_id": f"Ev{number}", "event": event, "team_id": "T01FLSTRLAB"}


def thousand(now: float) -> list[tuple[str, Json]]:
    kinds = [("slash_commands", command), ("interactive", click), ("interactive", submission)]
    found = [(kind, make(number)) for kind, make in kinds for number in range(EACH)]
    return found + [("events_api", mention(number, now)) for number in range(EACH)]


class Counting:
    """A desk whose every verb counts how often it acted for each intent."""

    def __init__(self, room: Room) -> None:
        self.acted: Counter[str] = Counter()
        self._lock = threading.Lock()
        people = {
            "developer": {"slack": DEVELOPER, "email": "d@flstr.lab", "may": list({verb.right for verb in VERBS})}
        }
        pools = {"worker": {"role": "worker", "count": 2}}
        cluster = Cluster.model_validate({"cluster": "flstr-lab", "pools": pools, "people": people})
        room.store.put(keys.CLUSTER, cluster.to_json())
        self.desk = Desk(room.store, Registry(room.store), {verb.name: self._act for verb in VERBS})

    def _act(self, request: Request) -> str:
        with self._lock:
            self.acted[request.intent.id] += 1
        return "done"


def deliver(slack: BackgroundSlack, api: SlackApi, envelopes: list[tuple[str, Json]]) -> list[str | None]:
    """Every envelope, some at a time; the lab gives them to the connections in turn."""

    async def all_of_them() -> list[str | None]:
        some = asyncio.Semaphore(AT_ONCE)

        async def one(kind: str, payload: Json) -> str | None:
            async with some:
                return (await api._slack.socket.deliver(Envelope(kind, payload, wants_payload=True))).error

        return list(await asyncio.gather(*(one(kind, payload) for kind, payload in envelopes)))

    return asyncio.run_coroutine_threadsafe(all_of_them(), slack._loop).result()


def test_a_thousand_envelopes_each_twice_and_out_of_order_act_once_each(
    room: Room, slack: BackgroundSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ETCD_SECONDS", 25.0)
    counting = Counting(room)
    room.start_bot(speaks=False)
    counting.desk.start()
    twice = thousand(time.time()) * 2
    random.Random(6).shuffle(twice)
    errors = deliver(slack, room.api, twice)
    assert [error for error in errors if error] == []
    found = [Intent.model_validate_json(value) for value in room.store.prefix(keys.INTENTS).values()]
    assert len(found) == 4 * EACH
    acting = {intent.id for intent in found}
    eventually(lambda: len(counting.acted) == len(acting))
    assert set(counting.acted.values()) == {1}
    assert set(counting.acted) == acting
    counting.desk.stop()
