"""Whatever two seconds of a deploy every connection breaks in: what was acknowledged is answered, and cards end true."""

import threading
import time
from collections import Counter
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
from model.errors import Fenced
from model.operation import Operation
from tests.bot.room import CHANNEL, OPERATOR, Json, Room, eventually
from tests.gitops.flstr import Flstr, assemble
from tests.gitops.remote import Remote
from tests.gitops.scene import CLUSTER_YAML, app_yaml

WINDOW_SECONDS = 2.0
STEP_SECONDS = 2.0
SIDE_BY_SIDE = 3


@dataclass
class Scene:
    """A whole flstr with pretend machines, a workspace, and a person who never stops typing."""

    flstr: Flstr
    room: Room
    typed: list[Json] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        with_end = self.flstr.worker.run
        threading.Thread(target=self._quietly, args=(with_end,), daemon=True).start()
        self.flstr.desk.start()

    def _quietly(self, run: Callable[[], None]) -> None:
        try:
            run()
        except Fenced:
            return

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
    """Every intent of an acknowledged command is there and answered once, and each operation has one card that is true."""
    room = scene.room
    eventually(lambda: all(intent.status == "delivered" for intent in room.intents()))
    commands = [one for one in scene.typed if "acknowledged" in one]
    mentions = [one for one in scene.typed if "message" in one]
    taken = [one for one in commands if one["acknowledged"]]
    statuses = [intent for intent in room.intents() if intent.verb == "status"]
    eventually(lambda: sum(i.verb == "status" for i in room.intents()) >= len(taken) + len(mentions))
    statuses = [intent for intent in room.intents() if intent.verb == "status"]
    assert len(statuses) <= len(commands) + len(mentions)
    eventually(lambda: all(intent.status == "delivered" for intent in room.intents()))
    answers = [text for person, text in room.ephemeral() if person == OPERATOR and "follows `" in text]
    assert len(answers) == len(statuses), "each is answered once"
    cards = Counter(card["text"] for card in room.cards() if operation.plan.title in card["text"])
    assert list(cards.values()) == [1]
    eventually(
        lambda: [card["text"] for card in room.cards() if operation.plan.title in card["text"]][0].endswith("Done.")
    )


def test_every_window_of_a_deploy(make_scene: Callable[[str], Scene]) -> None:
    def play(window: int) -> tuple[Scene, Operation]:
        scene = make_scene(f"window-{window}")
        return scene, deploy(scene, window)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        played = list(pool.map(play, range(6)))
    for scene, operation in played:
        assert operation.status == "done"
        took = (operation.ended or 0) - (operation.started or 0)
        assert took >= 0
        check(scene, operation)
