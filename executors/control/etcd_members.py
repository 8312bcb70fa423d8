"""The members of the cluster's etcd come and go: founded together, added one by one, removed in a safe order."""

import re
from collections.abc import Mapping, Sequence
from threading import Lock

from executors.answers import failure_of
from executors.control.asking import at_a_member, carriers
from executors.control.authority import Signer
from executors.control.listing import Listed, Look, Survey, look_in, members_in, successor, survey_in, why_not_remove
from executors.control.member_files import (
    START_SECONDS,
    Place,
    founding_start,
    joining_start,
    look_script,
    prepare_script,
    promote_script,
    remove_script,
    start_script,
    stop_script,
    survey_script,
    users_script,
)
from executors.control.member_files import add_script as add_member_script
from executors.control.signing import signer_of
from executors.control.users import CONTROLLER_USER, founding_commands
from executors.remote import Remote, Unreachable
from gitops.certificates import KeySafe
from gitops.control import peer_address
from gitops.executor import StepContext
from model import keys
from model.errors import StepFailed
from model.names import NodeName
from model.registered import EtcdMember
from model.steps import AddEtcdMember, FoundEtcd, RemoveEtcdMember

PREPARE_SECONDS = 420.0
SCRIPT_SECONDS = START_SECONDS + 60.0
SHORT_SECONDS = 60.0

_REQUEST = re.compile(
    r"^request (?P<name>\w+)\n(?P<csr>-----BEGIN CERTIFICATE REQUEST-----\n[A-Za-z0-9+/=\n]+"
    r"-----END CERTIFICATE REQUEST-----\n)",
    re.MULTILINE,
)

# By name: `member`, which is a server, and `flstr`, by which the machine's root is one of the controllers.
Certificates = Mapping[str, str]


