"""The bot as one part to start and stop: Slack on one side, etcd on the other."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import structlog
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.error import BoltError
from slack_sdk.errors import SlackClientError

from bot.answers import Answers
from bot.channels import Channels
from bot.clients import SlackSettings, is_loopback, web_client
from bot.delivery import Delivery
from bot.directory import SlackDirectory
from bot.listeners import Listeners
from bot.outbox import Outbox
from bot.poster import Poster
from bot.shown import Cards
from gitops.registry import Registry

__all__ = ["Bot", "SlackSettings"]

log = structlog.get_logger()

DEFAULT_CHANNEL = "flstr"
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
STOP_SECONDS = 12.0
LISTENER_THREADS = 20
PING_SECONDS = 5.0


class Bot:
    """Everything it knows is in etcd: a new one goes on where a killed one was."""

    def __init__(self, registry: Registry, settings: SlackSettings, default_channel: str = DEFAULT_CHANNEL) -> None:
        self._settings = settings
        self._client = web_client(settings)
        self._cards = Cards(registry.store)
        channels = Channels(self._client)
        self._outbox = Outbox(Delivery(self._client, self._cards, channels), self._cards, channels)
        self._poster = Poster(registry, self._outbox, self._cards, default_channel)
        self.directory = SlackDirectory(self._client)
        self._answers = Answers(registry.store, self._client)
        self._listeners = Listeners(registry.store)
        self._socket: SocketModeHandler | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="slack connection", daemon=True)

    def listen(self) -> None:
        """Take commands and clicks; any number of bots may. Returns at once, also where Slack does not answer."""
        self._thread.start()

    def speak(self) -> None:
        """Post, edit and answer; one bot may, or everything is said twice. Raises `Refused` where etcd is silent."""
        self._cards.load()
        self._outbox.start()
        self._poster.start()
        self._answers.start()

    def stop(self) -> None:
        """Let go of Slack; nothing is lost by it."""
        self._stopped.set()
        self._thread.join(timeout=STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()  # type: ignore[no-untyped-call]
        self._poster.stop()
        self._answers.stop()
        self._outbox.stop()
        self._listeners.stop()

    def connected(self) -> bool:
        """Whether commands and clicks arrive."""
        return self._socket is not None and self._socket.client.is_connected()

    def _connect(self) -> None:
        pause = FIRST_RETRY_SECONDS
        while not self._stopped.is_set():
            try:
                self._socket = self._socket or self._handler()
                # An address for the socket is good for one try.
                self._socket.client.wss_uri = None
                self._socket.connect()  # type: ignore[no-untyped-call]
            except (SlackClientError, BoltError, OSError, HTTPException) as error:
                log.warning("Slack is not connected yet", error=_short(error), next_try_seconds=pause)
                self._stopped.wait(pause)
                pause = min(pause * 2, LONGEST_RETRY_SECONDS)
            else:
                log.info("Slack is connected")
                return

    def _handler(self) -> SocketModeHandler:
        app = App(
            client=self._client,
            logger=_quiet_logger(),
            listener_executor=ThreadPoolExecutor(LISTENER_THREADS, thread_name_prefix="slack listener"),
        )
        self._listeners.register(app)
        handler = SocketModeHandler(app, self._settings.app_token, ping_interval=PING_SECONDS)
        if self._settings.api_url is not None and is_loopback(self._settings.api_url):
            handler.client.proxy = None
        return handler


def _quiet_logger() -> logging.Logger:
    """Bolt tells every connection and disconnection; flstr's log keeps what went wrong."""
    logger = logging.getLogger("flstr.slack")
    logger.setLevel(logging.WARNING)
    return logger


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0][:200]
