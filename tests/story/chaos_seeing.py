"""What can be seen of a cluster that carries itself from outside, before a fault and after it."""

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import requests

from lab.errors import LabError
from lab.story.chat import Card
from lab.story.control_stage import ControlStage
from model import keys
from model.operation import Operation
from tests.story.chaos_counting import Seen, Tokens, Told
from tests.story.chaos_leading import Leading, Logged, Next, logged
from tests.story.views import units_started

T = TypeVar("T")

LOOK_SECONDS = 0.2

_FENCE = re.compile(r"/fences/([^:\n]+):(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Before:
    """How everything was: when, who led, etcd's next revision, the operations there were, how many requests the cloud
    had been sent, what systemd had started, and the fencing tokens."""

    at: float
    leader: str
    revision: int
    operations: frozenset[str]
    requests: int
    started: Counter[tuple[str, str]]
    tokens: Tokens


@dataclass
class Seeing:
    """Looks at the cluster, whatever state its controllers are in."""

    stage: ControlStage

    def before(self) -> Before:
        """How it is now."""
        stage = self.stage
        return Before(
            at=time.time(),
            leader=stage.leader(),
            revision=stage.etcd_revision() + 1,
            operations=frozenset(self.operations()),
            requests=len(stage.around.cloud.requests.requests),
            started=units_started(self.stage),
            tokens=self._tokens(),
        )

    def seen(self, before: Before, operation: str, in_place: float, next_leader: Next) -> Seen:
        """What has become of an operation that began since then, in the middle of which a fault was in place."""
        stage = self.stage
        history = stage.etcd_history(keys.operation(operation), before.revision)
        written = stage.etcd_changes(keys.LEADER, before.revision)
        return Seen(
            in_place=in_place,
            versions=[Operation.model_validate_json(version) for version in history],
            requests=stage.around.cloud.requests.requests[before.requests :],
            started=units_started(self.stage) - before.started,
            tokens_before=before.tokens,
            tokens_after=self._tokens(),
            cards=self._told(operation),
            leading=Leading(before.leader, next_leader, written, self._logged(before.at)),
        )

    def operations(self, name: str = "") -> dict[str, Operation]:
        """All that etcd remembers, or the one of this name."""
        found = self.stage.etcd(keys.operation(name))
        return {key.removeprefix(keys.OPERATIONS): Operation.model_validate_json(it) for key, it in found.items()}

    def _told(self, operation: str) -> list[Told]:
        """The cards of an operation, which may tell its end a little later than etcd."""

        def cards() -> list[Card]:
            return [card for card in self.stage.chat.cards() if card.record == operation]

        with suppress(LabError):
            awaited(lambda: all(card.ending for card in cards()) or None, f"the card of {operation} to end")
        return [Told(card.ending, self.stage.chat.thread(card)) for card in cards()]

    def _logged(self, since: float) -> list[Logged]:
        """Who has led, and begun steps, by the journals of all controllers."""
        stage = self.stage
        # The journal counts in whole seconds.
        journals = {node: stage.journal(node, since=since - 1) for node in stage.controllers()}
        return [line for node, journal in journals.items() for line in logged(node, journal, since)]

    def _tokens(self) -> dict[str, dict[str, int]]:
        """The greatest fencing tokens that each machine has seen."""
        look = "grep --recursive --with-filename '' /var/lib/flstr/fences || true"
        nodes = sorted(self.stage.servers())
        with ThreadPoolExecutor(len(nodes)) as pool:
            found = dict(zip(nodes, pool.map(lambda node: self.stage.inside(node, look), nodes), strict=True))
        return {node: {name: int(token) for name, token in _FENCE.findall(said)} for node, said in found.items()}

    def _inside(self, nodes: Sequence[str], command: str) -> dict[str, str]:
        """What a command prints on each of some machines."""
        with ThreadPoolExecutor(len(nodes)) as pool:
            return dict(zip(nodes, pool.map(lambda node: self.stage.inside(node, command), nodes), strict=True))


def awaited(look: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """What there is to see once it is there; an etcd, or a cloud, that does not answer for a while has nothing to show."""
    deadline, why = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if (found := look()) is not None:
                return found
        except (LabError, requests.Timeout) as error:
            why = f": {error}"
        time.sleep(LOOK_SECONDS)
    raise LabError(f"waited {seconds:.0f} s for {what}{why}")
