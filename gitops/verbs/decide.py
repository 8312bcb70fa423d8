"""The verbs of approval: approve, deny and break-glass, and sync, which has the worker look again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gitops.gate import Click, break_glass, decide, was_decided_by
from gitops.holds.rules import read_holds, why_not_begin, why_not_remove
from gitops.notices import notice
from gitops.operations import Operations
from gitops.rights import Rights, Standing
from gitops.store import Store
from gitops.verbs.desk import Request
from model import keys
from model.cluster import Cluster
from model.errors import Refused
from model.mrkdwn import escape
from model.operation import Approval, BrokenGlass

SHORTEST_ID = 4
BROKEN = "The glass is broken; the operation starts, and the channel hears of it."
SHORTEST_REVISION = 7


@dataclass(frozen=True)
class Decide:
    """Decisions about operations that wait; the first valid one that arrives is the one that counts."""

    store: Store
    operations: Operations
    wake: Callable[[], None]
    clock: Callable[[], float] = time.time
    rights: Rights = field(default_factory=Rights)

    def approve(self, request: Request) -> str:
        """`approve <operation> [names]`."""
        self._check_holds(request.intent.arguments[0])
        after = self._decide(request, approved=True)
        if after.status == "waiting":
            given = sum(decision.approved for decision in after.decisions)
            return f"Your approval counts; {given} of {after.needed} are there."
        return "Approved; the operation starts."

    def deny(self, request: Request) -> str:
        """`deny <operation>`."""
        self._decide(request, approved=False)
        return "Denied; nothing is changed."

    def break_glass(self, request: Request) -> str:
        """`break-glass <operation> <reason>`."""
        wanted, reason = request.intent.arguments[0], " ".join(request.intent.arguments[1:])
        self._check_holds(wanted)
        while True:
            before = self._find(wanted)
            if was_decided_by(before, request.intent.id):
                return BROKEN
            glass = BrokenGlass(person=request.person, reason=reason, at=self.clock(), intent=request.intent.id)
            after = break_glass(before, glass)
            if isinstance(after, str):
                raise Refused(after)
            shout = notice(f"glass-{after.id}", self._shout(after, request.person, reason))
            puts = {keys.approval(after.id): after.to_json(), **shout}
            if self.store.write_where(keys.approval(before.id), before.to_json(), puts):
                self.wake()
                return BROKEN

    def sync(self, request: Request) -> str:
        """`sync [revision]`."""
        asked = request.intent.arguments[0] if request.intent.arguments else ""
        if asked and len(asked) < SHORTEST_REVISION:
            raise Refused(f"'{asked}' could be many a revision; write {SHORTEST_REVISION} digits of it at least.")
        self.store.put(keys.SYNC_ASKED, asked)
        self.wake()
        said = "what failed, expired or was denied counts as new, but no release in quarantine"
        return f"Looking at the cluster repo now; {said}."

    def _check_holds(self, wanted: str) -> None:
        holds = read_holds(self.store)
        if why := why_not_begin(holds):
            raise Refused(why)
        operation = self.operations.get(self._find(wanted).operation) if holds else None
        if operation is not None and (why := why_not_remove(operation.plan, holds)):
            raise Refused(why)

    def _decide(self, request: Request, approved: bool) -> Approval:
        wanted, typed = request.intent.arguments[0], " ".join(request.intent.arguments[1:]).split()
        who = request.standing or self.rights.person(request.cluster, request.person)
        while True:
            before = self._find(wanted)
            if was_decided_by(before, request.intent.id):
                return before
            known = self._with_address(who, request, before, approved)
            click = Click(known, approved, self.clock(), tuple(typed), request.intent.id)
            after = decide(before, request.cluster, click, lambda name: self._before(request.cluster, name))
            if isinstance(after, str):
                raise Refused(after)
            if self.operations.change_approval(before, after):
                self.wake()
                return after

    def _with_address(self, who: Standing, request: Request, approval: Approval, approved: bool) -> Standing:
        """By it somebody is known who wrote or merged a commit and is in no `people`."""
        if approved and approval.strangers and not request.email:
            raise Refused(f"Slack does not say by which address {who.person} commits; try again in a minute.")
        return replace(who, email=request.email)

    def _before(self, cluster: Cluster, name: str) -> Standing:
        """Somebody who decided before; where Slack does not say now whether they may, the worker asks again."""
        return self.rights.person(cluster, name).at_best(cluster)

    def _shout(self, approval: Approval, person: str, reason: str) -> str:
        operation = self.operations.get(approval.operation)
        what = operation.plan.title if operation is not None else approval.operation
        lost = f" This destroys *{escape(', '.join(approval.names))}*." if approval.names else ""
        return (
            f":rotating_light: <!channel> *{escape(person)} breaks the glass*: '{escape(what)}' goes without the "
            f"approvals it needs.{lost}\n*Reason:* {escape(reason)}"
        )

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
