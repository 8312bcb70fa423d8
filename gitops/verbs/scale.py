"""The verb that changes how many there are of an app's instances or of a pool's machines."""

from collections.abc import Mapping
from dataclasses import dataclass

from gitops import edit, edit_list
from gitops.manifests import CLUSTER_FILE, app_path
from gitops.verbs.commits import Commits, text_of
from gitops.verbs.desk import Request, did_you_mean
from model.errors import Refused


@dataclass(frozen=True)
class Scale:
    """Commits the count that a person asks for, under their name."""

    commits: Commits

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
        stopped = f" It is stopped; `restart {name}` starts it." if app and app.stopped else ""
        return f"{name} {before} → {count}: committed as `{revision[:8]}`, flstr takes it from there.{stopped}"