class EtcdMembers:
    """Carries out `FoundEtcd`, `AddEtcdMember` and `RemoveEtcdMember`."""

    def __init__(self, ssh: Remote, safe: KeySafe) -> None:
        self._ssh = ssh
        self._safe = safe
        self._changing = Lock()

    def found(self, step: FoundEtcd, context: StepContext) -> None:
        """Make these controllers one etcd, side by side. What is there goes on, and what is missing is added."""
        signer = self._signer(context)
        places = {node: _place(node, signer, context) for node in step.nodes}
        certificates = self._prepare(places, signer, context)
        founders = {node: place.peer for node, place in places.items()}
        starts = {node: founding_start(place, founders) for node, place in places.items()}
        looks = self._look(places, context)
        ours = [node for node in places if looks[node].membership.startswith(f"{signer_token(signer, context)}/")]
        older = [node for node in ours if looks[node].began_with != starts[node].initial_cluster]
        if older and not _listed(looks):
            # They were an etcd before the others: those come in as members of it.
            self._start({node: start_script(places[node], certificates[node], None) for node in older}, context)
            looks = self._look(places, context)
        if listed := _listed(looks):
            self._complete(places, certificates, looks, listed, context)
        else:
            context.report(f"starting etcd on {', '.join(places)}")
            scripts = {node: start_script(places[node], certificates[node], starts[node]) for node in places}
            self._start(scripts, context)
        at_a_member(self._ssh, users_script(founding_commands()), places, context)
        listed = survey_in(at_a_member(self._ssh, survey_script(), places, context)).members
        for place in places.values():
            self._record(place, next((one.id for one in listed if one.peer == place.peer), ""), context)
        context.report(f"etcd runs on {', '.join(places)}")

    def add(self, step: AddEtcdMember, context: StepContext) -> None:
        """Have one more controller carry etcd; run again, it goes on from wherever it was."""
        signer = self._signer(context)
        place = _place(step.node, signer, context)
        certificates = self._prepare({step.node: place}, signer, context)[step.node]
        with self._changing:
            self._enter(place, certificates, carriers(context.registry.read(), but=step.node), context)

    def remove(self, step: RemoveEtcdMember, context: StepContext) -> None:
        """Take a member out while enough of the others answer, and stop it where its machine is reached."""
        with self._changing:
            registered = context.registry.read()
            record = registered.etcd_members.get(step.node)
            if record is not None:
                self._take_out(record, carriers(registered, but=step.node), context)
        try:
            self._ssh.run(step.node, stop_script(), context.fence, SHORT_SECONDS)
        except Unreachable as silent:
            context.report(f"etcd was not stopped there ({silent.sentence})")
        context.registry.store.delete(keys.etcd_member(step.node))
        context.report("carries etcd no more")

    def _signer(self, context: StepContext) -> Signer:
        return signer_of(context.registry.store, self._safe, context.registry.cluster().cluster)

    def _prepare(
        self, places: Mapping[NodeName, Place], signer: Signer, context: StepContext
    ) -> dict[NodeName, Certificates]:
        """Keys on each machine, and certificates for those that have none yet."""
        context.report("making keys")
        scripts = {node: prepare_script(place, signer.certificate) for node, place in places.items()}
        answers = self._ssh.run_all(scripts, context.fence, PREPARE_SECONDS)
        failed = {node: answer for node, answer in answers.items() if isinstance(answer, StepFailed)}
        if failed:
            raise failure_of(failed, "cannot carry etcd")
        return {
            node: _signed(places[node], signer, answer) for node, answer in answers.items() if isinstance(answer, str)
        }

    def _look(self, places: Mapping[NodeName, Place], context: StepContext) -> dict[NodeName, Look]:
        answers = self._ssh.run_all(dict.fromkeys(places, look_script()), context.fence, SHORT_SECONDS)
        failed = {node: answer for node, answer in answers.items() if isinstance(answer, StepFailed)}
        if failed:
            raise failure_of(failed, "cannot carry etcd")
        return {node: look_in(answer) for node, answer in answers.items() if isinstance(answer, str)}

    def _start(self, scripts: Mapping[NodeName, str], context: StepContext) -> None:
        answers = self._ssh.run_all(scripts, context.fence, SCRIPT_SECONDS)
        for node, answer in answers.items():
            if isinstance(answer, str):
                _report_aside(node, answer, context)
        failed = {node: answer for node, answer in answers.items() if isinstance(answer, StepFailed)}
        if failed:
            raise failure_of(failed, "did not start etcd")

    def _complete(
        self,
        places: Mapping[NodeName, Place],
        certificates: Mapping[NodeName, Certificates],
        looks: Mapping[NodeName, Look],
        listed: Sequence[Listed],
        context: StepContext,
    ) -> None:
        """An etcd that was founded is left alone, but for members that do not run, or are not there yet."""
        for node, place in places.items():
            entry = next((one for one in listed if one.peer == place.peer), None)
            if entry is None or not _is_intact(place, entry, looks[node]):
                answering = [other for other in places if other != node and looks[other].members]
                self._enter(place, certificates[node], answering, context)
            elif certificates[node] or not looks[node].members:
                self._start({node: start_script(place, certificates[node], None)}, context)

    def _enter(
        self, place: Place, certificates: Certificates, others: Sequence[NodeName], context: StepContext
    ) -> None:
        """Add, start without a vote, wait until it has caught up, give it its vote, record it."""
        survey = survey_in(at_a_member(self._ssh, survey_script(), others, context))
        look = look_in(self._ssh.run(place.node, look_script(), context.fence, SHORT_SECONDS))
        entry = survey.at(place.peer)
        start = None
        if entry is None or not _is_intact(place, entry, look):
            if entry is None or entry.is_started:
                entry = self._add(place, entry, survey, others, context)
                survey = survey_in(at_a_member(self._ssh, survey_script(), others, context))
            start = joining_start(place, entry.id, _names(place, survey, context))
        if entry.is_learner:
            context.report("catching up")
        until = "status" if entry.is_learner else "health"
        self._start({place.node: start_script(place, certificates, start, until)}, context)
        if entry.is_learner:
            at_a_member(self._ssh, promote_script(entry.id), others, context)
        self._start({place.node: start_script(place, {}, None)}, context)
        self._record(place, entry.id, context)
        context.report("carries etcd")

    def _add(
        self, place: Place, stale: Listed | None, survey: Survey, others: Sequence[NodeName], context: StepContext
    ) -> Listed:
        """A new entry without a vote, in the place of a `stale` one whose data are gone."""
        silent = [one for one in survey.voters() if one.id not in survey.healthy and one != stale]
        if silent:
            names = ", ".join(one.name or one.peer for one in silent)
            raise StepFailed(
                f"{place.node}: etcd takes no other member while {names} does not answer; bring it back, or destroy it"
            )
        if stale is not None and (why := why_not_remove(place.node, stale, survey)):
            raise StepFailed(why)
        # Noted before it is there, so that somebody removes it where nobody goes on.
        self._record(place, "", context)
        context.report("adding it to etcd")
        output = at_a_member(self._ssh, add_member_script(place, stale.id if stale else ""), others, context)
        entry = next((one for one in members_in(output) if one.peer == place.peer), None)
        if entry is None:
            raise StepFailed(f"{place.node}: etcd does not list the member that was added", output)
        return entry

    def _take_out(self, record: EtcdMember, others: Sequence[NodeName], context: StepContext) -> None:
        if not others:
            raise StepFailed(f"{record.node} carries the only member of etcd; add another controller first")
        survey = survey_in(at_a_member(self._ssh, survey_script(), others, context))
        entry = survey.at(peer_address(record.address))
        if entry is None:
            return
        if why := why_not_remove(record.node, entry, survey):
            raise StepFailed(why)
        heir = successor(entry, survey)
        script = remove_script(entry.id, entry.client if heir else "", heir.id if heir else "")
        at_a_member(self._ssh, script, others, context)

    @staticmethod
    def _record(place: Place, member_id: str, context: StepContext) -> None:
        member = EtcdMember(node=place.node, address=place.address, member_id=member_id)
        if context.registry.read().etcd_members.get(place.node) != member:
            context.registry.store.put(keys.etcd_member(place.node), member.to_json())


