"""A connection that goes, or stands open and says nothing, is made anew; the other one goes on meanwhile."""

import socket
import threading
from collections.abc import Iterator

import pytest

from bot import connections, session
from lab.slack import socket_mode
from lab.slack.client import SlackControl
from tests.bot.room import CHANNEL, DEVELOPER, Room, eventually


class Muffler:
    """A way to the lab's Slack on which what is sent can be lost in both directions, with every socket left open."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._muffled: set[int] = set()
        self._ways: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def muffle(self) -> int:
        """Let nothing through any more on what is open now; how many ways that are."""
        self._muffled.update(range(len(self._ways)))
        return len(self._muffled)

    def close(self) -> None:
        self._server.close()
        for way in self._ways:
            for end in way:
                end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            number = len(self._ways)
            self._ways.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(number, source, sink), daemon=True).start()

    def _carry(self, number: int, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if number not in self._muffled:
                    sink.sendall(data)
            if number not in self._muffled:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def muffler(room: Room) -> Iterator[Muffler]:
    """Between the bot and Slack, whose addresses it gives out as its own."""
    muffler = Muffler(int(room.api.url.rpartition(":")[2]))
    room.api._slack.app_url = f"http://127.0.0.1:{muffler.port}"
    yield muffler
    room.stop_bots()
    muffler.close()


def test_connections_that_are_open_and_deaf_are_noticed(
    room: Room, muffler: Muffler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "DEAF_SECONDS", 4.0)
    bot = room.start_bot()
    opened = len(room.people.calls("apps.connections.open"))
    assert muffler.muffle() >= 2
    # What is sent where nobody hears it is lost after so long.
    monkeypatch.setattr(room.api._slack.socket, "_ack_seconds", 3.0)
    eventually(lambda: len(room.people.calls("apps.connections.open")) >= opened + 2)
    eventually(bot.connected)
    eventually(lambda: room.people.type(DEVELOPER, CHANNEL, "/flstr sync")["acknowledged"])


def test_a_deaf_connection_is_noticed_within_fifteen_seconds() -> None:
    assert session.DEAF_SECONDS + session.PING_SECONDS + connections.LOOK_SECONDS < 15


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "abort"])
def test_commands_arrive_while_connections_are_replaced(room: Room, reason: str) -> None:
    bot = room.start_bot()
    opened = len(room.people.calls("apps.connections.open"))
    room.people.disconnect(reason)
    eventually(lambda: len(room.people.calls("apps.connections.open")) >= opened + 2)
    eventually(lambda: bot._connections.well() == 2)
    assert room.people.type(DEVELOPER, CHANNEL, "/flstr sync")["acknowledged"]


def test_a_refresh_loses_no_command(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    # Time to connect anew, on a busy machine as well.
    monkeypatch.setattr(socket_mode, "REFRESH_SECONDS", 10.0)
    room.start_bot()
    room.people.disconnect("refresh_requested")
    typed = [room.people.type(DEVELOPER, CHANNEL, f"/flstr scale influencer {number}") for number in range(30)]
    assert [one["error"] for one in typed] == [None] * 30
    assert len(room.intents()) == 30


def test_a_socket_that_is_closed_by_two_at_once_is_made_anew(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = room.start_bot()
    eventually(lambda: bot._connections.well() == 2)
    session = bot._connections._all[0].session
    assert session is not None
    assert session.current_session is not None
    close = session.current_session.close

    def closed_already() -> None:
        close()
        raise AttributeError("'NoneType' object has no attribute 'close'")

    monkeypatch.setattr(session.current_session, "close", closed_already)
    session.end()
    eventually(lambda: bot._connections._all[0].session not in (None, session))


def test_seven_controllers_have_less_than_the_ten_connections_that_slack_gives() -> None:
    for controllers in range(1, 8):
        together = controllers * connections.connections_each(controllers)
        assert 2 <= together < 10


def test_each_of_five_bots_has_one_and_a_command_arrives_once(room: Room) -> None:
    for _ in range(5):
        room.start_bot(speaks=False, controllers=5)
    assert room.people.connections() == 5
    assert room.people.type(DEVELOPER, CHANNEL, "/flstr sync")["acknowledged"]
    assert len(room.intents()) == 1


def test_slack_is_asked_for_no_more_connections_than_are_kept(room: Room) -> None:
    bot = room.start_bot()
    eventually(lambda: bot._connections.well() == 2)
    assert SlackControl(room.api.url).connections() == 2
