"""Machines join their meshes and leave them: host files on both sides, checked through the tunnel."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock

from executors.answers import Answers, failure_of, report_the_silent
from executors.firewall import firewall_of, note_firewall
from executors.mesh_files import (
    End,
    Place,
    held,
    leaving_script,
    mesh_script,
    node_record,
    places,
    reached,
    touched,
    tunnels,
)
from executors.mesh_keys import make_missing_keys
from executors.remote import Remote, Unreachable
from gitops.executor import StepContext
from gitops.networked import Members, mesh_digest
from model.cluster import Cluster
from model.errors import StepFailed
from model.names import MeshName, NodeName
from model.pools import Pool
from model.registered import NodeRecord, Registered
from model.steps import JoinMeshes, LeaveMeshes, RefreshMeshes, RetireMeshes

JOIN_SECONDS = 180.0
LEAVE_SECONDS = 60.0


class Mesh:
    """Carries out `JoinMeshes`, `RefreshMeshes`, `RetireMeshes` and `LeaveMeshes`."""

    def __init__(self, ssh: Remote) -> None:
        self._ssh = ssh
        self._leaving = Lock()

    def join(self, step: JoinMeshes, context: StepContext) -> None:
        """Bring machines into every mesh of their role, side by side, and register those that got there.

        Hubs are first, so that a member starts on what they hold by then. A machine that was in the meshes before
        and does not answer now is reported and holds nobody up.
        """
        cluster = context.registry.cluster()
        failed = self._make_missing_keys(step, cluster, context)
        joining = tuple(node for node in step.nodes if node not in failed)
        registered = context.registry.read()
        joined = registered.nodes
        round_of = _Round(cluster, _members(cluster, context), joining, registered)
        answers = self._exchange(round_of, context)
        _note(answers, cluster, registered.model_copy(update={"members": round_of.members}), context)
        alive = round_of.up - {node for node, answer in answers.items() if isinstance(answer, StepFailed)}
        for node in joining:
            of_node = places(node, cluster, round_of.members)
            failure = why_not_joined(node, of_node, answers.get(node, ""), alive)
            if failure is None:
                _register(node, cluster, of_node, joined, context)
            else:
                failed[node] = failure
        report_the_silent(answers, set(joining), context)
        if failed:
            raise failure_of(failed, "did not join")

    def refresh(self, step: RefreshMeshes, context: StepContext) -> None:
        """Bring machines that are in their meshes to what these say by now; one that is not reached stays as it is."""
        cluster = context.registry.cluster()
        members = _members(cluster, context)
        registered = context.registry.read()
        scripts = {node: _plain_script(node, cluster, members, registered) for node in step.nodes}
        answers = self._ssh.run_all(scripts, context.fence, JOIN_SECONDS)
        _note(answers, cluster, registered, context)
        report_the_silent(answers, (), context)
        failed = {node: answer for node, answer in answers.items() if isinstance(answer, StepFailed)}
        broken = {node: answer for node, answer in failed.items() if not isinstance(answer, Unreachable)}
        if broken:
            raise failure_of(broken, "keep their old meshes")

    def retire(self, step: RetireMeshes, context: StepContext) -> None:
        """Stop meshes on every machine that has them; one that is not reached keeps its address in them."""
        cluster, registered = context.registry.cluster(), context.registry.read()
        members, nodes = _members(cluster, context), registered.nodes
        inside = [node for node, record in sorted(nodes.items()) if record.addresses.keys() & set(step.meshes)]
        without = registered.without(step.meshes)
        scripts = {node: _plain_script(node, cluster, members, without, step.meshes) for node in inside}
        answers = self._ssh.run_all(scripts, context.fence, LEAVE_SECONDS)
        _note(answers, cluster, without, context)
        for node, answer in answers.items():
            if not isinstance(answer, StepFailed):
                context.registry.leave_meshes(nodes[node], step.meshes)
        report_the_silent(answers, (), context)

    def leave(self, step: LeaveMeshes, context: StepContext) -> None:
        """Take a machine off every other one, whether it still answers or not, and deregister it.

        One after the other: each writes all host files of the hubs, and the last one has to know who else left.
        """
        with self._leaving:
            self._leave(step, context)

    def _leave(self, step: LeaveMeshes, context: StepContext) -> None:
        cluster = context.registry.cluster()
        members = _members(cluster, context)
        left = {
            mesh: {node: member for node, member in of_mesh.items() if node != step.node}
            for mesh, of_mesh in members.items()
        }
        registered = context.registry.read().model_copy(update={"members": left})
        others = touched([step.node], cluster, members) & registered.nodes.keys()
        scripts = {node: _plain_script(node, cluster, left, registered) for node in others}
        meshes = [place.name for place in places(step.node, cluster, members)]
        if meshes:
            scripts[step.node] = leaving_script(meshes)
        if others:
            context.report(f"taking its keys off {_listed(sorted(others))}")
        answers = self._ssh.run_all(scripts, context.fence, LEAVE_SECONDS)
        _note({node: answers[node] for node in others}, cluster, registered, context)
        report_the_silent(answers, {step.node}, context)
        context.registry.forget_node(step.node)
        context.report("has left its meshes")

    def _exchange(self, round_of: "_Round", context: StepContext) -> Answers:
        hubs, members = round_of.first(), round_of.second()
        context.report(f"exchanging keys on {_listed(sorted((*hubs, *members)))}")
        answers = self._ssh.run_all(hubs, context.fence, JOIN_SECONDS)
        ends = [end for hub, answer in answers.items() if isinstance(answer, str) for end in held(answer, hub)]
        silent = [node for node, answer in answers.items() if isinstance(answer, StepFailed)]
        scripts = {node: round_of.script(node, ends, silent) for node in members}
        return {**answers, **self._ssh.run_all(scripts, context.fence, JOIN_SECONDS)}

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


@dataclass(frozen=True)
class _Round:
    """Who takes part when machines join, and the one script that each of them gets."""

    cluster: Cluster
    members: Members
    joining: tuple[NodeName, ...]
    registered: Registered

    @property
    def up(self) -> frozenset[NodeName]:
        return frozenset(self.registered.nodes) | set(self.joining)

    def first(self) -> dict[NodeName, str]:
        """Hubs, and members beside a joining hub, whose files change."""
        others = touched(self.joining, self.cluster, self.members) & self.registered.nodes.keys()
        scripts = {
            node: mesh_script(self._places(node), compared=self.joining, firewall=self._firewall(node))
            for node in sorted(others)
        }
        return {**scripts, **{node: self.script(node, (), ()) for node in self.joining if self._is_hub(node)}}

    def second(self) -> tuple[NodeName, ...]:
        """Members, who are told what the hubs hold."""
        return tuple(node for node in self.joining if self._places(node) and not self._is_hub(node))

    def script(self, node: NodeName, ends: Iterable[End], silent: Collection[NodeName]) -> str:
        """What a joining machine does; hubs that are silent are not waited for."""
        of_node = self._places(node)
        hubs = {(place.name, hub.node) for place in of_node for hub in place.hubs()}
        theirs = [end for end in ends if (end.mesh, end.where) in hubs and end.node in (node, end.where)]
        reach = tunnels(of_node, self.up.difference(silent))
        return mesh_script(of_node, reach, theirs, self.joining, firewall=self._firewall(node))

    def _firewall(self, node: NodeName) -> str:
        return firewall_of(node, self.cluster, self.registered)

    def _is_hub(self, node: NodeName) -> bool:
        return any(place.is_hub(place.me) for place in self._places(node))

    def _places(self, node: NodeName) -> tuple[Place, ...]:
        return places(node, self.cluster, self.members)


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
        # A hub is a mesh of its own where all the others are dead; a member needs one.
        cut_off = silent == hubs and not place.is_hub(place.me)
        to_blame = [hub for hub in silent if hub in alive] or (silent if cut_off else [])
        if to_blame:
            return StepFailed(f"{node}: no answer from {_listed(to_blame)} through {place.name}", answer)
    return None


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
    before = joined.get(node)
    record = node_record(host, _pool(node, cluster.nodes()).role, cluster.pool_of(node) or "", of_node, before)
    if before != record:
        context.registry.put_node(record)
    context.report(f"{node} has joined {_listed(place.name for place in of_node)}")


def _plain_script(
    node: NodeName, cluster: Cluster, members: Members, registered: Registered, gone: tuple[MeshName, ...] = ()
) -> str:
    firewall = firewall_of(node, cluster, registered)
    return mesh_script(places(node, cluster, members), gone=gone, firewall=firewall)


def _pool(node: NodeName, wanted: Mapping[NodeName, Pool]) -> Pool:
    if node not in wanted:
        raise StepFailed(f"{node}: no pool of cluster.yaml has it any more")
    return wanted[node]


def _members(cluster: Cluster, context: StepContext) -> Members:
    return {mesh: context.registry.members(mesh) for mesh in cluster.meshes}


def _note(answers: Answers, cluster: Cluster, registered: Registered, context: StepContext) -> None:
    """A machine that was not reached is told from this: it is brought up to date when it answers again."""
    for node, answer in sorted(answers.items()):
        if isinstance(answer, StepFailed):
            continue
        note_firewall(node, cluster, registered, context.registry)
        digest = mesh_digest(node, cluster, registered.members)
        if registered.meshed.get(node) != digest:
            context.registry.put_meshed(node, digest)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
