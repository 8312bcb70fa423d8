"""Whatever two seconds of a deploy every connection breaks in: what was acknowledged is answered, and cards end true."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.slack.workspace import BOT_USER_ID
from model.operation import Intent, Operation
from tests.bot.room import CHANNEL, OPERATOR, Json, eventually
from tests.bot.scene import Scene, open_scene

WINDOW_SECONDS = 2.0
STEP_SECONDS = 2.0
WINDOWS = 6
SIDE_BY_SIDE = 6


@dataclass
class Typing:
    """A scene, and a person who never stops typing."""

    scene: Scene
    typed: list[Json] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def type_on(self) -> None:
        """`status` by the command and by a mention in turn, as fast as they are answered."""
        number = 0
        while not self.done.wait(0.3):
            number += 1
            line = f"<@{BOT_USER_ID}> status" if number % 3 == 0 else "/flstr status"
            self.typed.append(self.scene.room.people.type(OPERATOR, CHANNEL, line))


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[Callable[[str], Typing]]:
    """Makes scenes by name, each with an etcd and a workspace of its own."""
    made: list[Typing] = []

    def make(name: str) -> Typing:
        made.append(Typing(open_scene(tmp_path / name)))
        return made[-1]

    yield make
    for typing in made:
        typing.done.set()
        typing.scene.close()


def promised(answer: Json) -> bool:
    """Whether a command was taken, and its person told so."""
    return bool(answer["acknowledged"]) and answer["response"]["text"].startswith(":hourglass_flowing_sand:")


def deploy(typing: Typing, window: int) -> Operation:
    """A deploy that takes some twelve seconds, in one window of which every connection breaks."""
    scene = typing.scene
    flstr, people = scene.flstr, scene.room.people
    flstr.settle()
    scene.bot.speak()
    scene.work()
    flstr.pretend.before = lambda _: time.sleep(STEP_SECONDS)
    commit = scene.new_commit("second")
    before = {operation.id for operation in flstr.operations.all()}
    # Slack does not wait long, and the machine is busy; said again, it is the same deploy.
    eventually(lambda: promised(people.type(OPERATOR, CHANNEL, f"/flstr deploy influencer@{commit[:8]}")))
    person = threading.Thread(target=typing.type_on)
    person.start()
    operation = eventually(lambda: [one for one in flstr.operations.all() if one.id not in before])[0]
    breaking = threading.Timer(window * WINDOW_SECONDS + 0.5, lambda: people.disconnect("abort"))
    breaking.start()
    found = until_ended(scene, operation.id)
    breaking.join()
    typing.done.set()
    person.join()
    return found


def until_ended(scene: Scene, operation: str) -> Operation:
    until = time.monotonic() + 150
    while True:
        found = scene.flstr.operations.get(operation)
        assert found is not None
        if found.ended_already():
            return found
        assert time.monotonic() < until, found.status
        time.sleep(0.1)


def check(typing: Typing, operation: Operation) -> None:
    """What was acknowledged is an intent that was answered once, as is every mention; the one card is true."""
    room = typing.scene.room
    commands = [one for one in typing.typed if "acknowledged" in one]
    mentions = len(typing.typed) - len(commands)
    taken = sum(one["acknowledged"] for one in commands)

    def statuses() -> list[Intent]:
        return [intent for intent in room.intents() if intent.verb == "status"]

    eventually(lambda: len(statuses()) >= taken + mentions)
    eventually(lambda: all(intent.status == "delivered" for intent in room.intents()))
    assert taken + mentions <= len(statuses()) <= len(commands) + mentions
    answers = [text for person, text in room.ephemeral() if person == OPERATOR and "follows `" in text]
    assert len(answers) == len(statuses()), "each is answered once"
    [card] = [card for card in room.cards() if operation.plan.title in card["text"]]
    eventually(
        lambda: room.people.messages(CHANNEL, thread_ts=card["ts"])[0]["text"].startswith(
            f"{operation.plan.title}: done"
        )
    )


def test_every_window_of_a_deploy(make_scene: Callable[[str], Typing]) -> None:
    # An etcd ends with the thread that started it.
    scenes = [make_scene(f"window-{window}") for window in range(WINDOWS)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        operations = list(pool.map(deploy, scenes, range(WINDOWS)))
    for scene, operation in zip(scenes, operations, strict=True):
        assert operation.status == "done"
        check(scene, operation)
