"""Answers and their files reach whoever asked, through the lab's Slack."""

from gitops.intents import answer
from model import keys
from model.attachment import Attachment, Reply
from tests.bot.room import CHANNEL, DEVELOPER, Room, eventually


def test_an_answer_reaches_the_person_who_asked_and_nobody_else(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    answer(room.store, intent, Reply("*2 nodes*, all well"))
    eventually(lambda: (DEVELOPER, "*2 nodes*, all well") in room.ephemeral())
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])


def test_an_answer_written_while_the_bot_was_away_arrives_later(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    room.stop_bots()
    [intent] = room.intents()
    answer(room.store, intent, Reply("all well"))
    room.start_bot()
    eventually(lambda: (DEVELOPER, "all well") in room.ephemeral())


def test_a_long_answer_is_split_without_loss(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    lines = [f"line {index} of the answer" for index in range(1500)]
    answer(room.store, intent, Reply("\n".join(lines)))
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    parts = [text for person, text in room.ephemeral() if "of the answer" in text]
    assert "\n".join(parts).split("\n") == lines
    assert len(parts) > 5, "more than a response_url takes"


def test_an_answer_whose_response_url_is_used_up_comes_as_an_ephemeral_message(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    dead = intent.asker.model_copy(update={"response_url": f"{room.api.url}/response/none"})
    stale = intent.model_copy(update={"asker": dead})
    room.store.put(keys.intent(intent.id), stale.to_json())
    answer(room.store, stale, Reply("all well"))
    eventually(lambda: (DEVELOPER, "all well") in room.ephemeral())
    assert len(room.people.calls("chat.postEphemeral")) == 1


PICTURE = Attachment.of("networks.png", "Networks of flstr-lab", "Two machines, all up.", b"\x89PNG picture")


def ask_for_a_picture(room: Room) -> None:
    room.people.type(DEVELOPER, CHANNEL, "/flstr graph")
    [intent] = room.intents()
    answer(room.store, intent, Reply("*vpn_ctrl*: all up", PICTURE))


def test_a_picture_comes_to_the_channel_after_the_words_and_is_kept_no_longer(room: Room) -> None:
    room.start_bot()
    ask_for_a_picture(room)
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    assert (DEVELOPER, "*vpn_ctrl*: all up") in room.ephemeral()
    [file] = room.cards()[-1]["files"]
    assert (file["name"], file["title"], file["alt_txt"]) == (PICTURE.name, PICTURE.title, PICTURE.alt)
    assert room.people.download(file["url_private"]) == PICTURE.content
    eventually(lambda: room.store.prefix(keys.ATTACHMENTS) == {})


def test_a_picture_that_slack_does_not_take_is_not_passed_over_in_silence(room: Room) -> None:
    room.people.fault("files.completeUploadExternal", error="not_in_channel")
    room.start_bot()
    ask_for_a_picture(room)
    sentence = ":warning: The file cannot be posted here, where I am not; `/invite @flstr` and ask again."
    eventually(lambda: (DEVELOPER, sentence) in room.ephemeral())
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])


def test_a_picture_is_tried_again_after_slack_was_away(room: Room) -> None:
    room.people.fault("files.getUploadURLExternal", error="internal_error")
    room.start_bot()
    ask_for_a_picture(room)
    eventually(lambda: any(card.get("files") for card in room.cards()))
    assert len(room.people.calls("files.completeUploadExternal")) == 1
