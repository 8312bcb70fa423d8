"""The connections that Slack speaks to us by: several, each kept by itself, so that one may go and nothing is lost."""

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import structlog
from slack_bolt import App, BoltRequest
from slack_bolt.error import BoltError
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError, SlackClientNotConnectedError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.slack_errors import CALL_ERRORS, RateLimited, failure

log = structlog.get_logger()

PING_SECONDS = 3.0
# A connection on which nothing came for so long, not even an answer to a ping, is deaf.
DEAF_SECONDS = 11.0
LOOK_SECONDS = 0.5
HELLO_SECONDS = 10.0
# How long a connection that gives way to another one may still hand in what it was told.
PARTING_SECONDS = 3.0
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
STOP_SECONDS = 5.0
# How long a connection that is let go may still hand in what it was told: nobody waits for etcd then.
LETTING_GO_SECONDS = 0.3
AWAY_SECONDS = 0.1
WORKERS = 16
CONNECTIONS = 2
# Slack gives an app ten. From so many controllers on, each has the connections of the others beside its own one.
ENOUGH_CONTROLLERS = 4


class Session(SocketModeClient):
    """One WebSocket of slack-sdk, without its own way to connect again, which may leave it open and deaf."""

    def __init__(self, app: App, web_client: WebClient, app_token: str, rescue: Callable[[str], None]) -> None:
        super().__init__(
            app_token,
            logger=app.logger,
            web_client=web_client,
            ping_interval=PING_SECONDS,
            concurrency=WORKERS,
            on_message_listeners=[self._heard_message],
        )
        self.proxy = web_client.proxy
        self.leaving = threading.Event()
        self.greeted = threading.Event()
        self._app = app
        self._rescue = rescue
        self._taking: set[str] = set()
        self._heard_at = time.monotonic()
        self._pong: float | None = None
        self.socket_mode_request_listeners.append(self._take)

    def open(self) -> bool:
        """Connect, and wait for Slack's greeting. Raises what slack-sdk raises."""
        answer = self.web_client.apps_connections_open(app_token=self.app_token)
        # An address is good for one try.
        self.wss_uri = str(answer["url"])
        self.connect()
        return self.is_connected() and self.greeted.wait(HELLO_SECONDS)

    def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002
        """Slack asks for it, or the socket has ended: whoever keeps this session makes the next one."""
        self.leaving.set()

    @property
    def busy(self) -> bool:
        """Whether something that came by it is still to be acknowledged."""
        return bool(self._taking)

    def silent_for(self) -> float:
        """The seconds since anything came, answers to pings among it."""
        pong = self.current_session.last_ping_pong_time if self.current_session is not None else None
        if pong != self._pong:
            self._pong, self._heard_at = pong, time.monotonic()
        return time.monotonic() - self._heard_at

    def is_well(self) -> bool:
        """Whether commands arrive by it: it is open, it answers, and what comes is worked on."""
        at_work = self.message_processor.thread is not None and self.message_processor.is_alive()
        return self.greeted.is_set() and not self.has_ended() and at_work and self.silent_for() < DEAF_SECONDS

    def has_ended(self) -> bool:
        """Whether the other side is gone. slack-sdk reads on from a socket that ended without a closing frame."""
        sock = self.current_session.sock if self.current_session is not None else None
        if sock is None:
            return True
        poll = select.poll()
        try:
            poll.register(sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
            return bool(poll.poll(0))
        except (OSError, ValueError):  # it was closed just now
            return True

    def send_message(self, message: str) -> None:
        """Send; what a socket that has ended cannot send any more goes by another one."""
        try:
            self.send_now(message)
        except SlackClientNotConnectedError:
            self._rescue(message)

    def send_now(self, message: str) -> None:
        """Send by this socket. Raises `SlackClientNotConnectedError`."""
        if self.current_session is None:
            raise SlackClientNotConnectedError("there is no socket")
        self.current_session.send(message)

    def end(self) -> None:
        """Close it, without waiting for what never comes."""
        with suppress(OSError, AttributeError):
            self.current_session.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        self.close()

    def disconnect(self) -> None:
        """Close the socket; slack-sdk stumbles where it is being closed by another thread just now."""
        with suppress(OSError, AttributeError):
            super().disconnect()

    def _heard_message(self, message: str) -> None:
        self._heard_at = time.monotonic()
        if '"hello"' in message[:200]:
            self.greeted.set()

    def _on_error(self, error: Exception) -> None:
        self.logger.info("a socket has ended: %s", error)

    def _take(self, _client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        self._taking.add(request.envelope_id)
        try:
            self._dispatch(request)
        finally:
            self._taking.discard(request.envelope_id)

    def _dispatch(self, request: SocketModeRequest) -> None:
        headers: dict[str, str | Sequence[str]] | None
        headers = {"x-slack-retry-num": str(request.retry_attempt)} if request.retry_attempt else None
        answer = self._app.dispatch(BoltRequest(mode="socket_mode", body=request.payload, headers=headers))
        if answer.status == 200:
            self.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload=_payload(answer.body)))


def _payload(body: str) -> Any:
    if not body:
        return None
    return json.loads(body) if body.startswith("{") else {"text": body}


class Gaps(Protocol):
    """Who has to know when something may have been missed."""

    def lost(self) -> None:
        """A connection is to be made anew."""

    def connected(self) -> None:
        """It is there."""


