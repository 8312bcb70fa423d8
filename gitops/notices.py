"""Things the channel has to hear once."""

import time

import structlog

from gitops.store import Store
from model import keys
from model.errors import Refused
from model.mrkdwn import escape
from model.operation import Notice

log = structlog.get_logger()

PATIENCE_SECONDS = 30.0


def say(store: Store, notice_id: str, text: str) -> None:
    """Have the bot post `text` (Slack mrkdwn) in the channel; the same id is said once."""
    store.put_new(keys.notice(notice_id), Notice(id=notice_id, text=text, at=time.time()).to_json())


class Trouble:
    """Something outside that cannot be read: logged at once, said in the channel when it lasts, and when it is over."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since: float | None = None
        self._told = False

    def seen(self, sentence: str, now: float) -> None:
        """It is there, again or still."""
        log.warning("nothing can be done now", sentence=sentence)
        if self._since is None:
            self._since = now
        if not self._told and now - self._since >= PATIENCE_SECONDS:
            self._told = self._try_say("begins", f":warning: Nothing is changed for now: {escape(sentence)}")

    def over(self) -> None:
        """It is no longer there."""
        if self._told:
            self._try_say("over", ":white_check_mark: What could not be read can be read again; flstr goes on.")
        self._since, self._told = None, False

    def _try_say(self, what: str, text: str) -> bool:
        try:
            say(self._store, f"trouble-{int(self._since or 0)}-{what}", text)
        except Refused:
            return False
        return True
