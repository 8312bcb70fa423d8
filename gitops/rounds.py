"""The daily rounds: checks of the outside that nobody has to ask for, posted to the channel."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from gitops.certificates_due import secured_hosts
from gitops.executor import HostCheck
from gitops.notices import notice
from gitops.operations import Operations
from gitops.registry import Registry
from model import keys
from model.attachment import Reply
from model.errors import Fenced, Refused
from model.registered import Registered

log = structlog.get_logger()

DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class Round:
    """A check of everything, and whether there is anything to check yet."""

    check: HostCheck
    title: str
    has_work: Callable[[Registered], bool]


def of_hosts(registered: Registered) -> bool:
    """Whether any host is public."""
    return bool(registered.ingress)


def of_certificates(registered: Registered) -> bool:
    """Whether any host is served by https."""
    return bool(secured_hosts(registered))


class Rounds:
    """Makes each round once a day, by the verb of its check; when it was made is kept in etcd together with what the
    channel hears of it.

    Only a leader may look, for its registry's store has the fence.
    """

    def __init__(
        self,
        registry: Registry,
        operations: Operations,
        rounds: Mapping[str, Round],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._operations = operations
        self._rounds = rounds
        self._clock = clock

    def look(self) -> None:
        """Make the rounds that are due; one that cannot be made now is left to the next look."""
        for verb, one in self._rounds.items():
            try:
                self._look(verb, one)
            except Refused as error:
                log.info("a round could not be made", verb=verb, sentence=error.sentence)
            except Fenced:
                raise
            except Exception:
                log.exception("a round broke", verb=verb)

    def _look(self, verb: str, one: Round) -> None:
        store, now = self._registry.store, self._clock()
        last = store.get(keys.check_round(verb))
        if last is not None and now - float(last) < DAY_SECONDS:
            return
        registered = self._registry.read()
        if not one.has_work(registered) or self._is_changing(registered):
            return
        answer = one.check((), self._registry)
        text = answer.text if isinstance(answer, Reply) else answer
        # Where all is well it is one line, which says enough by itself.
        titled = f"*{one.title}*\n{text}" if "\n" in text else text
        said = notice(f"round-{verb}-{now:.0f}", titled)
        store.write({keys.check_round(verb): f"{now:.3f}", **said})
        log.info("a round was made", verb=verb)

    def _is_changing(self, registered: Registered) -> bool:
        """What is about to change would be told as a fault; a moment later it may be as it should."""
        return bool(registered.due) or any(one.status != "awaiting_approval" for one in self._operations.unended())
