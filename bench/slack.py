"""How soon a person in Slack sees that a command was taken."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler

from bench import servers
from bench.figures import Figure, Group, timed
from bot.clients import SlackSettings, web_client
from bot.service import Bot
from gitops.registry import Registry
from gitops.store import Store
from lab.slack.client import SlackControl

COMMANDS = 100
CHANNEL, OPERATOR = "C01FLSTR", "U01OPERATOR"
CONNECT_SECONDS = 20.0


def measure(folder: Path) -> Iterator[Group]:
    """100 commands from typed to acknowledged: written to etcd first, over a listener that only acknowledges."""
    with servers.etcd(folder) as endpoint:
        with servers.slack() as (page, settings), bot(endpoint, settings, page):
            flstr = _commands(page)
        with servers.slack() as (page, settings), listener(settings, page):
            floor = _commands(page)
    yield Group(
        "Slack: from typed to acknowledged",
        (
            Figure("/flstr status", flstr, note="the intent is in etcd by then"),
            Figure("a bolt listener that only acknowledges", floor, "floor"),
        ),
    )


def _commands(page: str) -> tuple[float, ...]:
    people = SlackControl(page)

    def ask() -> None:
        answer = people.type(OPERATOR, CHANNEL, "/flstr status")
        if not answer["acknowledged"]:
            raise RuntimeError(f"the command was not acknowledged: {answer}")

    timed(ask, 5)
    return timed(ask, COMMANDS)


@contextmanager
def bot(endpoint: str, settings: SlackSettings, page: str) -> Iterator[None]:
    """A bot that listens and speaks."""
    store = Store([endpoint])
    running = Bot(Registry(store), settings)
    running.listen()
    running.speak()
    try:
        _until_connected(page)
        yield
    finally:
        running.stop()
        store.close()


@contextmanager
def listener(settings: SlackSettings, page: str) -> Iterator[None]:
    """The floor: nothing but an acknowledgement."""
    app = App(client=web_client(settings))

    @app.command("/flstr")
    def acknowledge(ack: Ack) -> None:
        ack("taken")

    handler = SocketModeHandler(app, settings.app_token)
    handler.client.proxy = None
    handler.connect()  # type: ignore[no-untyped-call]
    try:
        _until_connected(page)
        yield
    finally:
        # The SDK's end waits for what it receives; on a closed connection it does not.
        SlackControl(page).disconnect("abort")
        handler.close()  # type: ignore[no-untyped-call]


def _until_connected(page: str) -> None:
    deadline = time.monotonic() + CONNECT_SECONDS
    while not SlackControl(page).connections():
        if time.monotonic() > deadline:
            raise RuntimeError("the app did not connect to Slack")
        time.sleep(0.05)
