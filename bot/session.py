"""One WebSocket of slack-sdk, without its own way to connect again."""

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from slack_bolt import App, BoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientNotConnectedError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

PING_SECONDS = 3.0
# A connection on which nothing came for so long, not even an answer to a ping, is deaf.
DEAF_SECONDS = 11.0
HELLO_SECONDS = 10.0
WORKERS = 16


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
