"""The verb that says what would change: by the newest revision, by a command, or by the merge of a branch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gitops import describe
from gitops.certificate_budget import Known
from gitops.certificates import read_history
from gitops.describe_certificates import refusals
from gitops.executor import StepPreview
from gitops.holds.rules import held_now
from gitops.lint import check
from gitops.manifests import Manifests
from gitops.plan import Plans as BothPlans
from gitops.plan import plan
from gitops.registry import Registry
from gitops.renewals import utc_now
from gitops.revisions import Revisions
from gitops.standing import check_standing
from gitops.verbs.change import Decision, new_in, rehearse
from gitops.verbs.desk import Request
from gitops.verbs.previews import previewed
from model.errors import Refused
from model.registered import Registered
from model.verbs import BY_NAME


@dataclass(frozen=True)
class Plans:
    """Answers from Git and etcd, and changes nothing; `decisions` are the verbs that commit.

    `directory` is that of the certificate authority.
    """

    registry: Registry
    revisions: Revisions
    decisions: Mapping[str, Decision]
    directory: str = ""
    clock: Callable[[], datetime] = utc_now
    preview: StepPreview | None = None

    def plan(self, request: Request) -> str:
        """`plan [command or branch]`."""
        words = request.intent.arguments
        if not words:
            return self._of_the_newest()
        if words[0] in BY_NAME:
            return self._of_command(request)
        return self._of_branch(request)

    def _of_the_newest(self) -> str:
        repo = self.revisions.repo
        head = repo.head()
        repo.fetch()
        manifests, registered = self.revisions.manifests(head), self.registry.read()
        return self._described(head[:8], plan(manifests, registered), manifests, registered)

    def _of_command(self, request: Request) -> str:
        verb, *words = request.intent.arguments
        intent = request.intent.model_copy(update={"verb": verb, "arguments": tuple(words)})
        try:
            change = self.decisions[verb](replace(request, intent=intent))
        except Refused as error:
            error.instead = f"{request.intent.verb} {error.instead}" if error.instead else ""
            raise
        repo, registered = self.revisions.repo, self.registry.read()
        rehearsal = rehearse(change, repo.files(repo.branch), registered)
        if not rehearsal.edits and change.retried is None:
            return change.nothing
        return self._described(" ".join((verb, *words)), rehearsal.plans, rehearsal.manifests, registered)

    def _of_branch(self, request: Request) -> str:
        repo, name = self.revisions.repo, request.intent.arguments[0]
        files = repo.merged(name)
        newest, manifests, registered = repo.files(repo.branch), check(files), self.registry.read()
        check_standing(files, manifests, registered, request.cluster)
        plans = new_in(plan(manifests, registered), plan(check(newest), registered))
        return self._described(f"the merge of {name}", plans, manifests, registered)

    def _described(self, label: str, plans: BothPlans, manifests: Manifests, registered: Registered) -> str:
        known = Known(registered.certificates, read_history(self.registry.store), self.directory)
        now = self.clock()
        refused = refusals(manifests, registered, known, now)
        by_the_clock = describe.scheduled(manifests.cluster, now)
        said = describe.plans(label, plans, refused, held_now(self.registry.store), by_the_clock)
        return "\n".join([said, *previewed(plans, registered, self.registry, self.preview)])
