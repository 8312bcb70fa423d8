"""Every click is answered: what was offered is run or left, and a button that nobody knows is said to be one."""

from slack_sdk import WebClient

from bot.asking import line_intent
from bot.offers import offer
from bot.parser import Command, parse
from model.verbs import VERBS
from tests.bot.room import CHANNEL, DEVELOPER, Json, Room, eventually


def asked(room: Room, blocks: tuple[Json, ...]) -> str:
    """A question to the developer alone; its ts."""
    client = WebClient(room.api.bot_token, base_url=room.api.api_url)
    return str(client.chat_postEphemeral(channel=CHANNEL, user=DEVELOPER, text="?", blocks=blocks)["message_ts"])


def text_of(room: Room, ts: str) -> str:
    [message] = [one for one in room.people.messages(CHANNEL) if one["ts"] == ts]
    return str(message["text"])


def test_a_line_that_was_offered_is_run_as_if_it_were_typed(room: Room) -> None:
    room.start_bot()
    ts = asked(room, offer(":warning: no app is called inflencer", "scale influencer 3"))
    room.people.duplicate(1)
    room.people.click(DEVELOPER, "line.run", channel=CHANNEL, ts=ts)
    [intent] = eventually(room.intents)
    assert (intent.verb, intent.arguments, intent.asker.user) == ("scale", ("influencer", "3"), DEVELOPER)
    eventually(lambda: text_of(room, ts) == ":hourglass_flowing_sand: scale influencer 3 …")


def test_an_offer_that_is_pressed_twice_is_taken_up_once() -> None:
    def pressed(offer: str, at: str) -> str:
        action = {"action_id": "line.run", "action_ts": at, "value": "restart influencer"}
        body = {"user": {"id": DEVELOPER}, "container": {"message_ts": offer}, "actions": [action]}
        command = parse("restart influencer")
        assert isinstance(command, Command)
        return line_intent(command, body, 0.0).id

    assert pressed("1.000001", "2.0") == pressed("1.000001", "2.3")
    assert pressed("1.000001", "2.0") != pressed("1.000002", "2.0")


def test_what_was_offered_can_be_left(room: Room) -> None:
    room.start_bot()
    ts = asked(room, offer("Stop it?", "stop influencer --yes"))
    room.people.click(DEVELOPER, "line.leave", channel=CHANNEL, ts=ts)
    eventually(lambda: text_of(room, ts) == "Left as it is.")
    assert room.intents() == []


def test_a_button_that_nobody_knows_is_said_to_be_one(room: Room) -> None:
    room.start_bot()
    button = {"type": "button", "text": {"type": "plain_text", "text": "Old"}, "action_id": "old.thing", "value": "1"}
    ts = asked(room, ({"type": "actions", "block_id": "b", "elements": [button]},))
    clicked = room.people.click(DEVELOPER, "old.thing", channel=CHANNEL, ts=ts)
    assert clicked["acknowledged"]
    eventually(lambda: any("another flstr" in text for _, text in room.ephemeral()))


def test_every_example_fits_on_the_buttons() -> None:
    for verb in VERBS:
        [_, actions] = offer("Did you mean this?", verb.example)
        assert [element["action_id"] for element in actions["elements"]] == ["line.run", "line.leave"]
    assert offer("nothing to offer", "") == ()
