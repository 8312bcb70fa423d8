"""Watching: new instances have to serve for a while, without a fault and no worse than those beside them."""

from collections.abc import Mapping

from executors.host_paths import unit_name
from executors.instances import mask, parse_outcome, reach_script
from executors.long_waits import pieces
from executors.needed import credentials
from executors.remote import Remote
from executors.routing_files import backend_name
from executors.templates import render
from executors.unit_files import Place
from executors.watched import Fault, Watched, down_from, ended_fault, failing_fault, parse_looks
from gitops.bindings import ingress_nodes
from gitops.executor import StepContext
from gitops.routed import routing_nodes
from gitops.secrets import Decrypt
from model.app import App
from model.errors import Cancelled, ReleaseFailed, StepFailed
from model.names import InstanceId, NodeName
from model.steps import WatchInstances

SCRIPT_SECONDS = 30.0


def watch_script(step: WatchInstances, node: NodeName, routing: bool, within: float) -> str:
    """The script that watches from one machine: by its HAProxy where it routes, and the units of its own instances."""
    app = step.app
    return render(
        "app/watch-instances.sh.j2",
        app=app,
        backend=backend_name(app.kind, app.app),
        watched=sorted(step.instances),
        units={
            instance: unit_name(app.kind, app.app, instance)
            for instance, host in sorted(step.instances.items())
            if host == node
        },
        routing=routing,
        within_milliseconds=round(within * 1000),
    )


def last_lines_script(app: App, instance: InstanceId) -> str:
    """The script that prints the end of an instance's journal."""
    unit = unit_name(app.kind, app.app, instance)
    return render("app/last-lines.sh.j2", app=app, instance=instance, unit=unit)


class Watching:
    """Carries `WatchInstances` out."""

    def __init__(self, remote: Remote, decrypt: Decrypt) -> None:
        self._remote = remote
        self._decrypt = decrypt

    def watch(self, step: WatchInstances, context: StepContext) -> None:
        """Watch for `min_healthy_time`, and raise `ReleaseFailed` as soon as the release is at fault.

        A machine that only routes and does not answer is reported; one that a new instance is on fails the step.
        """
        registered = context.registry.read()
        routers, ingresses = set(routing_nodes(registered)), ingress_nodes(registered)
        machines = routers | set(step.instances.values())
        seen: dict[NodeName, Watched] = {}
        context.report(f"watching for {step.app.update.min_healthy_time:g} s")
        for seconds in pieces(step.app.update.min_healthy_time):
            scripts = {node: watch_script(step, node, node in routers, seconds) for node in sorted(machines)}
            answers = self._ask(scripts, seconds, step, context)
            machines = set(answers)
            for node, answer in answers.items():
                before, after = parse_looks(answer, step.app.env.protocol)
                seen[node] = seen.get(node, Watched(before, before)).then(after)
            fault = ended_fault(step.app, step.instances, seen) or failing_fault(step.app, step.instances, seen)
            if fault is not None:
                raise self._release_failed(fault, step, context)
            for instance, router in down_from(step.instances, seen, ingresses).items():
                raise self._down(instance, router, step, context)
        context.report("served without a fault")

    def _ask(
        self, scripts: Mapping[NodeName, str], seconds: float, step: WatchInstances, context: StepContext
    ) -> dict[NodeName, str]:
        asked = self._remote.run_all(scripts, context.fence, seconds + SCRIPT_SECONDS, context.cancellation)
        answers: dict[NodeName, str] = {}
        for node, answer in sorted(asked.items()):
            if not isinstance(answer, StepFailed):
                answers[node] = answer
            elif isinstance(answer, Cancelled) or node in step.instances.values():
                raise answer
            else:
                context.report(f"not watching from {node}: {answer.sentence}")
        return answers

    def _down(self, instance: InstanceId, router: NodeName, step: WatchInstances, context: StepContext) -> StepFailed:
        """Where its own machine does not reach it either, the release is at fault, and the network where it does."""
        node = step.instances[instance]
        sentence = f"HAProxy on {router} does not reach {step.app.app} {instance} on {node} any more"
        if router != node and self._answers_at_home(instance, step, context):
            return StepFailed(f"{sentence}, though it answers there")
        return self._release_failed(Fault(sentence, instance), step, context)

    def _answers_at_home(self, instance: InstanceId, step: WatchInstances, context: StepContext) -> bool:
        app, node = step.app, step.instances[instance]
        found = context.registry.read().apps.get((app.kind, app.app))
        record = None if found is None else found.instances.get(instance)
        if record is None:
            return False
        place = Place(node, context.registry.cluster().app_network() or "", record.ip, record.port)
        printed = self._remote.run(node, reach_script(app, place), context.fence, SCRIPT_SECONDS)
        return parse_outcome(printed).how == "healthy"

    def _release_failed(self, fault: Fault, step: WatchInstances, context: StepContext) -> ReleaseFailed:
        script = last_lines_script(step.app, fault.instance)
        try:
            output = self._remote.run(step.instances[fault.instance], script, context.fence, SCRIPT_SECONDS)
        except StepFailed:
            output = ""
        failed = ReleaseFailed(fault.sentence, output.strip())
        # An app that ends may show what it was given.
        registry = context.registry
        mask(failed, credentials(step.app, registry.read(), registry.store, self._decrypt).values())
        return failed
