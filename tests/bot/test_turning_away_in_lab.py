"""A bot that cannot reach etcd leaves Slack to the one that can, and comes back when etcd answers."""

import threading
from collections.abc import Iterator

import pytest

from bot import intake
from bot.connections import CONNECTIONS
from bot.service import Bot, SlackSettings
from gitops import etcd_client
from gitops.registry import Registry
from gitops.store import Store
from lab.slack.background import BackgroundSlack
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings as LabSettings
from tests.bot.room import CHANNEL, DEVELOPER, PATIENT, Room, eventually
from tests.gitops.cuttable import Ways, ways_to
from tests.gitops.etcd_cluster import EtcdCluster, etcd_cluster

PROMISED = ":hourglass_flowing_sand: sync …"
NOT_TAKEN = ":warning: etcd does not answer"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    with etcd_cluster(tmp_path_factory.mktemp("etcd")) as cluster:
        yield cluster


@pytest.fixture
def ways(cluster: EtcdCluster) -> Iterator[Ways]:
    with ways_to(cluster.endpoints) as ways:
        yield ways


@pytest.fixture
def room(cluster: EtcdCluster) -> Iterator[Room]:
    """A workspace with one bot, which reaches etcd."""
    store = cluster.store()
    store.delete_prefix("")
    with BackgroundSlack(SlackApi(settings=PATIENT)) as slack:
        room = Room(store, slack.api)
        room.start_bot(speaks=False)
        yield room
        room.stop_bots()
    store.close()


def other_bot(room: Room, store: Store) -> Bot:
    """Of another controller."""
    bot = Bot(Registry(store), SlackSettings(room.api.bot_token, room.api.app_token, room.api.api_url))
    bot.listen()
    eventually(lambda: bot.connected() and room.people.connections() == 2 * CONNECTIONS)
    return bot


def typed(room: Room) -> str:
    """What somebody is told who types a command; empty where nobody took it."""
    answer = room.people.type(DEVELOPER, CHANNEL, "/flstr sync")
    return str(answer["response"]["text"]) if answer["acknowledged"] else ""


def promised(room: Room, times: int) -> list[str]:
    """What is said until so many commands in a row are taken. A busy machine's etcd may not answer one in time."""
    said = [typed(room) for _ in range(times)]
    while said[-times:] != [PROMISED] * times and len(said) < 5 * times:
        said.append(typed(room))
    return said


def test_the_other_bot_takes_all_commands_while_one_is_cut_off(room: Room, ways: Ways) -> None:
    cut_off = Store(ways.endpoints)
    bot = other_bot(room, cut_off)
    ways.cut()
    said: list[str] = []
    while bot.connected() or room.people.connections() != CONNECTIONS:
        said.append(typed(room))
    # What was on its way by a connection at the moment when that was let go is lost.
    assert sum(not text for text in said) <= CONNECTIONS, said
    assert all(text.startswith((PROMISED, NOT_TAKEN)) for text in said if text), said
    said = promised(room, 6)
    # Only the other one could have been told, and each command has an answer.
    assert not bot.connected()
    assert room.people.connections() == CONNECTIONS
    assert said[-6:] == [PROMISED] * 6
    assert all(text.startswith((PROMISED, NOT_TAKEN)) for text in said), said
    ways.heal()
    eventually(lambda: bot.connected() and room.people.connections() == 2 * CONNECTIONS)
    said = promised(room, 6)
    assert said[-6:] == [PROMISED] * 6
    assert all(text.startswith((PROMISED, NOT_TAKEN)) for text in said), said
    bot.stop()
    cut_off.close()


def test_nobody_leaves_slack_where_one_member_is_stopped(
    room: Room, cluster: EtcdCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the others may take long to choose.
    monkeypatch.setattr(etcd_client, "ELECTION_SECONDS", 60.0)
    member = cluster.leader()
    own = cluster.store(first=cluster.members.index(member))
    bot = other_bot(room, own)
    member.stop()
    try:
        said: list[str] = []
        while len(said) < 4 or said[-4:] != [PROMISED] * 4:
            # The others choose a leader, for which a command may not wait long enough.
            said.append(typed(room))
            assert bot.connected(), "most of etcd is there"
            assert said[-1].startswith((PROMISED, NOT_TAKEN)), said
    finally:
        member.resume()
    bot.stop()
    own.close()


def test_whoever_waits_for_etcd_is_told_before_slack_gives_up() -> None:
    assert LabSettings().ack_seconds > intake.ETCD_SECONDS + intake.LOOK_SECONDS


def test_what_could_not_be_written_is_said_at_once(room: Room, ways: Ways) -> None:
    """Whoever had it taken just before the bot let go of Slack hears of it, by the connection that it came by."""
    room.stop_bots()
    store = Store(ways.endpoints)
    room.store = store
    bot = room.start_bot(speaks=False)
    answers: list[str] = []
    ways.cut()
    asking = threading.Thread(target=lambda: answers.append(typed(room)))
    asking.start()
    asking.join(30)
    assert answers[0].startswith(NOT_TAKEN)
    eventually(lambda: not bot.connected())
    ways.heal()
    eventually(bot.connected)
    room.stop_bots()
    store.close()
