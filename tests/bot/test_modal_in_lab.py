"""A person opens the modal, chooses, looks what it would do, and submits: the same intent as typing it."""

import time
from dataclasses import replace
from functools import partial

import pytest

from gitops.intents import answer
from gitops.pickers import Pickers
from lab.slack.conversations import direct_id
from lab.slack.settings import SlackSettings as LabSettings
from model import keys
from model.attachment import Reply
from model.commits import RecentCommit, RecentCommits
from tests.bot.room import CHANNEL, DEVELOPER, OPERATOR, PATIENT, Json, Room, eventually

GENERAL = "C02GENERAL"
COMMIT = "a1b2c3d4" * 5


def put_app(room: Room) -> None:
    room.store.put("backend/influencer/meta_data", "{}")
    commit = RecentCommit(hash=COMMIT, subject="Faster start", author="developer", at=time.time())
    room.store.put(
        keys.commits("influencer"), RecentCommits(app="influencer", commits=(commit,), at=time.time()).to_json()
    )


def opened(room: Room, line: str = "/flstr") -> Json:
    assert room.people.type(DEVELOPER, CHANNEL, line)["acknowledged"]
    [view] = eventually(lambda: room.people.modals(DEVELOPER))
    found: Json = view
    return found


def updated(room: Room, times: int) -> bool:
    return len(room.people.calls("views.update")) > times


def blocks(room: Room) -> list[str]:
    [view] = room.people.modals(DEVELOPER)
    return [block["block_id"] for block in view["blocks"] if block["type"] == "input"]


def test_a_person_deploys_by_the_modal(room: Room) -> None:
    put_app(room)
    room.start_bot()
    view = opened(room)
    assert [one["value"] for one in room.people.suggest(DEVELOPER, view["id"], "modal.app", "infl")] == ["influencer"]
    room.people.click(DEVELOPER, "modal.app", view_id=view["id"], value="influencer")
    eventually(lambda: "modal.commit.influencer" in blocks(room))
    [offered] = room.people.suggest(DEVELOPER, view["id"], "modal.commit", "faster")
    assert offered["text"]["text"].startswith("a1b2c3d Faster start · developer")
    done = room.people.submit(DEVELOPER, view["id"], {"modal.app": "influencer", "modal.commit": offered["value"]})
    assert (done["acknowledged"], done["errors"]) == (True, {})
    [intent] = room.intents()
    assert (intent.verb, intent.arguments) == ("deploy", ("influencer@a1b2c3d4a1b2",))
    assert (intent.asker.user, intent.asker.channel) == (DEVELOPER, CHANNEL)
    assert room.people.modals(DEVELOPER) == []


def test_what_to_do_decides_what_is_asked_for(room: Room) -> None:
    room.start_bot()
    view = opened(room)
    room.people.click(DEVELOPER, "modal.verb", view_id=view["id"], value="scale")
    eventually(lambda: blocks(room) == ["modal.verb", "modal.app", "modal.count"])
    assert [one["value"] for one in room.people.suggest(DEVELOPER, view["id"], "modal.app", "")] == ["worker"]
    room.people.click(DEVELOPER, "modal.verb", view_id=view["id"], value="restart")
    eventually(lambda: blocks(room) == ["modal.verb", "modal.app"])


def test_what_is_wrong_is_said_at_its_field(room: Room) -> None:
    room.start_bot()
    view = opened(room)
    room.people.click(DEVELOPER, "modal.verb", view_id=view["id"], value="scale")
    eventually(lambda: "modal.count" in blocks(room))
    done = room.people.submit(DEVELOPER, view["id"], {"modal.verb": "scale", "modal.app": "worker", "modal.count": "x"})
    assert done["errors"] == {"modal.count": "scale needs a number from 0 to 200, not x."}
    assert room.intents() == []


def test_a_deploy_without_a_commit_opens_it_filled_in(room: Room) -> None:
    put_app(room)
    room.start_bot()
    view = opened(room, "/flstr deploy influencer")
    assert "modal.commit.influencer" in blocks(room)
    assert len(room.people.suggest(DEVELOPER, view["id"], "modal.commit", "")) == 1


