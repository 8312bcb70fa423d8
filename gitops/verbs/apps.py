"""The verbs that change what runs of an app, all of them commits: deploy, rollback, restart, stop, remove."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitops import edit
from gitops.app_repos import AppRepos
from gitops.manifests import Manifests, app_path
from gitops.registry import Registry
from gitops.verbs.commits import Commits, text_of
from gitops.verbs.desk import Request, did_you_mean
from model import keys
from model.app import App
from model.errors import Refused
from model.mrkdwn import escape
from model.names import CommitHash
from model.registered import Quarantine, RegisteredApp
from model.steps import app_lock
from model.verbs import ANYWAY

ROLL_BACK = "Roll back"


@dataclass(frozen=True)
class Apps:
    """Commits what a person asks for of an app, under their name."""

    commits: Commits
    app_repos: AppRepos
    registry: Registry
    clock: Callable[[], float] = time.time

    def deploy(self, request: Request) -> str:
        """`deploy <app>@<commit> [--anyway]`."""
        word, *flags = request.intent.arguments
        name, _, wanted = word.partition("@")
        manifests = self.commits.newest()
        app = app_named(manifests, name)
        commit = self.app_repos.resolve(app.repo, wanted)
        if ANYWAY not in flags:
            self._check_quarantine(manifests, app, commit, word)
            return self._to_commit(request, app, commit, "Deploy")
        failed = self._failed(manifests, app, commit)
        if failed is not None:
            self._release(manifests, app, commit)
        try:
            return self._to_commit(request, app, commit, "Deploy", again=failed is not None)
        except Refused:
            if failed is not None:
                self._keep(manifests, app, commit, failed)
            raise

    def rollback(self, request: Request) -> str:
        """`rollback <app> [commit]`."""
        name, *wanted = request.intent.arguments
        manifests = self.commits.newest()
        app = app_named(manifests, name)
        commit = self.app_repos.resolve(app.repo, wanted[0]) if wanted else self._before(app)
        self._check_quarantine(manifests, app, commit, f"{name}@{commit[:8]}")
        return self._to_commit(request, app, commit, ROLL_BACK)

    def restart(self, request: Request) -> str:
        """`restart <app>`; one that is stopped is started."""
        name = request.intent.arguments[0]
        app = app_named(self.commits.newest(), name)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock()))

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            path = app_path(name)
            field, value = ("stopped", "false") if app.stopped else ("restarted", f'"{now}"')
            return {path: edit.set_value(text_of(files, path), [field], value)}

        revision = self.commits.make(request, write, f"{'Start' if app.stopped else 'Restart'} {name}")
        if revision is None:
            return f"{name} was restarted just now; nothing to do."
        what = f"starts again, with {app.instances} of its instances" if app.stopped else "gets new instances, in turn"
        return f"{name} {what}: committed as `{revision[:8]}`, flstr takes it from there."

    def stop(self, request: Request) -> str:
        """`stop <app>`."""
        name = request.intent.arguments[0]
        app = app_named(self.commits.newest(), name)
        if app.stopped:
            return f"{name} is stopped already; `restart {name}` starts it."

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            path = app_path(name)
            return {path: edit.set_value(text_of(files, path), ["stopped"], "true")}

        revision = self.commits.make(request, write, f"Stop {name}")
        return (
            f"{name} is to run nowhere: committed as `{(revision or '')[:8]}`; its addresses answer 503 until "
            f"somebody says `restart {name}`."
        )

    def remove(self, request: Request) -> str:
        """`remove <app>`; the worker asks for an approval."""
        name = request.intent.arguments[0]
        manifests = self.commits.newest()
        app_named(manifests, name)
        needing = sorted(app.app for app in manifests.apps.values() if name in app.needs)
        if needing:
            raise Refused(f"{', '.join(needing)} needs {name}; take it out of `needs` first.")
        revision = self.commits.make(request, lambda _: {app_path(name): None}, f"Remove {name}")
        return f"{name} is to go: committed as `{(revision or '')[:8]}`; it serves on until somebody approves."

    def _to_commit(self, request: Request, app: App, commit: CommitHash, verb: str, *, again: bool = False) -> str:
        subject = self.app_repos.subject(app.repo, commit)

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            path = app_path(app.app)
            return {path: edit.set_value(text_of(files, path), ["commit"], f'"{commit}"')}

        revision = self.commits.make(request, write, f"{verb} {app.app}@{commit[:12]} (was {app.commit[:12]})")
        if revision is None and again:
            return f"{app.app}@{commit[:8]} is out of quarantine, and tried once more."
        if revision is None:
            return f"{app.app} is already at `{commit[:8]}`; nothing to do."
        about = f' "{escape(subject)}"' if subject else ""
        stopped = f" It is stopped; `restart {app.app}` starts it." if app.stopped else ""
        change = f"{app.app} {app.commit[:8]} → {commit[:8]}{about}"
        return f"{change}: committed as `{revision[:8]}`, flstr takes it from there.{stopped}"

    def _before(self, app: App) -> CommitHash:
        """What served before what Git says now."""
        stable = self._registered(app).stable
        if stable is not None and stable.app.commit != app.commit and self._is_rolled_back(app):
            # Twice is not there and back: the first one is on its way.
            raise Refused(f"{app.app} is being rolled back to {app.commit[:8]} already.")
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

    def _check_quarantine(self, manifests: Manifests, app: App, commit: CommitHash, word: str) -> None:
        failed = self._failed(manifests, app, commit)
        if failed is not None:
            raise Refused(
                f"{app.app}@{commit[:8]} failed before ({failed.reason}) and is in quarantine; "
                f"`deploy {word} {ANYWAY}` tries it once more."
            )

    def _failed(self, manifests: Manifests, app: App, commit: CommitHash) -> Quarantine | None:
        return self._registered(app).quarantine.get(manifests.spec(app.model_copy(update={"commit": commit})))

    def _release(self, manifests: Manifests, app: App, commit: CommitHash) -> None:
        """Take a release out of quarantine; the plan that failed counts as new."""
        spec = manifests.spec(app.model_copy(update={"commit": commit}))
        self.registry.store.delete(keys.quarantine(app.kind, app.app, spec), keys.attempt(app_lock(app.app)))
        self.commits.wake()

    def _keep(self, manifests: Manifests, app: App, commit: CommitHash, failed: Quarantine) -> None:
        """Put a release back into quarantine, where nothing came of trying it again."""
        spec = manifests.spec(app.model_copy(update={"commit": commit}))
        self.registry.store.put_new(keys.quarantine(app.kind, app.app, spec), failed.to_json())

    def _registered(self, app: App) -> RegisteredApp:
        return self.registry.read().apps.get((app.kind, app.app), RegisteredApp())


def app_named(manifests: Manifests, name: str) -> App:
    """The app of this name. Raises `Refused` with the nearest one."""
    app = manifests.app_named(name)
    if app is None:
        raise Refused(
            f"There is no app called {name}.{did_you_mean(name, [app.app for app in manifests.apps.values()])}"
        )
    return app
