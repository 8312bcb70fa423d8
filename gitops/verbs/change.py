"""The verbs that commit to the cluster repo: deploy and scale. The worker sees the commit like any other."""

from collections.abc import Mapping
from dataclasses import dataclass

from gitops import edit, edit_list
from gitops.app_repos import AppRepos
from gitops.manifests import CLUSTER_FILE, Manifests, app_path
from gitops.verbs.commits import Commits, text_of
from gitops.verbs.desk import Request, did_you_mean
from model.app import App
from model.errors import Refused
from model.mrkdwn import escape


@dataclass(frozen=True)
class Change:
    """Commits what a person asks for, under their name."""

    commits: Commits
    app_repos: AppRepos

    def deploy(self, request: Request) -> str:
        """`deploy <app>@<commit>`."""
        name, _, wanted = request.intent.arguments[0].partition("@")
        app = _app(self.commits.newest(), name)
        commit = self.app_repos.resolve(app.repo, wanted)
        said = f"{name} {app.commit[:8]} → {commit[:8]}"
        subject = self.app_repos.subject(app.repo, commit)

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            path = app_path(name)
            return {path: edit.set_value(text_of(files, path), ["commit"], f'"{commit}"')}

        revision = self.commits.make(request, write, f"Deploy {name}@{commit[:12]} (was {app.commit[:12]})")
        if revision is None:
            return f"{name} is already at `{commit[:8]}`; nothing to do."
        about = f' "{escape(subject)}"' if subject else ""
        return f"{said}{about}: committed as `{revision[:8]}`, flstr takes it from there."

    def scale(self, request: Request) -> str:
        """`scale <app or pool> <count>`."""
        name, count = request.intent.arguments[0], int(request.intent.arguments[1])
        manifests = self.commits.newest()
        app = manifests.app_named(name)
        pools = manifests.cluster.pools
        if app is None and name not in pools:
            known = [*(app.app for app in manifests.apps.values()), *pools]
            raise Refused(f"There is no app or pool called {name}.{did_you_mean(name, known)}")
        path, field = (app_path(name), ["instances"]) if app else (CLUSTER_FILE, ["pools", name, "count"])
        before = app.instances if app else pools[name].count
        gone = () if app else manifests.cluster.names_of(name, pools[name])[count:]

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            text = edit.set_value(text_of(files, path), field, str(count))
            # A machine that leaves is drained no more, or the next one of its name would be.
            for node in gone:
                text = edit_list.remove_item(text, ["drained"], node)
            return {path: text}

        revision = self.commits.make(request, write, f"Scale {name} from {before} to {count}")
        if revision is None:
            return f"{name} is already at {count}; nothing to do."
        return f"{name} {before} → {count}: committed as `{revision[:8]}`, flstr takes it from there."


def _app(manifests: Manifests, name: str) -> App:
    app = manifests.app_named(name)
    if app is None:
        raise Refused(
            f"There is no app called {name}.{did_you_mean(name, [app.app for app in manifests.apps.values()])}"
        )
    return app
