"""The verbs for a machine that has to be worked on or to go: drain, undrain and destroy, commits like the others."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from gitops import edit
from gitops.edit_list import add_item, remove_item
from gitops.lint_drained import undrained_workers
from gitops.manifests import CLUSTER_FILE, Manifests, read_cluster
from gitops.verbs.change import Change
from gitops.verbs.commits import Commits, text_of
from gitops.verbs.desk import Request
from gitops.verbs.names import known_as
from model.cluster import Cluster
from model.errors import Refused
from model.locks import MACHINES, app_lock
from model.names import NodeName


@dataclass(frozen=True)
class Drain:
    """Says in `cluster.yaml` where no instance may run; `dead` are the machines that are given up just now."""

    commits: Commits
    dead: Callable[[], Collection[NodeName]]

    def drain(self, request: Request) -> Change:
        """`drain <node>`."""
        manifests = self.commits.newest()
        node = _worker(request, manifests.cluster)
        if node not in manifests.cluster.drained:
            _check_others(node, manifests, self.dead(), "drain")
        return Change(
            write=lambda files: {CLUSTER_FILE: add_item(text_of(files, CLUSTER_FILE), ["drained"], node)},
            subject=f"Drain {node}",
            done=lambda revision: (
                f"{node} is to run no instance: committed as `{revision[:8]}`, flstr moves them to other workers."
            ),
            nothing=f"{node} is drained already; nothing to do.",
            locks=_app_locks(manifests),
            nodes=frozenset({node}),
        )

    def undrain(self, request: Request) -> Change:
        """`undrain <node>`."""
        manifests = self.commits.newest()
        node = _worker(request, manifests.cluster)
        return Change(
            write=lambda files: {CLUSTER_FILE: remove_item(text_of(files, CLUSTER_FILE), ["drained"], node)},
            subject=f"Undrain {node}",
            done=lambda revision: (
                f"{node} may run instances again: committed as `{revision[:8]}`, flstr takes it from there."
            ),
            nothing=f"{node} is not drained; nothing to do.",
            locks=_app_locks(manifests),
            nodes=frozenset({node}),
        )

    def destroy(self, request: Request) -> Change:
        """`destroy <node or cluster> [--yes]`; the worker asks for an approval."""
        manifests = self.commits.newest()
        cluster, word = manifests.cluster, request.intent.arguments[0]
        if word == cluster.cluster and word not in cluster.nodes():
            return _dissolve(cluster)
        if pool := _without(cluster, word):
            nothing = f"{word} is to be destroyed already: the pool {pool} is without it."
            return Change(dict, f"Destroy {word}", lambda _: nothing, nothing, frozenset({MACHINES}), frozenset({word}))
        node = known_as(request, word, "node", [*cluster.nodes(), cluster.cluster])
        if cluster.nodes()[node].role == "worker":
            _check_others(node, manifests, self.dead(), "destroy")
        pool = cluster.pool_of(node) or ""
        left = cluster.pools[pool].count - 1

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            # Counted in the newest files: somebody else may have destroyed another one meanwhile.
            now, text = read_cluster(files).pools.get(pool), text_of(files, CLUSTER_FILE)
            names = Cluster.names_of(pool, now) if now is not None else ()
            if now is None or node not in names:
                return {}
            is_last = names[-1] == node
            text = edit.set_value(text, ["pools", pool, "count"], str(now.count - 1))
            # The last one is not missed in the counting.
            text = text if is_last else add_item(text, ["pools", pool, "without"], node)
            return {CLUSTER_FILE: remove_item(text, ["drained"], node)}

        return Change(
            write=write,
            subject=f"Destroy {node}",
            done=lambda revision: (
                f"{node} is to go: committed as `{revision[:8]}`; it stays until somebody approves, and {pool} has "
                f"{left} of its machines then."
            ),
            nothing=f"{node} is to be destroyed already.",
            locks=frozenset({MACHINES}),
            nodes=frozenset({node}),
        )


def _dissolve(cluster: Cluster) -> Change:
    name = cluster.cluster
    return Change(
        write=lambda files: {CLUSTER_FILE: edit.set_value(text_of(files, CLUSTER_FILE), ["dissolved"], "true")},
        subject=f"Destroy the cluster {name}",
        done=lambda revision: (
            f"The whole cluster {name} is to go: committed as `{revision[:8]}`. Nothing new is begun from now on; "
            f"everything stays until somebody approves and types {name}. Whoever takes `dissolved` back in "
            f"{CLUSTER_FILE} keeps it."
        ),
        nothing=f"The whole cluster {name} is to be destroyed already.",
        locks=frozenset({MACHINES}),
        asks=True,
    )


def _app_locks(manifests: Manifests) -> frozenset[str]:
    return frozenset(app_lock(app.app) for app in manifests.apps.values())


def _without(cluster: Cluster, word: str) -> str | None:
    """The pool that is without this machine already, or None."""
    return next((name for name, pool in cluster.pools.items() if word in pool.without), None)


def _worker(request: Request, cluster: Cluster) -> NodeName:
    nodes = cluster.nodes()
    node = known_as(request, request.intent.arguments[0], "node", nodes)
    if nodes[node].role != "worker":
        raise Refused(f"{node} has the role {nodes[node].role} and runs no instances; only workers are drained.")
    return node


def _check_others(node: NodeName, manifests: Manifests, dead: Collection[NodeName], verb: str) -> None:
    """What runs on a machine can leave it only for another."""
    others = set(undrained_workers(manifests.cluster)) - {node} - {*dead}
    running = sorted(app.app for app in manifests.apps.values() if app.count)
    if running and not others:
        raise Refused(
            f"{node} is the last worker that may run instances, of {', '.join(running)}; "
            f"add a worker, or undrain one, before you {verb} it."
        )
