"""`@flstr …` is a command as `/flstr …` is, also where it was said while nobody heard it."""

from dataclasses import replace

import pytest

from bot.listeners import intent_of
from bot.mentions import Mention, mention_of
from lab.slack.settings import SlackSettings as LabSettings
from lab.slack.workspace import BOT_USER_ID
from model import keys
from tests.bot.room import CHANNEL, DEVELOPER, PATIENT, Room, eventually

NOW = 1_700_000_000.0
HELLO = f"<@{BOT_USER_ID}>"


@pytest.fixture
def lab_settings() -> LabSettings:
    """A Slack that never repeats an event: what is missed has to be looked for."""
    return replace(PATIENT, event_retry_seconds=())


def mention(line: str, ago: float = 0.0) -> Mention:
    return Mention(DEVELOPER, CHANNEL, f"{NOW - ago:.6f}", line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{HELLO} status", "status"),
        (f"please {HELLO}  scale influencer 3 ", "scale influencer 3"),
        (f"<@{BOT_USER_ID}|flstr> status", "status"),
        (f"{HELLO} freeze 2h a &amp; b", "freeze 2h a & b"),
        (HELLO, ""),
    ],
)
def test_what_comes_after_the_mention_is_the_line(text: str, line: str) -> None:
    found = mention_of({"text": text, "user": DEVELOPER, "ts": "1.000001"}, CHANNEL, BOT_USER_ID)
    assert found == Mention(DEVELOPER, CHANNEL, "1.000001", line)


@pytest.mark.parametrize(
    "message",
    [
        {"text": "status", "user": DEVELOPER, "ts": "1.0"},
        {"text": f"{HELLO} status", "user": BOT_USER_ID, "ts": "1.0"},
        {"text": f"{HELLO} status", "user": DEVELOPER, "bot_id": "B02", "ts": "1.0"},
        {"text": f"{HELLO} status", "user": DEVELOPER, "ts": "1.0", "subtype": "channel_topic"},
        {"text": f"{HELLO} status", "user": DEVELOPER, "ts": "now"},
        {},
    ],
)
def test_what_nobody_says_to_flstr_is_no_mention(message: dict[str, str]) -> None:
    assert mention_of(message, CHANNEL, BOT_USER_ID) is None


def test_a_mention_is_the_intent_that_the_command_would_be() -> None:
    found = intent_of(mention("scale influencer 3"), NOW)
    assert (found.verb, found.arguments, found.status) == ("scale", ("influencer", "3"), "new")
    assert found.words == "/flstr scale influencer 3"


def test_one_that_is_too_old_is_not_done_but_offered() -> None:
    found = intent_of(mention("scale influencer 3", ago=601), NOW)
    assert found.status == "answered"
    assert found.answer == "I was away when you wrote `scale influencer 3`; say it again."
    assert found.instead == "scale influencer 3"


def test_one_that_is_no_command_is_answered() -> None:
    assert "did you mean deploy?" in intent_of(mention("depoly x@y"), NOW).answer
    assert "• `/flstr deploy" in intent_of(mention(""), NOW).answer


def test_somebody_speaks_to_flstr_in_the_channel(room: Room) -> None:
    room.start_bot()
    room.people.duplicate(1)
    room.people.type(DEVELOPER, CHANNEL, f"{HELLO} status")
    [intent] = eventually(room.intents)
    assert (intent.verb, intent.asker.user, intent.asker.channel) == ("status", DEVELOPER, CHANNEL)
    assert intent.asker.response_url == ""
    room.people.type(DEVELOPER, CHANNEL, f"{HELLO} depoly x@y")
    told = ":warning: depoly is not a verb; did you mean deploy?\nYes: type `/flstr deploy x@y`"
    eventually(lambda: (DEVELOPER, told) in room.ephemeral())


def test_a_mention_says_in_which_channel_it_was(room: Room) -> None:
    room.start_bot()
    eventually(lambda: room.store.get(keys.heard(CHANNEL)))
    room.people.type(DEVELOPER, CHANNEL, f"{HELLO} status")
    [intent] = eventually(room.intents)
    assert intent.asker.where == "slack #flstr"


def test_what_was_said_while_nobody_heard_it_is_done_once(room: Room) -> None:
    room.start_bot()
    eventually(lambda: room.store.get(keys.heard(CHANNEL)))
    room.stop_bots()
    room.people.type(DEVELOPER, CHANNEL, f"{HELLO} scale influencer 2")
    room.people.type(DEVELOPER, CHANNEL, "nobody is meant by this")
    room.start_bot()
    [intent] = eventually(room.intents)
    assert (intent.verb, intent.arguments) == ("scale", ("influencer", "2"))
    room.stop_bots()
    room.start_bot()
    eventually(lambda: len(room.people.calls("conversations.history")) >= 2)
    assert len(room.intents()) == 1


def test_nothing_is_missed_where_every_connection_breaks(room: Room) -> None:
    room.start_bot()
    eventually(lambda: room.store.get(keys.heard(CHANNEL)))
    room.people.disconnect("abort")
    for number in range(5):
        room.people.type(DEVELOPER, CHANNEL, f"{HELLO} scale influencer {number}")
    eventually(lambda: len(room.intents()) == 5)
    assert {intent.arguments[1] for intent in room.intents()} == set("01234")


def test_it_is_the_same_intent_however_late_it_is_heard_of() -> None:
    said = mention("restart influencer")
    assert intent_of(said, NOW).id == intent_of(said, NOW + 3600).id
