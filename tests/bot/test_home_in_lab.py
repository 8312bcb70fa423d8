"""A person opens App Home, sees what waits for them, and decides; it is brought up to date while they look."""

import time
from collections.abc import Callable

import pytest

from bot.home import keeper as home_keeper
from model import keys
from model.operation import Approval, Operation
from tests.bot.room import CHANNEL, DEVELOPER, GUEST, OPERATOR, Room, eventually


def home(room: Room, person: str) -> str:
    return str(room.people.home(person))


def test_an_approval_waits_for_whoever_may_give_it(
    room: Room, asking: Operation, make_approval: Callable[..., Approval]
) -> None:
    room.put_approval(make_approval(expires=time.time() + 600))
    room.put(asking)
    room.start_bot()
    eventually(lambda: room.store.get(keys.heard(CHANNEL)))
    for person in (OPERATOR, DEVELOPER):
        room.people.open_home(person)
    eventually(lambda: "approval.approve" in home(room, OPERATOR))
    eventually(lambda: "flstr-lab" in home(room, DEVELOPER))
    assert "approval.approve" not in home(room, DEVELOPER), "who asked may not approve"
    view = room.people.home(OPERATOR) or {}
    room.people.click(OPERATOR, "approval.approve", view_id=view["id"])
    [intent] = eventually(room.intents)
    assert (intent.verb, intent.arguments, intent.asker.user) == ("approve", ("appr-1",), OPERATOR)
    assert intent.asker.channel, "the answer comes where the cluster speaks"


def test_it_is_kept_current_and_published_only_where_it_changed(
    room: Room, make_operation: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_keeper, "LOOK_SECONDS", 0.2)
    room.start_bot()
    room.people.open_home(OPERATOR)
    eventually(lambda: "flstr-lab" in home(room, OPERATOR))
    room.put(make_operation())
    eventually(lambda: "0 of 2 steps done" in home(room, OPERATOR))
    published = len(room.people.calls("views.publish"))
    room.people.open_home(OPERATOR)
    room.put(make_operation(id="8888"))
    eventually(lambda: "`8888`" in home(room, OPERATOR))
    assert len(room.people.calls("views.publish")) == published + 1


def test_the_modal_opens_from_it(room: Room) -> None:
    room.start_bot()
    room.people.open_home(OPERATOR)
    view = eventually(lambda: room.people.home(OPERATOR))
    room.people.click(OPERATOR, "modal.open", view_id=view["id"])
    eventually(lambda: room.people.modals(OPERATOR))


def test_a_stranger_is_told_who_may_see_it_and_picks_from_nothing(room: Room) -> None:
    room.start_bot()
    room.people.open_home(GUEST)
    eventually(lambda: "You may not see what runs here; developer or operator may." in home(room, GUEST))
    assert "worker101" not in home(room, GUEST)
    room.store.put("backend/influencer/meta_data", "{}")
    room.people.type(GUEST, CHANNEL, "/flstr")
    [view] = eventually(lambda: room.people.modals(GUEST))
    assert room.people.suggest(GUEST, view["id"], "modal.app", "") == []
