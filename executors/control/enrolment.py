"""Machines register themselves at the cluster's etcd: a certificate for each, a user in etcd, and a unit."""

from collections.abc import Mapping, Sequence

from executors.answers import failure_of, report_the_silent
from executors.control.asking import at_a_member, carriers
from executors.control.authority import Signer
from executors.control.member_files import users_script
from executors.control.node_files import Enrolled, enrol_script, request_in, request_script, retire_script
from executors.control.signing import signer_of
from executors.control.users import forget_node_user_commands, node_user_commands
from executors.remote import Remote, Unreachable
from gitops.certificates import KeySafe
from gitops.control import etcd_endpoints, is_bootstrapped
from gitops.enrolment import enrolment_digest
from gitops.executor import Executor, StepContext
from model import keys
from model.cluster import Cluster
from model.errors import StepFailed
from model.names import NodeName
from model.registered import NodeRecord
from model.steps import EnrolNodes, LeaveMeshes

REQUEST_SECONDS = 420.0
ENROL_SECONDS = 90.0
RETIRE_SECONDS = 60.0
# Six questions to etcd each, some 30 ms apiece.
USERS_AT_ONCE = 50


class Enrolment:
    """Carries out `EnrolNodes`, and what has to be undone of it where a machine leaves."""

    def __init__(self, ssh: Remote, safe: KeySafe) -> None:
        self._ssh = ssh
        self._safe = safe

    def enrol(self, step: EnrolNodes, context: StepContext) -> None:
        """Have machines register themselves, side by side; one that is not reached holds nobody up."""
        registry, cluster = context.registry, context.registry.cluster()
        signer = signer_of(registry.store, self._safe, cluster.cluster)
        registered = registry.read()
        endpoints, mesh = etcd_endpoints(registered), cluster.control_mesh()
        if not endpoints or mesh is None:
            raise StepFailed("no controller carries the cluster's etcd, so that there is nothing to register at")
        there = [node for node in step.nodes if mesh in _addresses(registered.nodes.get(node))]
        failed = {node: StepFailed(f"{node}: it has not joined {mesh} yet") for node in {*step.nodes}.difference(there)}
        wanted = {node: Enrolled(registered.nodes[node], endpoints, mesh, signer.certificate) for node in there}
        context.report("making keys")
        requests = {node: request_script(one) for node, one in wanted.items()}
        answers = self._ssh.run_all(requests, context.fence, REQUEST_SECONDS)
        asked = {node: request_in(answer) for node, answer in answers.items() if isinstance(answer, str)}
        certified, refused = _certified(asked, signer)
        failed |= refused
        self._make_users(sorted(certified), cluster, context)
        context.report(f"registering {len(certified)} machines")
        scripts = {node: enrol_script(wanted[node], certificate) for node, certificate in certified.items()}
        answers |= self._ssh.run_all(scripts, context.fence, ENROL_SECONDS)
        digest = enrolment_digest(registered)
        for node in [node for node, answer in answers.items() if isinstance(answer, str) and node not in refused]:
            if registered.enrolled.get(node) != digest:
                registry.put_enrolled(node, digest)
        report_the_silent(answers, (), context)
        broken = {node: answer for node, answer in answers.items() if isinstance(answer, StepFailed)}
        failed |= {node: answer for node, answer in broken.items() if not isinstance(answer, Unreachable)}
        if failed:
            raise failure_of(failed, "did not register at etcd")

    def leaving(self, leave: Executor) -> Executor:
        """How a machine leaves its meshes that was enrolled: what it had at etcd is taken away first."""

        def leave_etcd_and_meshes(step: LeaveMeshes, context: StepContext) -> None:
            self._forget(step.node, context)
            leave(step, context)

        return leave_etcd_and_meshes

    def _make_users(self, nodes: Sequence[NodeName], cluster: Cluster, context: StepContext) -> None:
        members = carriers(context.registry.read())
        for start in range(0, len(nodes), USERS_AT_ONCE):
            some = nodes[start : start + USERS_AT_ONCE]
            commands = "\n".join(node_user_commands(node, flanneld=_has_flanneld(node, cluster)) for node in some)
            at_a_member(self._ssh, users_script(commands), members, context)

    def _forget(self, node: NodeName, context: StepContext) -> None:
        """It is asked over SSH from now on, its unit is stopped if it is reached, and its certificate is of no use."""
        registered = context.registry.read()
        if not is_bootstrapped(registered):
            return
        context.registry.store.delete(keys.enrolled(node))
        answers = self._ssh.run_all({node: retire_script()}, context.fence, RETIRE_SECONDS)
        report_the_silent(answers, (), context)
        others = carriers(registered, but=node)
        at_a_member(self._ssh, users_script(forget_node_user_commands(node)), others, context)


def _certified(
    asked: Mapping[NodeName, str | None], signer: Signer
) -> tuple[dict[NodeName, str | None], dict[NodeName, StepFailed]]:
    """Certificates for those that asked for one, and those whose request is none: a machine's fault is its own."""
    certified, refused = dict[NodeName, str | None](), dict[NodeName, StepFailed]()
    for node, csr in asked.items():
        try:
            certified[node] = csr and signer.sign_client(csr, node)
        except (ValueError, TypeError) as error:
            refused[node] = StepFailed(f"{node}: what it asks to be certified by is no signing request ({error})")
    return certified, refused


def _addresses(record: NodeRecord | None) -> Mapping[str, str]:
    return {} if record is None else record.addresses


def _has_flanneld(node: NodeName, cluster: Cluster) -> bool:
    overlay, pool = cluster.overlay, cluster.nodes().get(node)
    return overlay is not None and overlay.driver == "flanneld" and pool is not None and cluster.has_overlay(pool.role)