def test_what_it_would_do_is_shown_in_it(room: Room) -> None:
    room.start_bot()
    view = opened(room, "/flstr deploy influencer")
    room.people.click(DEVELOPER, "modal.verb", view_id=view["id"], value="restart")
    eventually(lambda: blocks(room) == ["modal.verb", "modal.app"])
    room.people.click(DEVELOPER, "modal.preview", view_id=view["id"])
    [intent] = eventually(room.intents)
    assert (intent.verb, intent.arguments) == ("plan", ("restart", "influencer"))
    answer(room.store, intent, Reply("*It would* replace 2 instances"))
    eventually(lambda: "*It would* replace 2 instances" in str(room.people.modals(DEVELOPER)))
    eventually(lambda: room.intents()[0].status == "delivered")
    assert room.ephemeral() == [], "the answer is in the modal alone"


class OfShortTriggers:
    @pytest.fixture
    def lab_settings(self) -> LabSettings:
        return replace(PATIENT, trigger_seconds=0.0)


class TestTooLate(OfShortTriggers):
    def test_where_it_cannot_be_opened_the_help_comes(self, room: Room) -> None:
        room.start_bot()
        room.people.type(DEVELOPER, CHANNEL, "/flstr")
        eventually(
            lambda: any("could not be opened" in text and "/flstr deploy" in text for _, text in room.ephemeral())
        )


def test_commits_are_fetched_when_somebody_picks(room: Room) -> None:
    room.store.put("backend/influencer/meta_data", "{}")
    commit = RecentCommit(hash=COMMIT, subject="Faster start", author="developer", at=time.time())

    class Repos:
        def recent(self, url: str, most: int) -> tuple[RecentCommit, ...]:
            assert (url, most) == ("file:///influencer.git", 50)
            return (commit,)

    pickers = Pickers(room.store, Repos(), lambda app: f"file:///{app}.git")  # type: ignore[arg-type]
    pickers.start()
    room.start_bot()
    view = opened(room, "/flstr deploy influencer")
    offered = eventually(lambda: room.people.suggest(DEVELOPER, view["id"], "modal.commit", ""))
    assert offered[0]["value"] == COMMIT[:12]
    pickers.stop()


def test_what_slack_delivers_twice_opens_it_once_and_complains_of_nothing(room: Room) -> None:
    room.start_bot()
    room.people.duplicate(1)
    opened(room)
    eventually(lambda: len(room.people.calls("views.open")) == 2)
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    answer(room.store, intent, Reply("all well"))
    eventually(lambda: (DEVELOPER, "all well") in room.ephemeral())
    assert not [text for _, text in room.ephemeral() if "could not be opened" in text]


def test_it_opens_while_others_wait_for_what_theirs_would_do(room: Room) -> None:
    room.start_bot()
    view = opened(room, "/flstr deploy influencer")
    room.people.click(DEVELOPER, "modal.verb", view_id=view["id"], value="restart")
    eventually(lambda: blocks(room) == ["modal.verb", "modal.app"])
    for number in range(1, 13):
        room.people.click(DEVELOPER, "modal.preview", view_id=view["id"])
        eventually(partial(updated, room, min(number, 4)))
    room.people.type(OPERATOR, CHANNEL, "/flstr")
    eventually(lambda: room.people.modals(OPERATOR))


def test_what_was_submitted_where_flstr_was_not_invited_is_answered_in_direct_messages(room: Room) -> None:
    room.start_bot()
    assert room.people.type(DEVELOPER, GENERAL, "/flstr")["acknowledged"]
    [view] = eventually(lambda: room.people.modals(DEVELOPER))
    room.people.click(DEVELOPER, "modal.verb", view_id=view["id"], value="stop")
    eventually(lambda: blocks(room) == ["modal.verb", "modal.app"])
    room.people.submit(DEVELOPER, view["id"], {"modal.verb": "stop", "modal.app": "influencer"})
    [intent] = room.intents()
    answer(room.store, intent, Reply("Nothing is done yet.", instead="stop influencer --yes"))
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    [message] = room.people.messages(direct_id(DEVELOPER))
    assert message["blocks"][-1]["elements"][0]["value"] == "stop influencer --yes"
