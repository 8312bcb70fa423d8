"""Instances: a release that runs under systemd, seen healthy from where its users come."""

import base64
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from executors.host_paths import app_folder, boot_link, credentials_folder, release_paths, unit_name, unit_path
from executors.kept_releases import pruning, rollback_commits
from executors.needed import credentials, service_credentials
from executors.releases import Releases, blame, build_seconds, parse_built, tell
from executors.remote import Remote, Unreachable
from executors.templates import render
from executors.unit_files import Place, environment, unit_file
from gitops.executor import StepContext
from gitops.registry import Registry
from gitops.secrets import Decrypt, masked
from model.app import App
from model.errors import ReleaseFailed, StepFailed
from model.names import AppKind, AppName, CommitHash, InstanceId, NodeName
from model.registered import InstanceRecord, Registered
from model.steps import StartInstance, StopInstance

REACH_SECONDS = 20  # tinc needs up to a few seconds for the first packet between two machines
SCRIPT_SECONDS = 60.0
# systemd.exec(5), "Process Exit Codes"; 203 is EXEC.
SYSTEMD_STATUSES = frozenset(map(str, range(200, 250))) - {"203"}


@dataclass(frozen=True)
class Outcome:
    """How an instance did: `how` is healthy, exited, answered or silent; `status` is the exit's or the answer's."""

    how: str
    status: str
    journal: str

    @property
    def is_systemds_own(self) -> bool:
        """Whether the machine's systemd could not set the process up; that it cannot be executed is the app's fault."""
        return self.how == "exited" and self.status in SYSTEMD_STATUSES


def parse_outcome(printed: str) -> Outcome:
    """What the start and reach scripts print."""
    first, _, journal = printed.partition("\n")
    how, _, status = first.partition(" ")
    return Outcome(how, status, journal.strip())


def start_script(
    app: App,
    instance: InstanceId,
    place: Place,
    registered: Registered,
    secrets: Mapping[str, bytes],
    build: str = "",
) -> str:
    """The script that starts an instance and waits for its health; it holds its `credentials`, so nobody keeps it.

    `build` is the script that builds its release, where it goes before.
    """
    unit = unit_name(app.kind, app.app, instance)
    variables, of_services = environment(app, instance, place, registered), service_credentials(app, registered)
    return render(
        "app/start-instance.sh.j2",
        app=app,
        instance=instance,
        paths=release_paths(app),
        unit=unit,
        build=build.rstrip(),
        boot_link=boot_link(unit),
        credentials=credentials_folder(unit),
        secrets={name: base64.encodebytes(value).decode().rstrip() for name, value in secrets.items()},
        unit_path=unit_path(app.kind, app.app, instance),
        unit_file=unit_file(app, instance, place, variables, of_services),
        health=place.health(app),
        within_seconds=math.ceil(app.update.healthy_deadline),
    )


def reach_script(app: App, place: Place) -> str:
    """The script that asks for an instance through the mesh."""
    return render("app/reach-instance.sh.j2", health=place.health(app), within_seconds=REACH_SECONDS)


def stop_script(kind: AppKind, app: AppName, instance: InstanceId, needed: Collection[CommitHash] = ()) -> str:
    """The script that stops an instance and cleans up after it; releases of commits that are needed stay."""
    unit = unit_name(kind, app, instance)
    return render(
        "app/stop-instance.sh.j2",
        app=app,
        instance=instance,
        unit=unit,
        credentials=credentials_folder(unit),
        unit_path=unit_path(kind, app, instance),
        folder=app_folder(kind, app),
        **pruning(needed),
    )


def failure(app: App, instance: InstanceId, node: NodeName, outcome: Outcome, seen_from: NodeName) -> str:
    """Why an instance does not serve, in one sentence."""
    who = f"{app.app} {instance} on {node}"
    if outcome.how == "exited":
        return f"{who} ended with status {outcome.status} before it answered at {app.health.path}"
    within = app.update.healthy_deadline if seen_from == node else REACH_SECONDS
    asked = "" if seen_from == node else f", asked from {seen_from}"
    last = f"; last answer was {outcome.status}" if outcome.how == "answered" else "; it did not answer at all"
    return f"{who} did not answer 200 at {app.health.path} within {within:g}s{asked}{last}"


