"""The desk that intents come to: who asks is known, whether they may is checked, and every one gets an answer."""

import difflib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog

from gitops import intents
from gitops.etcd_following import Following
from gitops.gate import may_be_asked, names
from gitops.holds.rules import read_holds, waiting_line
from gitops.registry import Registry
from gitops.rights import Rights, Standing, holders
from gitops.store import Store
from model import keys
from model.attachment import Reply
from model.cluster import Cluster
from model.errors import Fenced, Refused, Unreadable
from model.mrkdwn import escape
from model.operation import Intent
from model.people import Right
from model.verbs import BY_NAME

log = structlog.get_logger()

SIDE_BY_SIDE = 8
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Request:
    """An intent whose asker is known and may ask; `author` and `email` are what they commit under."""

    intent: Intent
    person: str
    email: str
    cluster: Cluster
    may: frozenset[Right] = frozenset()
    author: str = ""
    standing: Standing | None = None

    @property
    def place(self) -> str:
        """Where they asked: `slack #flstr`, or `shell`."""
        return self.intent.asker.where


# Returns the answer for the person; text is Slack mrkdwn.
Handler = Callable[[Request], str | Reply]


class Desk:
    """Takes new intents from etcd, has their verb's handler answer, and writes the answer back."""

    def __init__(
        self, store: Store, registry: Registry, handlers: Mapping[str, Handler], rights: Rights | None = None
    ) -> None:
        self._store = store
        self._registry = registry
        self._handlers = handlers
        self._rights = rights or Rights()
        self._pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE, thread_name_prefix="verb")
        self._following: Following | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Answer what waits, then what comes."""
        self._following = self._store.follow(keys.INTENTS, self._arrived)

    def stop(self) -> None:
        """Take nothing more; what is being answered is answered to its end."""
        if self._following is not None:
            self._following.stop()
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _arrived(self, _: str, value: str | None) -> None:
        if value is None:
            return
        intent = Intent.model_validate_json(value)
        if intent.status == "new":
            self._pool.submit(self._answer, intent)

    def _answer(self, intent: Intent) -> None:
        verblog = log.bind(intent=intent.id, verb=intent.verb, user=intent.asker.user)
        refused = True
        try:
            reply = self.reply(intent)
            refused = False
        except Refused as error:
            reply = Reply(escape(error.sentence), instead=error.instead)
        except Exception:
            verblog.exception("a verb broke")
            reply = Reply("flstr itself failed at this; its log says more, and nothing was changed by halves.")
        verblog.info("answered", words=intent.words[:200], answer=reply.text[:200])
        self._write(intent, reply, refused)

    def _write(self, intent: Intent, reply: Reply, refused: bool) -> None:
        while True:
            try:
                intents.answer(self._store, intent, reply, refused=refused)
            except Fenced:
                # Whoever leads now answers it.
                return
            except Exception as error:
                # Whatever it was, somebody waits for the answer.
                log.warning("an answer could not be written", intent=intent.id, error=repr(error))
                if self._stopped.wait(RETRY_SECONDS):
                    return
            else:
                return

    def reply(self, intent: Intent) -> Reply:
        """The answer to an intent. Raises `Refused`."""
        verb = BY_NAME[intent.verb]
        cluster = self._registry.cluster()
        known = self._rights.asker(cluster, intent.asker)
        if known is None:
            raise Refused(
                f"No person of cluster.yaml has the id {intent.asker.user}; add one to work with this cluster."
            )
        if not (verb.right in known.may or (verb.right == "approve" and may_be_asked(cluster, known))):
            doubt = " Slack does not say just now who is in which team." if known.unsure else ""
            raise Refused(f"You may not {verb.name}; {names(holders(cluster, verb.right))} may.{doubt}")
        author, email = self._signs(known, needed=verb.commits)
        request = Request(intent, known.person, email, cluster, known.may, author, known)
        answer = self._handlers[verb.name](request)
        reply = answer if isinstance(answer, Reply) else Reply(answer)
        waits = waiting_line(verb.name, intent.arguments, read_holds(self._store)) if verb.commits else ""
        return replace(reply, text=f"{reply.text}\n{waits}") if waits else reply

    def _signs(self, known: Standing, needed: bool) -> tuple[str, str]:
        """The name and the address of somebody; Slack is asked for what is not in `people`."""
        try:
            profile = self._rights.profile(known)
        except Unreadable:
            if needed:
                raise
            return known.person, ""
        return profile.name, profile.email


def did_you_mean(word: str, known: list[str]) -> str:
    """` Did you mean x?`, or the known names where none is near."""
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" There are {', '.join(sorted(known))}." if known else " There are none."
