"""The verbs that hold and let go: lock and unlock, freeze and thaw, suspend and resume."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gitops.following import GitFollowing
from gitops.holds.ends import in_words, parse_end
from gitops.holds.holding import Holding
from gitops.holds.rules import APP, FREEZE, POOL, SUSPEND, by, is_freeze
from gitops.verbs.asking_back import ask_back, confirmed
from gitops.verbs.desk import Request
from gitops.verbs.names import known_as
from model.attachment import Reply
from model.errors import Refused
from model.mrkdwn import escape
from model.operation import EndedHold, Hold
from model.verbs import YES

LONGEST_REASON = 300


@dataclass(frozen=True)
class HoldVerbs:
    """Has things held and let go; `wake` has the worker look."""

    holding: Holding
    following: GitFollowing
    wake: Callable[[], None]
    clock: Callable[[], float] = time.time

    def lock(self, request: Request) -> str:
        """`lock <app or pool> <end> <reason …>`."""
        _, end, *words = request.intent.arguments
        hold_id, thing = self._thing(request)
        hold, longer = self._begin(request, hold_id, words, self._end(end))
        stays = f"it stays as revision `{hold.revision[:8]}` says, whatever is asked for or merged"
        return f":lock: {thing} is locked{_until(hold, longer)}; {stays}."

    def unlock(self, request: Request) -> str:
        """`unlock <app or pool>`."""
        name = request.intent.arguments[0]
        for hold_id, thing in ((f"{APP}{name}", f"App {name}"), (f"{POOL}{name}", f"Pool {name}")):
            if ended := self._let_go(request, hold_id):
                return f"{thing} is not locked any more{_whose(ended, request)}; what waited is done now."
        self._thing(request)
        raise Refused(f"{name} is not locked; nothing was changed.")

    def freeze(self, request: Request) -> str:
        """`freeze <end> <reason …>`."""
        end, *words = request.intent.arguments
        hold, longer = self._begin(request, FREEZE, words, self._end(end))
        follows = f"no revision after `{hold.revision[:8]}` is followed; what flstr does by itself goes on"
        return f":ice_cube: Frozen{_until(hold, longer)}: {follows}."

    def thaw(self, request: Request) -> str:
        """`thaw`."""
        freezes = [hold.id for hold in self.holding.holds() if is_freeze(hold)]
        ended = [one for hold_id in freezes if (one := self._let_go(request, hold_id)) is not None]
        if not ended:
            raise Refused("Nothing is frozen; nothing was changed.")
        return f"Thawed{_whose(ended[0], request)}; what waited is done now."

    def suspend(self, request: Request) -> str | Reply:
        """`suspend <reason …> [--yes]`."""
        words = [word for word in request.intent.arguments if word != YES]
        _reason(words)
        if not confirmed(request):
            will = (
                "flstr will begin nothing any more, not even by itself: no revision is followed, a dead machine's "
                "instances start nowhere else, no certificate is renewed. What runs goes to its end, floating IPs "
                "still move where an ingress dies, and another instance of a service leads where its leader is lost. "
                "It lasts until somebody says `resume`."
            )
            return ask_back(request, will)
        self._begin(request, SUSPEND, words, None)
        return ":pause_button: Suspended; nothing begins any more until somebody says `resume`."

    def resume(self, request: Request) -> str:
        """`resume`."""
        ended = self._let_go(request, SUSPEND)
        if ended is None:
            raise Refused("flstr is not suspended; nothing was changed.")
        return f"flstr goes on{_whose(ended, request)}."

    def _begin(self, request: Request, hold_id: str, words: Sequence[str], until: float | None) -> tuple[Hold, bool]:
        """The hold, and whether it was there and lasts until another time now."""
        reason, now = _reason(words), self.clock()

        def make(holds: Sequence[Hold], revision: str) -> Hold:
            held = next((hold for hold in holds if hold.id == hold_id), None)
            if held is not None:
                return _prolonged(held, request.person, reason, until)
            if not revision:
                raise Refused("No revision of the cluster repo was followed yet, so there is nothing to hold.")
            return Hold(
                id=hold_id, reason=reason, person=request.person, place=request.place, since=now, until=until,
                revision=revision,
            )  # fmt: skip

        hold = self.holding.begin(make)
        self.wake()
        return hold, hold.since != now

    def _let_go(self, request: Request, hold_id: str) -> EndedHold | None:
        ended = self.holding.end(hold_id, request.person, request.place)
        if ended is not None:
            self.wake()
        return ended

    def _end(self, word: str) -> float:
        return parse_end(word, datetime.fromtimestamp(self.clock(), UTC)).timestamp()

    def _thing(self, request: Request) -> tuple[str, str]:
        """The id of a lock, and what it is called. Raises `Refused` for what is not there."""
        known = self.following.known(self.following.state())
        if known is None:
            raise Refused("No revision of the cluster repo was followed yet, so there is nothing to lock.")
        apps = [app.app for app in known.apps.values()]
        name = known_as(request, request.intent.arguments[0], "app or pool", [*apps, *known.cluster.pools])
        return (f"{APP}{name}", f"App {name}") if name in apps else (f"{POOL}{name}", f"Pool {name}")


def _prolonged(held: Hold, person: str, reason: str, until: float | None) -> Hold:
    if held.person != person or until is None:
        ends = {FREEZE: "thaw", SUSPEND: "resume"}.get(held.id, f"unlock {held.id.partition('-')[2]}")
        raise Refused(f"It is held already, {by(held)}; say `{ends}` first, or leave it so.")
    return held.model_copy(update={"reason": reason, "until": until})


def _until(hold: Hold, longer: bool) -> str:
    already = " already, now" if longer else ""
    return f"{already} until {in_words(hold.until or 0.0)} ({escape(hold.reason)})"


def _reason(words: Sequence[str]) -> str:
    reason = " ".join(" ".join(words).split())
    if not reason:
        raise Refused("Say why, in a few words: whoever waits is told.")
    if len(reason) > LONGEST_REASON:
        raise Refused(f"The reason is too long; write {LONGEST_REASON} characters at most.")
    return reason


def _whose(ended: EndedHold, request: Request) -> str:
    if ended.hold.person == request.person:
        return ""
    return f", which {escape(ended.hold.person)} held ({escape(ended.hold.reason)})"
