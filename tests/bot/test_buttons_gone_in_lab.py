"""In the lab's Slack the buttons are gone before the first step of what was approved begins."""

from pathlib import Path
from typing import Any

import pytest

from model.operation import Operation
from tests.bot.room import Room, eventually
from tests.gitops.flstr import REVIEWER, Flstr, assemble
from tests.gitops.remote import Remote
from tests.gitops.scene import CLUSTER_YAML, app_yaml


@pytest.fixture
def flstr(room: Room, tmp_path: Path) -> Flstr:
    """A worker on the room's etcd, whose steps touch no machine."""
    remotes = {}
    for name in ("influencer", "cluster"):
        (tmp_path / name).mkdir()
        remotes[name] = Remote(tmp_path / name)
    app, cluster = remotes["influencer"], remotes["cluster"]
    commits = (app.push({"run.sh": "one"}, "first"), app.push({"run.sh": "two"}, "second"))
    cluster.push({"cluster.yaml": CLUSTER_YAML, "apps/influencer.yaml": app_yaml(app.url, commits[0])})
    return assemble(room.store, cluster, (app, *commits), tmp_path)


def buttons(room: Room, operation: Operation) -> int:
    """How many buttons anybody sees on an operation's card."""
    [card] = [card for card in room.cards() if operation.plan.title in card["text"]]
    return sum(len(block["elements"]) for block in card["blocks"] if block["type"] == "actions")


def edits(room: Room) -> list[Any]:
    return [call for call in room.people.calls("chat.update") if call["ok"]]


def test_the_card_has_lost_its_buttons_when_the_first_step_begins(room: Room, flstr: Flstr) -> None:
    waiting = flstr.removal()
    room.start_bot()
    eventually(lambda: any(waiting.plan.title in card["text"] for card in room.cards()))
    assert buttons(room, waiting) == 2
    edited = len(edits(room))
    seen: list[tuple[int, int]] = []

    def first_step(_: object) -> None:
        if not seen:
            seen.append((buttons(room, waiting), len(edits(room)) - edited))

    flstr.pretend.before = first_step
    # Slack is slow to take the edit.
    room.people.fault("chat.update", error="ratelimited", status=429, retry_after=1)
    flstr.approve(waiting, REVIEWER)

    def ended() -> bool:
        flstr.settle()
        return flstr.operations.all()[-1].status == "done"

    eventually(ended)
    [(left, edits_before)] = seen
    assert left == 0
    assert edits_before >= 1
    flstr.desk.stop()
    flstr.worker.leave.stop()
