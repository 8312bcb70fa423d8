"""Answers and their files reach whoever asked, through the lab's Slack."""

from collections.abc import Callable

from bot.actions import LEAVE, RUN_LINE
from gitops.intents import answer
from lab.slack.conversations import direct_id
from model import keys
from model.attachment import Attachment, Reply
from model.operation import Operation
from tests.bot.room import CHANNEL, DEVELOPER, Room, eventually

MakeOperation = Callable[..., Operation]


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
    lines = [f"line {index} of the answer" for index in range(300)]
    answer(room.store, intent, Reply("\n".join(lines)))
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    parts = [text for person, text in room.ephemeral() if "of the answer" in text]
    assert "\n".join(parts).split("\n") == lines


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


def test_an_answer_of_more_than_three_parts_comes_as_a_file_to_the_person(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr logs influencer")
    [intent] = room.intents()
    lines = [f"line {index} of the answer" for index in range(1500)]
    answer(room.store, intent, Reply("\n".join(lines)))
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    [shown] = [text for person, text in room.ephemeral() if "of the answer" in text]
    assert shown.startswith("line 0 of the answer\n")
    assert shown.endswith("the whole of it is in your messages with flstr")
    [message] = room.people.messages(direct_id(DEVELOPER))
    [file] = message["files"]
    assert room.people.download(file["url_private"]).decode().split("\n") == lines
    # Nothing is noted any more of what has arrived.
    eventually(lambda: room.store.prefix(keys.CARDS) == {})


def test_a_file_whose_answer_was_lost_is_not_uploaded_twice(room: Room) -> None:
    room.people.fault("files.completeUploadExternal", lose_answer=True)
    room.start_bot()
    ask_for_a_picture(room)
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    assert len([m for m in room.people.messages(CHANNEL) if m.get("files")]) == 1
    assert room.people.calls("conversations.history")


def test_where_no_direct_message_can_be_opened_every_part_comes_to_the_channel(room: Room) -> None:
    room.people.fault("conversations.open", error="missing_scope")
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    lines = [f"line {index} of the answer" for index in range(1500)]
    answer(room.store, intent, Reply("\n".join(lines)))
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    parts = [text for person, text in room.ephemeral() if "of the answer" in text]
    assert "\n".join(parts).split("\n") == lines
    assert len(parts) > 5, "more than a response_url takes"


def test_a_line_that_was_probably_meant_is_offered_as_a_button(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    answer(room.store, intent, Reply("There is no app inflencer; influencer?", instead="stop influencer"), refused=True)
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    [shown] = [m for m in room.people.messages(CHANNEL) if m["ephemeral_to"] and m.get("blocks")]
    yes, no = shown["blocks"][-1]["elements"]
    assert (yes["action_id"], yes["value"], yes["text"]["text"]) == (
        RUN_LINE,
        "stop influencer",
        "Yes: stop influencer",
    )
    assert (no["action_id"], no["text"]["text"]) == (LEAVE, "No")
    assert "`/flstr stop influencer`" in shown["text"]


def test_an_answer_about_an_operation_under_way_names_it(room: Room, make_operation: MakeOperation) -> None:
    room.start_bot()
    room.put(make_operation())
    eventually(lambda: room.is_noted("7f3a"))
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    answer(room.store, intent, Reply("That is being done.", operation="7f3a"))
    [(_, text)] = eventually(lambda: [said for said in room.ephemeral() if "being done" in said[1]])
    assert "|Scale worker to 2>" in text
    assert f"/archives/{CHANNEL}/p" in text, "with the way to its card"
