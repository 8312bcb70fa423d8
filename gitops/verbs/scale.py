"""The verb that changes how many there are of an app's instances or of a pool's machines."""

from collections.abc import Mapping
from dataclasses import dataclass

from gitops import edit, edit_list
from gitops.manifests import CLUSTER_FILE, app_path
from gitops.verbs.change import Change
from gitops.verbs.commits import Commits, text_of
from gitops.verbs.desk import Request
from gitops.verbs.names import known_as
from model.cluster import Cluster
from model.locks import MACHINES, app_lock
from model.names import NodeName, PoolName
from model.pools import Pool

MOST = 200


@dataclass(frozen=True)
class Scale:
    """Decides the count that a person asks for."""

    commits: Commits

    def scale(self, request: Request) -> Change:
        """`scale <app or pool> <count> [--yes]`."""
        word, count = request.intent.arguments[0], int(request.intent.arguments[1])
        manifests = self.commits.newest()
        pools, apps = manifests.cluster.pools, {app.app: app for app in manifests.apps.values()}
        name = known_as(request, word, "app or pool", [*apps, *pools])
        app = apps.get(name)
        path = app_path(name) if app else CLUSTER_FILE
        before = app.instances if app else pools[name].count
        nodes = frozenset() if app else _ever_in(name, pools[name])

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            if app:
                return {path: edit.set_value(text_of(files, path), ["instances"], str(count))}
            return {path: with_count(files, name, pools[name], count)}

        stopped = f" It is stopped; `restart {name}` starts it." if app and app.stopped else ""
        return Change(
            write=write,
            subject=f"Scale {name} from {before} to {count}",
            done=lambda revision: (
                f"{name} {before} → {count}: committed as `{revision[:8]}`, flstr takes it from there.{stopped}"
            ),
            nothing=f"{name} is already at {count}; nothing to do.",
            locks=frozenset({app_lock(name) if app else MACHINES}),
            nodes=nodes,
            asks=app is not None and count == 0,
        )


def with_count(files: Mapping[str, str], name: PoolName, pool: Pool, count: int) -> str:
    """The text of `cluster.yaml` with another size of a pool. Raises `Refused` where it is gone."""
    text = edit.set_value(text_of(files, CLUSTER_FILE), ["pools", name, "count"], str(count))
    # A machine that leaves is drained no more, or the next one of its name would be.
    for node in Cluster.names_of(name, pool)[count:]:
        text = edit_list.remove_item(text, ["drained"], node)
    return text


def _ever_in(name: PoolName, pool: Pool) -> frozenset[NodeName]:
    """The names that machines of a pool may have, those that leave it among them."""
    return frozenset((*Cluster.names_of(name, pool.model_copy(update={"count": MOST})), *pool.without))
