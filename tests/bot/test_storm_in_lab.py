"""A hundred operations at once, with the limits that Slack has: what is left out is never what is true in the end."""

import math
import random
import time

import pytest

from bench import storm
from bot.pace import EDITS, POSTS
from tests.bot.room import Room


@pytest.mark.timeout(600)
def test_a_hundred_operations_of_twenty_steps_meet_no_limit_and_every_card_ends_true(room: Room) -> None:
    room.start_bot()
    began = time.time()
    changes = storm.play(room.store, storm.OPERATIONS, random.Random(storm.SEED))
    storm.await_ends(room.people, changes)
    room.stop_bots()
    seconds = time.time() - began

    calls = room.people.calls()
    assert [call for call in calls if not call["ok"]] == [], "no 429, and nothing else was refused"
    wanted = {change.operation.plan.title: change.operation.status for change in changes}
    cards = {card["text"].partition(":")[0]: card["text"].partition(": ")[2].partition(",")[0] for card in room.cards()}
    assert cards == wanted
    assert len(room.cards()) == storm.OPERATIONS
    posts, edits = (sum(call["method"] == method for call in calls) for method in ("chat.postMessage", "chat.update"))
    assert posts <= POSTS.burst + seconds / POSTS.interval
    assert edits <= EDITS * math.ceil(seconds / 60.0)
