"""Machines join their meshes and leave them: host files on both sides, checked through the tunnel."""

from collections.abc import Collection, Iterable, Mapping

from executors.mesh_files import (
    Members,
    Place,
    leaving_script,
    mesh_script,
    node_record,
    places,
    reached,
    touched,
    tunnels,
)
from executors.mesh_keys import make_missing_keys
from executors.remote import Remote
from gitops.executor import StepContext
from model.cluster import Cluster, Pool
from model.errors import StepFailed
from model.names import NodeName
from model.registered import NodeRecord
from model.steps import JoinMeshes, LeaveMeshes

JOIN_SECONDS = 180.0
LEAVE_SECONDS = 60.0


class Mesh:
    """Carries out `JoinMeshes` and `LeaveMeshes`."""

    def __init__(self, ssh: Remote) -> None:
        self._ssh = ssh

    def join(self, step: JoinMeshes, context: StepContext) -> None:
        """Bring machines into every mesh of their role, side by side, and register those that got there.

        A machine that was in the meshes before and does not answer now is reported and holds nobody up.
        """
        cluster = context.registry.cluster()
        failed = self._make_missing_keys(step, cluster, context)
        joining = [node for node in step.nodes if node not in failed]
        members = _members(cluster, context)
        joined = context.registry.read().nodes
        up = joined.keys() | set(joining)
        scripts = _join_scripts(joining, up, cluster, members)
        context.report(f"exchanging keys on {_listed(sorted(scripts))}")
        answers = self._ssh.run_all(scripts, context.fence, JOIN_SECONDS)
        alive = up - {node for node, answer in answers.items() if isinstance(answer, StepFailed)}
        for node in joining:
            of_node = places(node, cluster, members)
            failure = why_not_joined(node, of_node, answers.get(node, ""), alive)
            if failure is None:
                _register(node, cluster, of_node, joined, context)
            else:
                failed[node] = failure
        _report_the_silent(answers, set(joining), context)
        if failed:
            sentences = "; ".join(failure.sentence for failure in failed.values())
            output = "\n".join(failure.output for failure in failed.values() if failure.output)
            raise StepFailed(f"{_listed(failed)} did not join: {sentences}", output)

    def leave(self, step: LeaveMeshes, context: StepContext) -> None:
        """Take a machine off every other one, whether it still answers or not, and deregister it."""
        cluster = context.registry.cluster()
        members = _members(cluster, context)
        left = {
            mesh: {node: member for node, member in of_mesh.items() if node != step.node}
            for mesh, of_mesh in members.items()
        }
        others = touched([step.node], cluster, members) & context.registry.read().nodes.keys()
        scripts = {node: mesh_script(places(node, cluster, left)) for node in others}
        meshes = [place.name for place in places(step.node, cluster, members)]
        if meshes:
            scripts[step.node] = leaving_script(meshes)
        if others:
            context.report(f"taking its keys off {_listed(sorted(others))}")
        answers = self._ssh.run_all(scripts, context.fence, LEAVE_SECONDS)
        _report_the_silent(answers, {step.node}, context)
        context.registry.forget_node(step.node)
        context.report("has left its meshes")

    def _make_missing_keys(
        self, step: JoinMeshes, cluster: Cluster, context: StepContext
    ) -> dict[NodeName, StepFailed]:
        failed: dict[NodeName, StepFailed] = {}
        wanted = cluster.nodes()
        for node in step.nodes:
            try:
                role = _pool(node, wanted).role
                make_missing_keys(self._ssh, node, role, cluster.meshes_of(role), context)
            except StepFailed as failure:
                failed[node] = failure
        return failed


def why_not_joined(
    node: NodeName, of_node: Collection[Place], answer: str | StepFailed, alive: Collection[NodeName]
) -> StepFailed | None:
    """What is wrong where a machine does not reach the hubs that are alive, and one in each mesh at least."""
    if isinstance(answer, StepFailed):
        return answer
    working = reached(answer)
    for place in of_node:
        hubs = [hub.node for hub in place.hubs()]
        silent = [hub for hub in hubs if (place.name, hub) not in working]
        to_blame = [hub for hub in silent if hub in alive] or (silent if silent == hubs else [])
        if to_blame:
            return StepFailed(f"{node}: no answer from {_listed(to_blame)} through {place.name}", answer)
    return None


def _join_scripts(
    joining: Collection[NodeName], up: Collection[NodeName], cluster: Cluster, members: Members
) -> dict[NodeName, str]:
    scripts = {}
    for node in sorted(touched(joining, cluster, members).intersection(up)):
        scripts[node] = mesh_script(places(node, cluster, members))
    for node in joining:
        of_node = places(node, cluster, members)
        if of_node:
            scripts[node] = mesh_script(of_node, tunnels(of_node, up))
    return scripts


def _register(
    node: NodeName,
    cluster: Cluster,
    of_node: tuple[Place, ...],
    joined: Mapping[NodeName, NodeRecord],
    context: StepContext,
) -> None:
    host = context.registry.host(node)
    if host is None:
        raise StepFailed(f"{node}: it was given back in the meantime")
    record = node_record(host, _pool(node, cluster.nodes()).role, cluster.pool_of(node) or "", of_node)
    if joined.get(node) != record:
        context.registry.put_node(record)
    context.report(f"{node} has joined {_listed(place.name for place in of_node)}")


def _pool(node: NodeName, wanted: Mapping[NodeName, Pool]) -> Pool:
    if node not in wanted:
        raise StepFailed(f"{node}: no pool of cluster.yaml has it any more")
    return wanted[node]


def _members(cluster: Cluster, context: StepContext) -> Members:
    return {mesh: context.registry.members(mesh) for mesh in cluster.meshes}


def _report_the_silent(
    answers: Mapping[NodeName, str | StepFailed], but: Collection[NodeName], context: StepContext
) -> None:
    for node, answer in sorted(answers.items()):
        if isinstance(answer, StepFailed) and node not in but:
            context.report(f"{node} was not brought up to date ({answer.sentence})")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
