"""Things the channel has to hear once."""

import contextlib
import time

import structlog

from gitops.store import Store
from model import keys
from model.errors import Unreadable
from model.mrkdwn import escape
from model.operation import Notice

log = structlog.get_logger()

PATIENCE_SECONDS = 30.0


def say(store: Store, notice_id: str, text: str) -> None:
    """Have the bot post `text` (Slack mrkdwn) in the channel; the same id is said once."""
    for key, value in notice(notice_id, text).items():
        store.put_new(key, value)


def notice(notice_id: str, text: str) -> dict[str, str]:
    """What has the bot post `text`, for whoever writes it together with what it tells of."""
    return {keys.notice(notice_id): Notice(id=notice_id, text=text, at=time.time()).to_json()}


class Trouble:
    """Something outside that cannot be read: logged at once, said in the channel when it lasts, and when it is over.

    What was said is kept in etcd, for it may be over only after this controller was killed.
    """

    def __init__(self, store: Store, key: str = keys.TROUBLE, what: str = "Nothing is changed for now") -> None:
        """`key` is where it is kept since when; `what` follows from it."""
        self._store = store
        self._key = key
        self._what = what
        self._since: float | None = None
        # None until it is known whether an earlier controller said something.
        self._told: bool | None = None

    def seen(self, sentence: str, now: float) -> None:
        """It is there, again or still."""
        log.warning("nothing can be done now", sentence=sentence)
        if self._since is None:
            self._since = now
        if not self._told and now - self._since >= PATIENCE_SECONDS:
            with contextlib.suppress(Unreadable):
                self._store.put_new(self._key, str(int(self._since)))
                text = f":warning: {self._what}: {escape(sentence)}"
                say(self._store, f"{self._name}-{self._store.get(self._key)}-begins", text)
                self._told = True

    def over(self) -> None:
        """It is no longer there."""
        self._since = None
        if self._told is False:
            return
        with contextlib.suppress(Unreadable):
            since = self._store.get(self._key)
            if since is not None:
                text = ":white_check_mark: What could not be read can be read again; flstr goes on."
                say(self._store, f"{self._name}-{since}-over", text)
                self._store.delete(self._key)
            self._told = False

    @property
    def _name(self) -> str:
        return self._key.rpartition("/")[2]
