"""Intents on their way to etcd in time, and a few threads beside the listeners for what has to be told to Slack."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from contextlib import suppress
from typing import Any

import structlog
from slack_sdk import WebClient

from bot.clients import webhook_client
from bot.slack_errors import CALL_ERRORS
from gitops.intents import submit
from gitops.store import Store
from model.errors import Refused
from model.operation import Asker, Intent

log = structlog.get_logger()

# Slack gives a listener three seconds; meanwhile another of etcd's members may have to be asked.
ETCD_SECONDS = 2.3
LOOK_SECONDS = 0.1
WRITERS = 16
TELLERS = 8
# What is waited for longer than a trigger lives, and what is waited for while somebody types, has threads of its own.
LASTING = 4
SUGGESTIONS = 4


class Intake:
    """Nothing here sleeps for Slack while it waits for an acknowledgement."""

    def __init__(
        self,
        store: Store,
        client: WebClient,
        clock: Callable[[], float] = time.time,
        name_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        self.store = store
        self.client = client
        self.clock = clock
        self._name_of = name_of
        self.home_channel = ""
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="slack intent")
        self._tellers = ThreadPoolExecutor(TELLERS, thread_name_prefix="slack modal")
        self._lasting = ThreadPoolExecutor(LASTING, thread_name_prefix="slack preview")
        self._suggestions = ThreadPoolExecutor(SUGGESTIONS, thread_name_prefix="slack suggestion")

    def stop(self) -> None:
        """Write and tell no more."""
        for pool in (self._writers, self._tellers, self._lasting, self._suggestions):
            pool.shutdown(wait=False, cancel_futures=True)

    def take(self, intent: Intent) -> bool:
        """Whether an intent is in etcd now, by this delivery or another one."""
        intent = self._placed(intent)
        new = self.in_time(lambda: submit(self.store, intent))
        if new is None:
            return False
        log.info("intent", id=intent.id, verb=intent.verb, user=intent.asker.user, delivered_twice=not new)
        return True

    def in_time(self, work: Callable[[], Any], *, suggests: bool = False) -> Any:
        """What `work` with etcd comes to, or None where it does not within the time that Slack gives.

        What only `suggests` something may wait, and no intent waits for it.
        """
        try:
            doing: Future[Any] = (self._suggestions if suggests else self._writers).submit(work)
        except RuntimeError:  # it was stopped
            return None
        try:
            return self._result(doing)
        except (Refused, TooSlow) as error:
            doing.cancel()
            log.warning("etcd was not in time", error=str(error) or type(error).__name__)
            return None

    def _result(self, doing: Future[Any]) -> Any:
        """What comes of it; nobody waits for it any more once etcd is known to be silent."""
        until = time.monotonic() + ETCD_SECONDS
        while True:
            try:
                return doing.result(timeout=LOOK_SECONDS)
            except TooSlow:
                if not self.store.is_well() or time.monotonic() > until:
                    raise

    def aside(self, work: Callable[[], object], *, lasts: bool = False) -> None:
        """Have something done that calls Slack, without the listener waiting for it; nothing waits for what `lasts`."""

        def done() -> None:
            try:
                work()
            except (Refused, *CALL_ERRORS) as error:
                log.warning("a person could not be told", error=str(error)[:200])
            except Exception:
                log.exception("a person could not be told")

        with suppress(RuntimeError):  # it was stopped
            (self._lasting if lasts else self._tellers).submit(done)

    def tell(self, asker: Asker, text: str, *, replace: bool = False) -> None:
        """Say something to one person, beside etcd; `replace` puts it in the place of what was clicked."""
        placed = asker if asker.channel else asker.model_copy(update={"channel": self.home_channel})
        self.aside(lambda: self._tell(placed, text, replace=replace))

    def _tell(self, asker: Asker, text: str, *, replace: bool) -> None:
        if asker.response_url:
            sent = webhook_client(asker.response_url).send(
                text=text, response_type="ephemeral", replace_original=replace
            )
            if sent.status_code == 200:
                return
        self.client.chat_postEphemeral(channel=asker.channel, user=asker.user, text=text)

    def _placed(self, intent: Intent) -> Intent:
        """What was asked in App Home is answered where the cluster speaks; a mention does not name its channel."""
        asker = intent.asker
        channel = asker.channel or ("" if asker.view else self.home_channel)
        name = asker.channel_name or self._name_of(channel)
        return intent.model_copy(update={"asker": asker.model_copy(update={"channel": channel, "channel_name": name})})
