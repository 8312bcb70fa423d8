"""What a verb would change in the cluster repo: decided first, then rehearsed, and only then committed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gitops.lint import check
from gitops.manifests import Manifests
from gitops.plan import Plans, plan
from gitops.plan.control import why_breaks_quorum
from gitops.repository import Edit
from gitops.verbs.desk import Request
from model.errors import Refused
from model.names import AppId, NodeName
from model.registered import Quarantine, Registered
from model.steps import Plan

STEPS_SHOWN = 6


@dataclass(frozen=True)
class Retried:
    """A release that failed, and is to be tried once more."""

    app: AppId
    spec: str
    failed: Quarantine


@dataclass(frozen=True)
class Change:
    """What a verb commits, before anything was done; nothing of it has any effect yet.

    `done` says what came of it by its revision, `nothing` that it is so already. `asks` is whether it is asked back.
    Its `locks`, and the machines `nodes` where it is about those alone, tell which operation does the same.
    """

    write: Edit
    subject: str
    done: Callable[[str], str]
    nothing: str
    locks: frozenset[str] = frozenset()
    nodes: frozenset[NodeName] = frozenset()
    asks: bool = False
    retried: Retried | None = None


# What a verb decides. Raises `Refused`.
Decision = Callable[[Request], Change]


@dataclass(frozen=True)
class Rehearsal:
    """What would come of a change: whether it `edits` any manifest, and the plans that are new with it."""

    edits: bool
    plans: Plans
    manifests: Manifests

    def lines(self) -> list[str]:
        """In short what would be done, at once and after an approval, in Slack mrkdwn."""
        titles = [step.title for change in self.plans.changes for step in change.steps]
        more = len(titles) - STEPS_SHOWN
        removal = self.plans.removal
        return [
            *(f"• {title}" for title in titles[:STEPS_SHOWN]),
            *([f"• and {more} more"] if more > 0 else []),
            *([f"• after an approval: {removal.title}"] if removal.steps else []),
        ]


def rehearse(change: Change, files: Mapping[str, str], registered: Registered) -> Rehearsal:
    """A change made on the newest files, and kept. Raises `Refused` where the manifests would be faulty, or where etcd
    would lose its quorum by it."""
    changed = change.write(files)
    edited = {path: text for path, text in {**files, **changed}.items() if text is not None}
    manifests = check(edited)
    after, now = plan(manifests, _tried_again(registered, change.retried)), check(files)
    why = why_breaks_quorum(manifests.cluster, registered)
    if why and why != why_breaks_quorum(now.cluster, registered):
        raise Refused(why)
    return Rehearsal(edited != dict(files), new_in(after, plan(now, registered)), manifests)


def new_in(after: Plans, before: Plans) -> Plans:
    """The plans without the steps that are to be made anyhow."""
    known = {step.title for one in (*before.changes, before.removal) for step in one.steps}

    def new(one: Plan) -> Plan:
        return one.model_copy(update={"steps": tuple(step for step in one.steps if step.title not in known)})

    changes = tuple(one for one in map(new, after.changes) if one.steps)
    removal = new(after.removal)
    return replace(after, changes=changes, removal=removal if removal.steps else Plan(title=""))


def _tried_again(registered: Registered, retried: Retried | None) -> Registered:
    if retried is None or retried.app not in registered.apps:
        return registered
    app = registered.apps[retried.app]
    quarantine = {spec: failed for spec, failed in app.quarantine.items() if spec != retried.spec}
    apps = {**registered.apps, retried.app: app.model_copy(update={"quarantine": quarantine})}
    return registered.model_copy(update={"apps": apps})
