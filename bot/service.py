"""The bot as one part to start and stop: Slack on one side, etcd on the other."""

import logging
from threading import Thread

from slack_bolt import App

from bot.answers import Answers
from bot.catch_up import CatchUp
from bot.channels import Channels
from bot.clients import SlackSettings, web_client
from bot.connections import Connections, connections_each
from bot.delivery import Delivery
from bot.directory import SlackDirectory
from bot.home.keeper import HomeKeeper
from bot.intake import Intake
from bot.listeners import Listeners, intent_of
from bot.mentions import Mention
from bot.modal.listening import Modals
from bot.news import News
from bot.outbox import Outbox
from bot.pace import Pace
from bot.poster import Poster
from bot.shown import Cards
from bot.turning_away import TurningAway
from gitops.registry import Registry
from gitops.rights import Rights
from model import keys

__all__ = ["Bot", "SlackSettings"]

DEFAULT_CHANNEL = "flstr"


class Bot:
    """Everything it knows is in etcd: a new one goes on where a killed one was."""

    def __init__(
        self,
        registry: Registry,
        settings: SlackSettings,
        default_channel: str = DEFAULT_CHANNEL,
        controllers: int = 1,
    ) -> None:
        """One of as many bots as there are `controllers`."""
        store = registry.store
        self._registry = registry
        self._default_channel = default_channel
        self._client = web_client(settings)
        pace = Pace()
        self._cards = Cards(store)
        self._channels = Channels(self._client)
        delivery = Delivery(self._client, self._cards, self._channels)
        self._outbox = Outbox(delivery, self._cards, self._channels, pace=pace)
        self._poster = Poster(registry, self._outbox, self._cards, default_channel)
        self.directory = SlackDirectory(self._client)
        self._paused: list[News] = []
        self._answers = Answers(store, self._client, self._cards, pace)
        rights = Rights(self.directory)
        self._home = HomeKeeper(registry, self._outbox, rights)
        self._intake = Intake(store, self._client, name_of=self._channels.name_of)
        self._catch_up = CatchUp(store, self._client, self._take, self._channel, self.connected, pace=pace)
        self._listeners = Listeners(self._intake, Modals(self._intake, registry, rights), self._catch_up.heard)
        count = connections_each(controllers)
        self._connections = Connections(self._app, self._client, settings.app_token, self._catch_up, count)
        self._turning_away = TurningAway(store.is_well, self._connections)

    def listen(self) -> None:
        """Take commands and clicks; any number of bots may. Returns at once, also where Slack does not answer."""
        self._catch_up.start()
        self._connections.start()
        self._turning_away.start()

    def speak(self) -> None:
        """Post, edit and answer; one bot may, or everything is said twice. Raises `Refused` where etcd is silent."""
        self._cards.load()
        self._outbox.start()
        self._poster.start()
        self._answers.start()
        self._home.start()

    def hush(self) -> None:
        """Say nothing more, so that another bot may, but what pauses; that is said at the stop."""
        self._paused = self._poster.stop()
        # Each may be in the middle of a call; together they take no longer than the longest.
        stopping = [Thread(target=stop) for stop in (self._home.stop, self._answers.stop, self._outbox.hush)]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def stop(self) -> None:
        """Let go of Slack; nothing is lost by it."""
        self._turning_away.stop()
        self._connections.stop()
        self._catch_up.stop()
        self.hush()
        self._outbox.stop(self._paused)
        self._intake.stop()

    def connected(self) -> bool:
        """Whether commands and clicks arrive."""
        return self._connections.well() > 0

    def _app(self) -> App:
        # A listener runs where its envelope is read, which waits for no other one; what it raises is not acknowledged.
        app = App(client=self._client, logger=_quiet_logger(), process_before_response=True)
        self._listeners.register(app)
        return app

    def _take(self, mention: Mention) -> bool:
        return self._intake.take(intent_of(mention, self._intake.clock()))

    def _channel(self) -> str:
        """The id of the channel where the cluster speaks; empty where the app sees none."""
        known = self._registry.store.get(keys.CLUSTER) is not None
        name = self._registry.cluster().channel if known else self._default_channel
        self._intake.home_channel = self._channels.known(name) or self._channels.ask(name) or ""
        return self._intake.home_channel


def _quiet_logger() -> logging.Logger:
    """Bolt tells every connection and disconnection; flstr's log keeps what went wrong."""
    logger = logging.getLogger("flstr.slack")
    logger.setLevel(logging.WARNING)
    return logger
