"""Mentions that were said while nothing was heard: after every new connection the channels are read from there on."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from slack_sdk import WebClient

from bot.mentions import Mention, mention_of
from bot.pace import Pace
from bot.slack_errors import CALL_ERRORS, RateLimited, RefusedBySlack, failure
from gitops.store import Store
from model import keys
from model.errors import Refused

log = structlog.get_logger()

PAGE = 200
PAGES = 5
# What was said before that interests nobody any more.
LONGEST_SECONDS = 24 * 3600.0
# While connections are well, all that is older than this was heard.
MARGIN_SECONDS = 60.0
NOTE_SECONDS = 60.0
RETRY_SECONDS = 5.0
STOP_SECONDS = 12.0


class CatchUp:
    """One thread. What it takes up is known by its id, so that it is done once, whoever heard of it first."""

    def __init__(
        self,
        store: Store,
        client: WebClient,
        take: Callable[[Mention], bool],
        channel: Callable[[], str],
        well: Callable[[], bool],
        clock: Callable[[], float] = time.time,
        pace: Pace | None = None,
    ) -> None:
        self._store = store
        self._client = client
        self._take = take
        self._channel = channel
        self._well = well
        self._clock = clock
        self._pace = pace or Pace()
        self._losses = 0
        self._changing = threading.Lock()
        self._bot_user = ""
        # Whether all that was said was heard, since the channels were read last.
        self._whole = threading.Event()
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slack catch-up", daemon=True)

    def start(self) -> None:
        """Wait for connections."""
        self._thread.start()

    def stop(self) -> None:
        """Read nothing more."""
        self._stopped.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def lost(self) -> None:
        """A connection is to be made anew: something may have been said that was not heard."""
        with self._changing:
            self._losses += 1
            self._whole.clear()

    def connected(self) -> None:
        """It is there: what was missed can be read."""
        self._wanted.set()

    def heard(self, mention: Mention) -> None:
        """A mention was taken from its event: it need not be looked for, where nothing before it was missed."""
        if self._whole.is_set():
            self._note(mention.channel, mention.ts)
        elif self._store.put_new(keys.heard(mention.channel), f"{float(mention.ts) - 0.000001:.6f}"):
            log.info("a channel where flstr is spoken to", channel=mention.channel)

    def _run(self) -> None:
        while not self._stopped.is_set():
            wanted = self._wanted.wait(NOTE_SECONDS)
            self._wanted.clear()
            if self._stopped.is_set():
                return
            try:
                if wanted:
                    self._read_all()
                else:
                    self._keep_current()
            except (Refused, *CALL_ERRORS) as error:
                self._stopped.wait(self._pause(error))
                if wanted:
                    self._wanted.set()
            except Exception:
                log.exception("the channels could not be read")

    def _pause(self, error: Exception) -> float:
        said = None if isinstance(error, Refused) else failure(error)
        pause = said.seconds if isinstance(said, RateLimited) else RETRY_SECONDS
        if isinstance(said, RateLimited):
            self._pace.hold("conversations.history", "", time.monotonic() + pause)
        log.warning("what was missed is read later", error=str(error)[:200], seconds=pause)
        return pause

    def _read_all(self) -> None:
        """Read every channel where flstr was ever spoken to, and the cluster's own."""
        self._bot_user = self._bot_user or str(self._client.auth_test()["user_id"])
        begun = self._clock()
        known = {key.removeprefix(keys.HEARD): value for key, value in self._store.prefix(keys.HEARD).items()}
        losses = self._losses
        own = self._channel()
        for channel in sorted({*known, own} - {""}):
            self._read(channel, known.get(channel), begun)
        well = self._well()
        with self._changing:
            # What was lost meanwhile is looked for once it is connected again.
            if well and losses == self._losses:
                self._whole.set()

    def _read(self, channel: str, since: str | None, begun: float) -> None:
        if since is not None:
            oldest = max(float(since), begun - LONGEST_SECONDS)
            try:
                found = [self._of(message, channel) for message in self._messages(channel, oldest)]
            except CALL_ERRORS as error:
                if not isinstance(said := failure(error), RefusedBySlack):
                    raise
                log.warning("a channel cannot be read", channel=channel, error=said.error)
                return
            missed = [mention for mention in found if mention is not None]
            for mention in sorted(missed, key=lambda one: float(one.ts)):
                if not self._take(mention):
                    raise Refused("etcd does not take what was missed")
        self._note(channel, f"{begun - MARGIN_SECONDS if since is not None else begun:.6f}")

    def _keep_current(self) -> None:
        if self._whole.is_set() and self._well():
            for channel in self._store.prefix(keys.HEARD):
                self._note(channel.removeprefix(keys.HEARD), f"{self._clock() - MARGIN_SECONDS:.6f}")

    def _of(self, message: dict[str, Any], channel: str) -> Mention | None:
        return mention_of(message, channel, self._bot_user)

    def _messages(self, channel: str, oldest: float) -> Iterator[dict[str, Any]]:
        cursor = None
        for _ in range(PAGES):
            self._wait_for_turn()
            page = self._client.conversations_history(
                channel=channel, oldest=f"{oldest:.6f}", limit=PAGE, cursor=cursor
            )
            yield from page.get("messages") or ()
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _wait_for_turn(self) -> None:
        """Until Slack may be asked. Raises `Refused` where it was stopped meanwhile: what is not read is not noted."""
        while (now := time.monotonic()) < (at := self._pace.ready_at("conversations.history", "", now)):
            if self._stopped.wait(at - now):
                raise Refused("it is stopped")
        self._pace.made("conversations.history", "", now)

    def _note(self, channel: str, ts: str) -> None:
        """Never back: what was looked at stays so."""
        key = keys.heard(channel)
        before = self._store.get(key)
        if before is None or float(before) < float(ts):
            self._store.write_where(key, before, {key: ts})
