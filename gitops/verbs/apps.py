"""The verbs that change what runs of an app, all of them commits: deploy, rollback, restart, stop, remove."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gitops import edit
from gitops.app_repos import AppRepos, UnknownCommit
from gitops.manifests import Manifests, app_path
from gitops.registry import Registry
from gitops.repository import Edit
from gitops.verbs.change import Change, Retried
from gitops.verbs.commits import Commits, text_of
from gitops.verbs.desk import Request
from gitops.verbs.names import corrected, known_as
from model.app import App
from model.errors import Refused, Unreadable
from model.locks import app_lock
from model.mrkdwn import escape
from model.names import CommitHash
from model.registered import RegisteredApp
from model.verbs import ANYWAY

ROLL_BACK = "Roll back"


@dataclass(frozen=True)
class Apps:
    """Decides what a person asks for of an app."""

    commits: Commits
    app_repos: AppRepos
    registry: Registry
    clock: Callable[[], float] = time.time

    def deploy(self, request: Request) -> Change:
        """`deploy <app>@<commit> [--anyway]`."""
        word, *flags = request.intent.arguments
        name, _, wanted = word.partition("@")
        manifests = self.commits.newest()
        app = app_named(request, manifests, name) if name else self._app_with(manifests, wanted)
        commit = self._resolve(request, app, wanted)
        retried = self._failed(manifests, app, commit)
        if retried is not None and ANYWAY not in flags:
            raise Refused(*_in_quarantine(app, commit, retried, f"deploy {app.app}@{wanted} {ANYWAY}"))
        return self._to_commit(app, commit, "Deploy", retried)

    def rollback(self, request: Request) -> Change:
        """`rollback <app> [commit]`."""
        name, *wanted = request.intent.arguments
        manifests = self.commits.newest()
        app = app_named(request, manifests, name)
        commit = self._resolve(request, app, wanted[0]) if wanted else self._before(app)
        failed = self._failed(manifests, app, commit)
        if failed is not None and commit != app.commit:
            raise Refused(*_in_quarantine(app, commit, failed, f"deploy {name}@{commit[:8]} {ANYWAY}"))
        change = self._to_commit(app, commit, ROLL_BACK)
        if commit == app.commit and not wanted:
            return replace(change, nothing=f"{name} is being rolled back to {commit[:8]} already.")
        return change

    def restart(self, request: Request) -> Change:
        """`restart <app>`; one that is stopped is started."""
        app = app_named(request, self.commits.newest(), request.intent.arguments[0])
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock()))
        field, value = ("stopped", "false") if app.stopped else ("restarted", f'"{now}"')
        what = f"starts again, with {app.instances} of its instances" if app.stopped else "gets new instances, in turn"
        return Change(
            write=_setting(app, field, value),
            subject=f"{'Start' if app.stopped else 'Restart'} {app.app}",
            done=lambda revision: f"{app.app} {what}: committed as `{revision[:8]}`, flstr takes it from there.",
            nothing=f"{app.app} was restarted just now; nothing to do.",
            locks=frozenset({app_lock(app.app)}),
        )

    def stop(self, request: Request) -> Change:
        """`stop <app> [--yes]`."""
        app = app_named(request, self.commits.newest(), request.intent.arguments[0])
        return Change(
            write=_setting(app, "stopped", "true"),
            subject=f"Stop {app.app}",
            done=lambda revision: (
                f"{app.app} is to run nowhere: committed as `{revision[:8]}`; its addresses answer 503 until "
                f"somebody says `restart {app.app}`."
            ),
            nothing=f"{app.app} is stopped already; `restart {app.app}` starts it.",
            locks=frozenset({app_lock(app.app)}),
            asks=True,
        )

    def remove(self, request: Request) -> Change:
        """`remove <app>`; the worker asks for an approval."""
        manifests = self.commits.newest()
        name = app_named(request, manifests, request.intent.arguments[0]).app
        needing = sorted(app.app for app in manifests.apps.values() if name in app.needs)
        if needing:
            raise Refused(f"{', '.join(needing)} needs {name}; take it out of `needs` first.")
        return Change(
            write=lambda _: {app_path(name): None},
            subject=f"Remove {name}",
            done=lambda revision: (
                f"{name} is to go: committed as `{revision[:8]}`; it serves on until somebody approves."
            ),
            nothing=f"{name} was removed by somebody just now.",
            locks=frozenset({app_lock(name)}),
        )

    def _to_commit(self, app: App, commit: CommitHash, verb: str, retried: Retried | None = None) -> Change:
        subject = self.app_repos.subject(app.repo, commit)
        about = f' "{escape(subject)}"' if subject else ""
        stopped = f" It is stopped; `restart {app.app}` starts it." if app.stopped else ""
        change = f"{app.app} {app.commit[:8]} → {commit[:8]}{about}"
        nothing = f"{app.app} is already at `{commit[:8]}`; nothing to do."
        again = f"{app.app}@{commit[:8]} is out of quarantine, and tried once more."
        return Change(
            write=_setting(app, "commit", f'"{commit}"'),
            subject=f"{verb} {app.app}@{commit[:12]} (was {app.commit[:12]})",
            done=lambda revision: f"{change}: committed as `{revision[:8]}`, flstr takes it from there.{stopped}",
            nothing=nothing if retried is None else again,
            locks=frozenset({app_lock(app.app)}),
            retried=retried,
        )

    def _before(self, app: App) -> CommitHash:
        """What served before what Git says now."""
        stable = self._registered(app).stable
        if stable is not None and stable.app.commit != app.commit and self._is_rolled_back(app):
            # Twice is not there and back: the first one is on its way.
            return app.commit
        before = None if stable is None else stable.before if stable.app.commit == app.commit else stable.app.commit
        if before is None:
            raise Refused(
                f"flstr knows of no commit that {app.app} ran before; name one, such as `rollback {app.app} a1b2c3`."
            )
        return before

    def _is_rolled_back(self, app: App) -> bool:
        repo = self.commits.repo
        newest = repo.history(app_path(app.app), 1)
        return bool(newest) and repo.revision(newest[0]).subject.startswith(ROLL_BACK)

    def _resolve(self, request: Request, app: App, wanted: str) -> CommitHash:
        try:
            return self.app_repos.resolve(app.repo, wanted)
        except UnknownCommit as error:
            meant = corrected(request, wanted, error.near) if error.near else ""
            raise Refused(error.sentence, meant) from error

    def _app_with(self, manifests: Manifests, wanted: str) -> App:
        """The app whose repository has a commit. Raises `Refused` where that is none, or more than one."""
        found = [app for app in manifests.apps.values() if self._has(app, wanted)]
        if len(found) == 1:
            return found[0]
        names = sorted(app.app for app in found or manifests.apps.values())
        which = f"{', '.join(names)} have '{wanted}'" if found else f"No app has a commit, branch or tag '{wanted}'"
        example = names[0] if names else "influencer"
        raise Refused(f"{which}; say which app is meant, such as `deploy {example}@{wanted}`.")

    def _has(self, app: App, wanted: str) -> bool:
        try:
            self.app_repos.resolve(app.repo, wanted)
        except Unreadable:
            raise
        except Refused:
            return False
        return True

    def _failed(self, manifests: Manifests, app: App, commit: CommitHash) -> Retried | None:
        spec = manifests.spec(app.model_copy(update={"commit": commit}))
        failed = self._registered(app).quarantine.get(spec)
        return None if failed is None else Retried((app.kind, app.app), spec, failed)

    def _registered(self, app: App) -> RegisteredApp:
        return self.registry.read().apps.get((app.kind, app.app), RegisteredApp())


def app_named(request: Request, manifests: Manifests, word: str) -> App:
    """The app of this name. Raises `Refused` with the nearest one."""
    apps = {app.app: app for app in manifests.apps.values()}
    return apps[known_as(request, word, "app", apps)]


def _setting(app: App, field: str, value: str) -> Edit:
    """The edit that sets one field of an app's manifest."""

    def write(files: Mapping[str, str]) -> Mapping[str, str]:
        path = app_path(app.app)
        return {path: edit.set_value(text_of(files, path), [field], value)}

    return write


def _in_quarantine(app: App, commit: CommitHash, retried: Retried, line: str) -> tuple[str, str]:
    """The sentence about a release that failed, and the line that tries it once more."""
    return (
        f"{app.app}@{commit[:8]} failed before ({retried.failed.reason}) and is in quarantine; "
        f"`{line}` tries it once more.",
        line,
    )