class Connection:
    """One connection that is kept: made anew where Slack asks for it, where it ends, and where it is deaf."""

    def __init__(self, number: int, make: Callable[[], Session], turn: threading.Lock, gaps: "Gaps") -> None:
        self._make = make
        self._turn = turn
        self._gaps = gaps
        self._log = log.bind(connection=number)
        self._session: Session | None = None
        self._stopped = threading.Event()
        self._away = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"slack connection {number}", daemon=True)

    def start(self) -> None:
        """Connect, and stay so. Returns at once, also where Slack does not answer."""
        self._thread.start()

    def stop(self) -> None:
        """Connect no more, and close."""
        self._stopped.set()
        if (session := self._session) is not None:
            session.leaving.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def let_go(self) -> None:
        """Be without one until `take_again()`, so that Slack tells others."""
        self._away.set()
        if (session := self._session) is not None:
            session.leaving.set()

    def take_again(self) -> None:
        """Connect anew, where it was let go."""
        self._away.clear()

    @property
    def session(self) -> Session | None:
        """What commands come by now, if they do."""
        session = self._session
        return session if session is not None and session.is_well() else None

    def _run(self) -> None:
        pause = FIRST_RETRY_SECONDS
        while not self._stopped.is_set():
            if self._away.is_set():
                self._be_away()
                continue
            session, again = self._open()
            if session is None:
                self._stopped.wait(again or pause)
                pause = min(pause * 2, LONGEST_RETRY_SECONDS)
                continue
            pause = FIRST_RETRY_SECONDS
            before, self._session = self._session, session
            _part(before)
            self._log.info("Slack is connected")
            self._gaps.connected()
            self._keep(session)
        if self._session is not None:
            self._session.end()

    def _be_away(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._stopped.wait(LETTING_GO_SECONDS)
            until = time.monotonic() + PARTING_SECONDS
            while session.busy and time.monotonic() < until and not self._stopped.wait(AWAY_SECONDS):
                pass
            session.end()
            self._log.warning("Slack is let go, so that it tells others")
        while self._away.is_set() and not self._stopped.wait(AWAY_SECONDS):
            pass

    def _open(self) -> tuple[Session | None, float | None]:
        """A new session, or how long Slack asks to wait where it says. One connection at a time is made anew."""
        session: Session | None = None
        with self._turn:
            if self._stopped.is_set() or self._away.is_set():
                return None, AWAY_SECONDS
            try:
                self._gaps.lost()
                session = self._make()
                if session.open():
                    return session, None
                reason, again = "Slack does not greet", None
            except (*CALL_ERRORS, SlackClientError, BoltError) as error:
                reason = f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0][:200]
                said = failure(error)
                again = said.seconds if isinstance(said, RateLimited) else None
            except Exception as error:
                # Nobody else would ever connect again.
                self._log.exception("a connection could not be made")
                reason, again = type(error).__name__, None
        self._log.warning("Slack is not connected", error=reason)
        if session is not None:
            session.end()
        return None, again

    def _keep(self, session: Session) -> None:
        """Return once another session is wanted."""
        while not self._stopped.is_set() and not session.leaving.wait(LOOK_SECONDS) and session.is_well():
            pass
        if self._stopped.is_set() or self._away.is_set():
            return
        if not session.leaving.is_set() and not session.has_ended():
            silent = round(session.silent_for(), 1)
            self._log.warning("a connection to Slack is deaf, and made anew", silent_seconds=silent)
            session.end()


def connections_each(controllers: int) -> int:
    """How many connections each of so many bots keeps."""
    return CONNECTIONS if controllers < ENOUGH_CONTROLLERS else 1


class Connections:
    """Slack gives each command to one of them; while any is well, commands arrive."""

    def __init__(
        self,
        make_app: Callable[[], App],
        web_client: WebClient,
        app_token: str,
        gaps: "Gaps",
        count: int = CONNECTIONS,
    ) -> None:
        self._make_app = make_app
        self._web_client = web_client
        self._app_token = app_token
        self._app: App | None = None
        turn = threading.Lock()
        self._all = [Connection(number, self._session, turn, gaps) for number in range(1, count + 1)]

    def start(self) -> None:
        """Connect, and stay so; returns at once."""
        for connection in self._all:
            connection.start()

    def stop(self) -> None:
        """Close all of them."""
        stopping = [threading.Thread(target=connection.stop, daemon=True) for connection in self._all]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join(timeout=STOP_SECONDS)

    def let_go(self) -> None:
        """Be without any until `take_again()`."""
        for connection in self._all:
            connection.let_go()

    def take_again(self) -> None:
        """Connect anew."""
        for connection in self._all:
            connection.take_again()

    def well(self) -> int:
        """By how many of them commands arrive."""
        return sum(connection.session is not None for connection in self._all)

    def _session(self) -> Session:
        # The first one makes the app, which asks Slack who it is; one is made at a time.
        self._app = self._app or self._make_app()
        return Session(self._app, self._web_client, self._app_token, self._send)

    def _send(self, message: str) -> None:
        """Hand in an acknowledgement by whichever connection is well."""
        for session in [connection.session for connection in self._all]:
            if session is not None:
                with suppress(SlackClientNotConnectedError):
                    session.send_now(message)
                    return
        log.warning("an acknowledgement could not be handed in")


def _part(session: Session | None) -> None:
    """Close a session whose place is taken, once what it was told has been answered."""
    if session is not None:
        timer = threading.Timer(PARTING_SECONDS, session.end)
        timer.daemon = True
        timer.start()
