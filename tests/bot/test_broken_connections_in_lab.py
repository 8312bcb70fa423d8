"""Whatever two seconds of a deploy every connection breaks in: what was acknowledged is answered, and cards end true."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitops.etcd_server import EmbeddedEtcd
from gitops.store import Store
from lab.slack.background import BackgroundSlack
from lab.slack.server import SlackApi
from lab.slack.workspace import BOT_USER_ID
from model.operation import Intent, Operation
from tests.bot.room import CHANNEL, OPERATOR, Json, Room, eventually
from tests.gitops.flstr import Flstr, assemble
from tests.gitops.remote import Remote
from tests.gitops.scene import CLUSTER_YAML, app_yaml

WINDOW_SECONDS = 2.0
STEP_SECONDS = 2.0
WINDOWS = 6
SIDE_BY_SIDE = 6


@dataclass
class Scene:
    """A whole flstr with pretend machines, a workspace, and a person who never stops typing."""

    flstr: Flstr
    room: Room
    typed: list[Json] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        threading.Thread(target=self.flstr.worker.run, daemon=True).start()
        self.flstr.desk.start()

    def type_on(self) -> None:
        """`status` by the command and by a mention in turn, as fast as they are answered."""
        number = 0
        while not self.done.wait(0.3):
            number += 1
            line = f"<@{BOT_USER_ID}> status" if number % 3 == 0 else "/flstr status"
            self.typed.append(self.room.people.type(OPERATOR, CHANNEL, line))


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[Callable[[str], Scene]]:
    """Makes scenes by name, each with an etcd and a workspace of its own."""
    ends: list[Callable[[], object]] = []

    def make(name: str) -> Scene:
        folder = tmp_path / name
        for part in ("etcd", "cluster", "app", "state"):
            (folder / part).mkdir(parents=True)
        etcd = EmbeddedEtcd(folder / "etcd")
        store = Store([etcd.start()])
        app = Remote(folder / "app")
        first, second = app.push({"run.sh": "one"}, "first"), app.push({"run.sh": "two"}, "second")
        cluster = Remote(folder / "cluster")
        cluster.push({"cluster.yaml": CLUSTER_YAML, "apps/influencer.yaml": app_yaml(app.url, first)})
        slack = BackgroundSlack(SlackApi())
        slack.__enter__()
        scene = Scene(assemble(store, cluster, (app, first, second), folder / "state"), Room(store, slack.api))
        ends.append(lambda: slack.__exit__(None, None, None))
        ends.append(lambda: end(scene, store, etcd))
        return scene

    yield make
    for ending in reversed(ends):
        ending()


def end(scene: Scene, store: Store, etcd: EmbeddedEtcd) -> None:
    scene.done.set()
    scene.room.stop_bots()
    scene.flstr.worker.stop()
    scene.flstr.desk.stop()
    store.close()
    etcd.stop()


def deploy(scene: Scene, window: int) -> Operation:
    """A deploy that takes some twelve seconds, in one window of which every connection breaks."""
    scene.flstr.settle()
    scene.room.start_bot()
    scene.work()
    scene.flstr.pretend.before = lambda _: time.sleep(STEP_SECONDS)
    before = {operation.id for operation in scene.flstr.operations.all()}
    commit = scene.flstr.app[2]
    assert scene.room.people.type(OPERATOR, CHANNEL, f"/flstr deploy influencer@{commit[:8]}")["acknowledged"]
    person = threading.Thread(target=scene.type_on)
    person.start()
    operation = eventually(lambda: [one for one in scene.flstr.operations.all() if one.id not in before])[0]
    breaking = threading.Timer(window * WINDOW_SECONDS + 0.5, lambda: scene.room.people.disconnect("abort"))
    breaking.start()
    found = until_ended(scene, operation.id)
    breaking.join()
    scene.done.set()
    person.join()
    return found


def until_ended(scene: Scene, operation: str) -> Operation:
    until = time.monotonic() + 60
    while True:
        found = scene.flstr.operations.get(operation)
        assert found is not None
        if found.ended_already():
            return found
        assert time.monotonic() < until, found.status
        time.sleep(0.1)


def check(scene: Scene, operation: Operation) -> None:
    """What was acknowledged is an intent that was answered once, as is every mention; the one card is true."""
    room = scene.room
    commands = [one for one in scene.typed if "acknowledged" in one]
    mentions = len(scene.typed) - len(commands)
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


def test_every_window_of_a_deploy(make_scene: Callable[[str], Scene]) -> None:
    # An etcd ends with the thread that started it.
    scenes = [make_scene(f"window-{window}") for window in range(WINDOWS)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        operations = list(pool.map(deploy, scenes, range(WINDOWS)))
    for scene, operation in zip(scenes, operations, strict=True):
        assert operation.status == "done"
        check(scene, operation)
