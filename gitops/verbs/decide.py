"""The verbs of approval: approve and deny, and sync, which has the worker look again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from gitops.gate import decide
from gitops.holds import read_holds, why_not_begin
from gitops.operations import Operations
from gitops.store import Store
from gitops.verbs.desk import Request
from model import keys
from model.errors import Refused
from model.operation import Approval

SHORTEST_ID = 4
SHORTEST_REVISION = 7


@dataclass(frozen=True)
class Decide:
    """Decisions about operations that wait; the first valid one that arrives is the one that counts."""

    store: Store
    operations: Operations
    wake: Callable[[], None]
    clock: Callable[[], float] = time.time

    def approve(self, request: Request) -> str:
        """`approve <operation>`."""
        if why := why_not_begin(read_holds(self.store)):
            raise Refused(why)
        after = self._decide(request, approved=True)
        if after.status == "waiting":
            given = sum(decision.approved for decision in after.decisions)
            return f"Your approval counts; {given} of {after.needed} are there."
        return "Approved; the operation starts."

    def deny(self, request: Request) -> str:
        """`deny <operation>`."""
        self._decide(request, approved=False)
        return "Denied; nothing is changed."

    def sync(self, request: Request) -> str:
        """`sync [revision]`."""
        asked = request.intent.arguments[0] if request.intent.arguments else ""
        if asked and len(asked) < SHORTEST_REVISION:
            raise Refused(f"'{asked}' could be many a revision; write {SHORTEST_REVISION} digits of it at least.")
        self.store.put(keys.SYNC_ASKED, asked)
        self.wake()
        said = "what failed, expired or was denied counts as new, but no release in quarantine"
        return f"Looking at the cluster repo now; {said}."

    def _decide(self, request: Request, approved: bool) -> Approval:
        wanted = request.intent.arguments[0]
        while True:
            before = self._find(wanted)
            after = decide(before, request.cluster, request.person, approved, self.clock())
            if isinstance(after, str):
                raise Refused(after)
            if self.operations.change_approval(before, after):
                self.wake()
                return after

    def _find(self, wanted: str) -> Approval:
        approvals = self.operations.approvals()
        found = [item for item in approvals if _means(wanted, item.id)]
        still_waiting = [item for item in found if item.status == "waiting"]
        for meant in (still_waiting, found):
            if len(meant) == 1:
                return meant[0]
        waiting = [item.id for item in approvals if item.status == "waiting"]
        hint = f"waiting are {', '.join(waiting)}" if waiting else "nothing waits for an approval"
        raise Refused(f"'{wanted}' is no operation that waits; {hint}.")


def _means(wanted: str, operation_id: str) -> bool:
    """Whether a person's word is an id, or enough of its beginning or end."""
    if len(wanted) < SHORTEST_ID:
        return False
    return operation_id.startswith(wanted) or operation_id.endswith(wanted)
