"""`doctor [node] [--fix]`: every machine looked at side by side, and what was seen told in findings."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog

from executors.doctor.diagnosis import diagnose, tunnel_count
from executors.doctor.facts import Facts, parse
from executors.doctor.findings import Finding, mended_report, report
from executors.doctor.leases import lost_subnets
from executors.doctor.looking import concerned, known_nodes, look_scripts
from executors.doctor.mending import connecting, overlaying, writing
from executors.look_fence import look_fence
from executors.overlay import register_overlay_key
from executors.overlay_files import overlay_key_script
from executors.remote import Remote
from gitops.executor import HostFence
from gitops.registry import Registry
from gitops.verbs.desk import did_you_mean
from model.cluster import Cluster
from model.errors import Refused, StepFailed
from model.names import NodeName
from model.registered import Registered
from model.verbs import FIX

log = structlog.get_logger()

LOOK_SECONDS = 60.0
CLOCK_SECONDS = 10.0
MEND_SECONDS = 180.0
# How long a mend may take until nothing more is seen of it, and how often that is looked at.
SETTLE_SECONDS = 15.0
SETTLE_POLL_SECONDS = 1.0
# A mend connects machines anew, of which tincd may make a fault of its own: see `reach` in mesh/apply.sh.j2.
MEND_ROUNDS = 2
SIDE_BY_SIDE = 32


@dataclass(frozen=True)
class Seen:
    """One look: the machines that answered, why others did not, and what is wrong."""

    machines: Mapping[NodeName, Facts]
    silent: Mapping[NodeName, str]
    found: list[Finding]


@dataclass(frozen=True)
class Patient:
    """What is looked at: the whole cluster, or one machine with the other ends that it talks to."""

    focus: NodeName | None
    cluster: Cluster
    registered: Registered
    fence: HostFence


class Doctor:
    """A `HostCheck`."""

    def __init__(self, ssh: Remote) -> None:
        self._ssh = ssh

    def __call__(self, arguments: tuple[str, ...], registry: Registry) -> str:
        """The findings as Slack mrkdwn. Raises `Refused` for a machine that is not known."""
        names = [word for word in arguments if word != FIX]
        patient = self.patient(names[0] if names else None, registry)
        seen = self.look(patient)
        if FIX not in arguments or not any(one.mends for one in seen.found):
            return report(seen.found, seen.machines, tunnel_count(seen.machines))
        after = seen
        for _ in range(MEND_ROUNDS):
            if any(one.mends for one in after.found):
                after = self._mend(patient, after, registry)
        return mended_report(seen.found, after.found, after.machines, tunnel_count(after.machines))

    @staticmethod
    def patient(focus: NodeName | None, registry: Registry) -> Patient:
        """What there is to be looked at. Raises `Refused` for a machine that is not known."""
        fence = look_fence(registry)
        cluster, registered = registry.cluster(), registry.read()
        known = known_nodes(cluster, registered)
        if focus is not None and focus not in known:
            raise Refused(f"There is no node called {focus}.{did_you_mean(focus, list(known))}")
        return Patient(focus, cluster, registered, fence)

    def look(self, patient: Patient) -> Seen:
        """Every machine concerned looked at side by side, and what is wrong."""
        cluster, registered = patient.cluster, patient.registered
        nodes = known_nodes(cluster, registered)
        if patient.focus is not None:
            nodes = concerned(patient.focus, cluster, registered)
        scripts = look_scripts(nodes, patient.focus, cluster, registered)
        answers = self._ssh.run_all(scripts, patient.fence, LOOK_SECONDS)
        silent = {node: answer.sentence for node, answer in answers.items() if isinstance(answer, StepFailed)}
        printed = {node: answer for node, answer in answers.items() if not isinstance(answer, StepFailed)}
        clocks = self._clocks(tuple(printed), patient.fence)
        machines = {
            node: replace(parse(output), clock=clocks.get(node, (0.0, 0.0))) for node, output in printed.items()
        }
        found = diagnose(cluster, registered, machines, silent)
        return Seen(machines, silent, [one for one in found if one.concerns(patient.focus)])

    def _clocks(self, nodes: tuple[NodeName, ...], fence: HostFence) -> dict[NodeName, tuple[float, float]]:
        """How far each clock is ahead, at least and at most; the way there and back is what lies between."""

        def ahead(node: NodeName) -> tuple[float, float]:
            asked = time.time()
            try:
                told = float(self._ssh.run(node, "date +%s.%N", fence, CLOCK_SECONDS))
            except (StepFailed, ValueError):
                return (0.0, 0.0)
            return (told - time.time(), told - asked)

        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="doctor") as pool:
            return dict(zip(nodes, pool.map(ahead, nodes), strict=True))

    def _mend(self, patient: Patient, seen: Seen, registry: Registry) -> Seen:
        up = seen.machines.keys()
        log.info("mending", nodes=sorted(up), findings=[one.text for one in seen.found if one.mends])
        patient = replace(patient, registered=self._claim_again(patient, seen, registry))
        cluster, registered = patient.cluster, patient.registered
        for scripts in (
            writing(seen.found, cluster, registered),
            overlaying(seen.found, up, cluster, registered),
            connecting(seen.found, up, cluster, registered),
        ):
            reached = {node: script for node, script in scripts.items() if node in up}
            for node, answer in self._ssh.run_all(reached, patient.fence, MEND_SECONDS).items():
                if isinstance(answer, StepFailed):
                    log.warning("not mended", node=node, reason=answer.sentence)
        return self._settled(patient)

    def _claim_again(self, patient: Patient, seen: Seen, registry: Registry) -> Registered:
        """Subnets whose leases are gone, for the keys that their machines have; what is registered afterwards."""
        overlay = patient.cluster.overlay
        wanted = lost_subnets(patient.cluster, patient.registered).keys() & {
            one.node for one in seen.found if one.mends
        }
        for node in sorted(wanted & seen.machines.keys()):
            # flanneld claims for itself when it starts.
            if overlay is not None and overlay.driver == "wireguard":
                try:
                    printed = self._ssh.run(node, overlay_key_script(), patient.fence, MEND_SECONDS)
                    register_overlay_key(node, printed, overlay, registry)
                except StepFailed as failure:
                    log.warning("not mended", node=node, reason=failure.sentence)
        return registry.read()

    def _settled(self, patient: Patient) -> Seen:
        """A look at which nothing that can be mended is left, or the last one before the time is up."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            seen = self.look(patient)
            if not any(one.mends for one in seen.found) or time.monotonic() > deadline:
                return seen
            time.sleep(SETTLE_POLL_SECONDS)