def signer_token(signer: Signer, context: StepContext) -> str:
    """What names the etcd that was founded with an authority."""
    return f"{context.registry.cluster().cluster}-{signer.founding()}"


def _place(node: NodeName, signer: Signer, context: StepContext) -> Place:
    mesh = context.registry.cluster().control_mesh()
    if mesh is None:
        raise StepFailed("cluster.yaml has no mesh whose hubs are controllers; etcd listens on that alone")
    record = context.registry.read().nodes.get(node)
    if record is None or mesh not in record.addresses:
        raise StepFailed(f"{node}: it has not joined {mesh} yet, on which etcd listens")
    return Place(node, mesh, record.addresses[mesh], signer_token(signer, context))


def _signed(place: Place, signer: Signer, output: str) -> Certificates:
    requests = {found["name"]: found["csr"] for found in _REQUEST.finditer(output)}
    certificates = {}
    if "member" in requests:
        certificates["member"] = signer.sign_member(requests["member"], (place.address, "127.0.0.1", place.node))
    if CONTROLLER_USER in requests:
        certificates[CONTROLLER_USER] = signer.sign_client(requests[CONTROLLER_USER], CONTROLLER_USER)
    return certificates


def _is_intact(place: Place, entry: Listed, look: Look) -> bool:
    """Whether the machine has the data of the member that is listed."""
    return entry.is_started and look.membership in (place.membership(), place.membership(entry.id))


def _listed(looks: Mapping[NodeName, Look]) -> tuple[Listed, ...]:
    return next((look.members for look in looks.values() if look.members), ())


def _names(place: Place, survey: Survey, context: StepContext) -> dict[str, NodeName]:
    """Names by peer address. Etcd compares the addresses alone, but for the member's own name."""
    recorded = {peer_address(one.address): node for node, one in context.registry.read().etcd_members.items()}
    others = {one.peer: recorded.get(one.peer) or one.name or f"m{one.id}" for one in survey.members}
    return {**others, place.peer: place.node}


def _report_aside(node: NodeName, output: str, context: StepContext) -> None:
    for line in output.splitlines():
        if line.startswith("aside "):
            context.tell(f"{node} held data of another etcd, which are kept in {line.removeprefix('aside ')}")
