"""The verbs that commit to the cluster repo: deploy and scale. The worker sees the commit like any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitops import edit
from gitops.app_repos import AppRepos
from gitops.lint import check
from gitops.manifests import CLUSTER_FILE, Manifests, app_path
from gitops.repository import Author, ClusterRepo
from gitops.verbs.desk import Request, did_you_mean
from model.app import App
from model.errors import Refused
from model.mrkdwn import escape


@dataclass(frozen=True)
class Change:
    """Commits what a person asks for, under their name."""

    repo: ClusterRepo
    app_repos: AppRepos
    wake: Callable[[], None]

    def deploy(self, request: Request) -> str:
        """`deploy <app>@<commit>`."""
        name, _, wanted = request.intent.arguments[0].partition("@")
        app = _app(self._newest(), name)
        commit = self.app_repos.resolve(app.repo, wanted)
        said = f"{name} {app.commit[:8]} → {commit[:8]}"
        subject = self.app_repos.subject(app.repo, commit)

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            path = app_path(name)
            return {path: edit.set_value(_text(files, path), ["commit"], f'"{commit}"')}

        revision = self._commit(request, write, f"Deploy {name}@{commit[:12]} (was {app.commit[:12]})")
        if revision is None:
            return f"{name} is already at `{commit[:8]}`; nothing to do."
        about = f' "{escape(subject)}"' if subject else ""
        return f"{said}{about}: committed as `{revision[:8]}`, flstr takes it from there."

    def scale(self, request: Request) -> str:
        """`scale <app or pool> <count>`."""
        name, count = request.intent.arguments[0], int(request.intent.arguments[1])
        manifests = self._newest()
        app = manifests.app_named(name)
        pools = manifests.cluster.pools
        if app is None and name not in pools:
            known = [*(app.app for app in manifests.apps.values()), *pools]
            raise Refused(f"There is no app or pool called {name}.{did_you_mean(name, known)}")
        path, field = (app_path(name), ["instances"]) if app else (CLUSTER_FILE, ["pools", name, "count"])
        before = app.instances if app else pools[name].count

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            return {path: edit.set_value(_text(files, path), field, str(count))}

        revision = self._commit(request, write, f"Scale {name} from {before} to {count}")
        if revision is None:
            return f"{name} is already at {count}; nothing to do."
        return f"{name} {before} → {count}: committed as `{revision[:8]}`, flstr takes it from there."

    def _newest(self) -> Manifests:
        self.repo.fetch()
        return check(self.repo.files(self.repo.branch))

    def _commit(
        self, request: Request, write: Callable[[Mapping[str, str]], Mapping[str, str]], subject: str
    ) -> str | None:
        def checked(files: Mapping[str, str]) -> Mapping[str, str]:
            changed = write(files)
            check({**files, **changed})
            return changed

        # A controller that was killed between the push and its answer leaves the intent to the next one.
        asked = f"Asked-id: {request.intent.id}"
        self.repo.fetch()
        if done := self.repo.saying(asked):
            return done
        asker = request.intent.asker
        place = f"slack #{asker.channel_name}" if asker.place == "slack" else "shell"
        words = " ".join(request.intent.words.split())[:200]
        trailers = f"Asked-by: {request.person}\nAsked-in: {place}\nAsked-as: {words}\n{asked}\n"
        revision = self.repo.commit(checked, f"{subject}\n\n{trailers}", Author(request.person, request.email))
        self.wake()
        return revision


def _text(files: Mapping[str, str], path: str) -> str:
    if path not in files:
        raise Refused(f"{path} was removed by somebody just now.")
    return files[path]


def _app(manifests: Manifests, name: str) -> App:
    app = manifests.app_named(name)
    if app is None:
        raise Refused(
            f"There is no app called {name}.{did_you_mean(name, [app.app for app in manifests.apps.values()])}"
        )
    return app
