"""`crtsh [host]`: what was issued for one of our names, or for all of them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from executors.transparency.budget_use import LETS_ENCRYPT
from executors.transparency.issuances import merged
from executors.transparency.lookup import Answer, look_up
from executors.transparency.ours import Ours, every_one, one_of
from executors.transparency.report import report, together
from executors.transparency.shown import shown
from executors.transparency.source import Kept, Source
from executors.transparency.sources import CertSpotter, CrtSh
from gitops.domains import plain_name
from gitops.registry import Registry
from gitops.transparency import LoggedInEtcd
from model.errors import Refused, Unreadable
from model.transparency import CertificateId

# Both are free for all, and neither likes to be asked much at once.
SIDE_BY_SIDE = 3
# Seconds; whoever asks in a shell waits for a minute. Nobody waits for the daily round.
CRTSH_SECONDS = 28.0
CERTSPOTTER_SECONDS = 18.0
IN_ALL_SECONDS = 50.0
ROUND_SECONDS = 540.0

# The certificates that flstr itself asked for, from what it keeps.
AskedFor = Callable[[Registry], frozenset[CertificateId]]


def sources_at(crtsh_url: str, certspotter_url: str) -> tuple[tuple[Source, float], ...]:
    """crt.sh and Cert Spotter at their addresses, and for how many seconds each is asked."""
    return ((CrtSh(crtsh_url), CRTSH_SECONDS), (CertSpotter(certspotter_url), CERTSPOTTER_SECONDS))


def nothing_asked_for(_: Registry) -> frozenset[CertificateId]:
    """Of a flstr that asks for no certificates."""
    return frozenset()


class TransparencyCheck:
    """A `HostCheck`. Sources are asked in turn, each for as many seconds as stand beside it, for all names `in_all`."""

    def __init__(
        self,
        sources: Sequence[tuple[Source, float]],
        asked_for: AskedFor = nothing_asked_for,
        authority: str = LETS_ENCRYPT,
        in_all: float = IN_ALL_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sources = tuple(sources)
        self._asked_for = asked_for
        self._authority = authority
        self._in_all = in_all
        self._clock = clock

    def __call__(self, arguments: tuple[str, ...], registry: Registry) -> str:
        """The findings as Slack mrkdwn. Raises `Refused` for a name that is not ours."""
        wanted, answers = self._ask(arguments, registry, self._in_all)
        return self._told(wanted, answers, registry)

    def round(self, _: tuple[str, ...], registry: Registry) -> str:
        """The same of all our names, with time; raises `Unreadable` where nobody has ever said anything of any."""
        wanted, answers = self._ask((), registry, ROUND_SECONDS)
        if all(answer.logged is None for answer in answers):
            faults = "; ".join(map(shown, answers[0].faults))
            raise Unreadable(f"{answers[0].domain}: nobody could say what was issued ({faults})")
        return self._told(wanted, answers, registry)

    def _ask(
        self, arguments: tuple[str, ...], registry: Registry, in_all: float
    ) -> tuple[tuple[Ours, ...], list[Answer]]:
        every = every_one(registry.read())
        kept = LoggedInEtcd(registry.store)
        if not every:
            raise Refused("No app has a public address yet, so there is no name to look for.")
        wanted = tuple(every)
        if arguments:
            wanted = (_one(plain_name(arguments[0]), every),)
        else:
            kept.forget_all_but([ours.domain for ours in every])
        return wanted, self._look_up(wanted, kept, in_all)

    def _told(self, wanted: Sequence[Ours], answers: Sequence[Answer], registry: Registry) -> str:
        logged = merged(one for answer in answers if answer.logged is not None for one in answer.logged.issuances)
        asked, now = self._asked_for(registry), self._clock()
        return together(
            [
                report(ours, answer, logged, asked, now, self._authority)
                for ours, answer in zip(wanted, answers, strict=True)
            ]
        )

    def _look_up(self, wanted: Sequence[Ours], kept: Kept, in_all: float) -> list[Answer]:
        end = time.monotonic() + in_all

        def look(ours: Ours) -> Answer:
            # Whoever comes late where all take long has to be content with less.
            share = min(1.0, max(0.0, end - time.monotonic()) / in_all)
            sources = [(source, seconds * share) for source, seconds in self._sources]
            return look_up(ours.domain, sources, kept, self._clock())

        # So those come first of which nothing is known yet.
        in_turn = sorted(wanted, key=lambda ours: kept.last(ours.domain) is not None)
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="crtsh") as pool:
            answers = {answer.domain: answer for answer in pool.map(look, in_turn)}
        return [answers[ours.domain] for ours in wanted]


def _one(name: str, every: Sequence[Ours]) -> Ours:
    ours = one_of(name, every)
    if ours is None:
        domains = ", ".join(one.domain for one in every)
        raise Refused(f"{name} is none of our names. Ours are in {domains}.")
    return ours
