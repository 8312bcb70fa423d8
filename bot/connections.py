"""The connections that Slack speaks to us by: several, each kept by itself, so that one may go and nothing is lost."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog
from slack_bolt import App
from slack_bolt.error import BoltError
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError, SlackClientNotConnectedError

from bot.session import Session
from bot.slack_errors import CALL_ERRORS, RateLimited, failure

log = structlog.get_logger()

LOOK_SECONDS = 0.5
# How long a connection that gives way to another one may still hand in what it was told.
PARTING_SECONDS = 3.0
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
STOP_SECONDS = 5.0
# How long a connection that is let go may still hand in what it was told: nobody waits for etcd then.
LETTING_GO_SECONDS = 0.3
AWAY_SECONDS = 0.1
CONNECTIONS = 2
# Slack gives an app ten. From so many controllers on, each has the connections of the others beside its own one.
ENOUGH_CONTROLLERS = 4


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
