"""The verbs for a machine that has to be worked on: drain and undrain, which are commits like the others."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from gitops.edit_list import add_item, remove_item
from gitops.lint_drained import undrained_workers
from gitops.manifests import CLUSTER_FILE, Manifests
from gitops.verbs.commits import Commits, text_of
from gitops.verbs.desk import Request, did_you_mean
from model.cluster import Cluster
from model.errors import Refused
from model.names import NodeName


@dataclass(frozen=True)
class Drain:
    """Says in `cluster.yaml` where no instance may run; `dead` are the machines that are given up just now."""

    commits: Commits
    dead: Callable[[], Collection[NodeName]]

    def drain(self, request: Request) -> str:
        """`drain <node>`."""
        node, manifests = request.intent.arguments[0], self.commits.newest()
        _check_worker(node, manifests.cluster)
        if node not in manifests.cluster.drained:
            _check_others(node, manifests, self.dead())

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            return {CLUSTER_FILE: add_item(text_of(files, CLUSTER_FILE), ["drained"], node)}

        revision = self.commits.make(request, write, f"Drain {node}")
        if revision is None:
            return f"{node} is drained already; nothing to do."
        return f"{node} is to run no instance: committed as `{revision[:8]}`, flstr moves them to other workers."

    def undrain(self, request: Request) -> str:
        """`undrain <node>`."""
        node = request.intent.arguments[0]
        _check_worker(node, self.commits.newest().cluster)

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            return {CLUSTER_FILE: remove_item(text_of(files, CLUSTER_FILE), ["drained"], node)}

        revision = self.commits.make(request, write, f"Undrain {node}")
        if revision is None:
            return f"{node} is not drained; nothing to do."
        return f"{node} may run instances again: committed as `{revision[:8]}`, flstr takes it from there."


def _check_worker(node: NodeName, cluster: Cluster) -> None:
    nodes = cluster.nodes()
    if node not in nodes:
        raise Refused(f"There is no node called {node}.{did_you_mean(node, list(nodes))}")
    if nodes[node].role != "worker":
        raise Refused(f"{node} has the role {nodes[node].role} and runs no instances; only workers are drained.")


def _check_others(node: NodeName, manifests: Manifests, dead: Collection[NodeName]) -> None:
    """What runs on a machine can leave it only for another."""
    others = set(undrained_workers(manifests.cluster)) - {node} - {*dead}
    running = sorted(app.app for app in manifests.apps.values() if app.count)
    if running and not others:
        raise Refused(
            f"{node} is the last worker that may run instances, of {', '.join(running)}; "
            "add a worker, or undrain one, before you drain it."
        )
