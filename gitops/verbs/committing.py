"""Changes that people ask for become commits: shown first, asked back where they stop what serves, made once."""

from collections.abc import Sequence
from dataclasses import dataclass

from gitops.holds.rules import read_holds, why_not_try_again
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.verbs.asking_back import ask_back, confirmed
from gitops.verbs.change import Change, Decision, Retried, rehearse
from gitops.verbs.commits import Commits
from gitops.verbs.desk import Handler, Request
from model import keys
from model.attachment import Reply
from model.errors import Refused
from model.locks import app_lock
from model.operation import Operation


@dataclass(frozen=True)
class Committing:
    """Carries out what verbs decide."""

    commits: Commits
    registry: Registry
    operations: Operations

    def of(self, decide: Decision) -> Handler:
        """The handler of a verb that commits."""

        def handle(request: Request) -> Reply:
            try:
                change = decide(request)
            except Refused:
                # What a killed controller has pushed may be nothing that can be asked for again, such as a removal.
                if made := self.commits.made(request):
                    return Reply(f"That is committed as `{made[:8]}`; flstr takes it from there.")
                raise
            return self._carry_out(request, change)

        return handle

    def _carry_out(self, request: Request, change: Change) -> Reply:
        # A controller that was killed between the push and its answer leaves the intent to the next one.
        if made := self.commits.made(request):
            return Reply(change.done(made))
        rehearsal = rehearse(change, self.commits.files(), self.registry.read())
        if not rehearsal.edits and change.retried is None:
            return self._nothing_to_commit(request, change)
        preview = rehearsal.lines()
        if change.asks and not confirmed(request):
            return ask_back(request, "\n".join([f"{change.subject}:", *preview]))
        if change.retried is not None:
            self._check_holds(change.retried)
            self._release(change.retried)
        try:
            revision = self.commits.make(request, change.write, change.subject)
        except Refused:
            if change.retried is not None:
                self._keep(change.retried)
            raise
        return Reply("\n".join([*preview, change.done(revision) if revision else change.nothing]))

    def _nothing_to_commit(self, request: Request, change: Change) -> Reply:
        found = same(change, self.operations.unended())
        if found is None:
            return Reply(change.nothing)
        told = ""
        if request.intent.asker.place == "slack":
            self.registry.store.put(keys.follower(found.id, request.intent.asker.user), request.person)
            told = "; you will be told of its end"
        waits = found.status == "awaiting_approval"
        said = "That waits for an approval" if waits else "That is under way"
        return Reply(f"{said}: {found.plan.title}{told}.", operation=found.id)

    def _check_holds(self, retried: Retried) -> None:
        """What is tried again begins at once where the revision that is followed says so: no commit of it waits."""
        if why := why_not_try_again(retried.app[1], read_holds(self.registry.store)):
            raise Refused(why)

    def _release(self, retried: Retried) -> None:
        """Take a release out of quarantine; the plan that failed counts as new."""
        kind, app = retried.app
        self.registry.store.delete(keys.quarantine(kind, app, retried.spec), keys.attempt(app_lock(app)))
        self.commits.wake()

    def _keep(self, retried: Retried) -> None:
        """Put a release back into quarantine, where nothing came of trying it again."""
        kind, app = retried.app
        self.registry.store.put_new(keys.quarantine(kind, app, retried.spec), retried.failed.to_json())


def same(change: Change, unended: Sequence[Operation]) -> Operation | None:
    """The newest operation that changes the same. Pure."""
    mine = [one for one in unended if change.locks.intersection(one.plan.locks) and _touches(one, change)]
    return mine[-1] if mine else None


def _touches(operation: Operation, change: Change) -> bool:
    if not change.nodes:
        return True
    steps = [planned.step for planned in operation.plan.steps]
    touched = {node for step in steps for node in (*getattr(step, "nodes", ()), getattr(step, "node", None))}
    return bool(change.nodes & touched)