class Instances:
    """Carries `StartInstance` and `StopInstance` out."""

    def __init__(self, remote: Remote, decrypt: Decrypt, releases: Releases) -> None:
        self._remote = remote
        self._releases = releases
        self._decrypt = decrypt

    def start(self, step: StartInstance, context: StepContext) -> None:
        """Start an instance and register it once it was seen healthy; one that fails or is given up is taken away
        again.

        Raises `ReleaseFailed` where the instance itself is at fault, and another `StepFailed` where a machine or the
        network between them is.
        """
        app = step.app
        registered = context.registry.read()
        secrets = credentials(app, registered, context.registry.store, self._decrypt)
        place = _place(step, context.registry, registered)
        try:
            self._start_and_see(step, place, registered, secrets, context)
        except StepFailed:
            self._take_away(step, context)
            raise
        record = InstanceRecord(node=step.node, ip=place.address, port=place.port, commit=app.commit)
        context.registry.put_instance(app.kind, app.app, step.instance, record)

    def stop(self, step: StopInstance, context: StepContext) -> None:
        """Stop an instance and give its port back. A machine that is not reached keeps both."""
        needed = rollback_commits(step.app_kind, step.app, context.registry.read())
        script = stop_script(step.app_kind, step.app, step.instance, needed)
        try:
            self._remote.run(step.node, script, context.fence, SCRIPT_SECONDS)
        except Unreachable as error:
            context.report(f"left on {step.node}, which is not reached: {error.sentence}")
            return
        context.registry.free_port(step.node, step.app_kind, step.app, step.instance)

    def _start_and_see(
        self,
        step: StartInstance,
        place: Place,
        registered: Registered,
        secrets: Mapping[str, bytes],
        context: StepContext,
    ) -> None:
        app = step.app
        within, build = app.update.healthy_deadline + SCRIPT_SECONDS, ""
        if step.build:
            within += build_seconds(app)
            build = self._releases.script(app, step.node, registered)
        context.report(f"{'building, then ' if step.build else ''}starting on port {place.port}")
        script = start_script(app, step.instance, place, registered, secrets, build)
        try:
            printed = self._remote.run(step.node, script, context.fence, within, cancellation=context.cancellation)
        except StepFailed as error:
            mask(error, secrets.values())
            blame(error)
            raise
        if step.build:
            built, printed = parse_built(printed)
            tell(built, app, step.node, context)
        # An app that ends may show what it was given.
        outcome = parse_outcome(masked(printed, secrets.values()))
        if outcome.how != "healthy":
            at_fault = StepFailed if outcome.is_systemds_own else ReleaseFailed
            raise at_fault(failure(app, step.instance, step.node, outcome, step.node), outcome.journal)
        ingresses = _ingresses(place, registered) if app.ingress else []
        if not ingresses:
            return
        context.report(f"healthy; asking from {', '.join(ingresses)}")
        scripts = dict.fromkeys(ingresses, reach_script(app, place))
        asked = self._remote.run_all(scripts, context.fence, SCRIPT_SECONDS, context.cancellation)
        for ingress, answer in asked.items():
            if isinstance(answer, StepFailed):
                raise answer
            seen = parse_outcome(answer)
            if seen.how != "healthy":
                # An answer came from the instance itself; silence after it answered at home is the network's.
                fault = ReleaseFailed if seen.how == "answered" else StepFailed
                raise fault(failure(app, step.instance, step.node, seen, ingress), outcome.journal)

    def _take_away(self, step: StartInstance, context: StepContext) -> None:
        app = step.app
        try:
            needed = rollback_commits(app.kind, app.app, context.registry.read())
            # A first run may have registered it and been killed right after; then it is sent requests.
            context.registry.delete_instance(app.kind, app.app, step.instance)
            # Also of a start that is not wanted any more: this has to come to its end.
            script = stop_script(app.kind, app.app, step.instance, needed)
            self._remote.run(step.node, script, context.fence, SCRIPT_SECONDS)
        except StepFailed as error:
            # The port stays held: the unit may still listen there.
            context.report(f"could not be taken away again ({error.sentence})")
            return
        context.registry.free_port(step.node, app.kind, app.app, step.instance)
        context.report("taken away again")


def mask(error: StepFailed, secrets: Collection[bytes]) -> None:
    """Hide secrets in what a step failed with."""
    error.sentence, error.output = masked(error.sentence, secrets), masked(error.output, secrets)
    error.args = (error.sentence,)


def _ingresses(place: Place, registered: Registered) -> list[NodeName]:
    """Where its users come in: not by a dead one, nor by one that is just joining and not in the network yet."""
    nodes = ((name, node) for name, node in registered.nodes.items() if name not in registered.dead)
    return [name for name, node in nodes if node.role == "ingress" and place.network in node.addresses]


def _place(step: StartInstance, registry: Registry, registered: Registered) -> Place:
    network = registry.cluster().app_network()
    if network is None:
        raise StepFailed("no mesh has the workers in it; add one to cluster.yaml, such as vpn_ingr")
    node = registered.nodes.get(step.node)
    address = None if node is None else node.addresses.get(network)
    if address is None:
        raise StepFailed(f"{step.node} has no address in {network}; it has not joined it")
    return Place(step.node, network, address, registry.allot_port(step.node, step.app, step.instance, registered))
