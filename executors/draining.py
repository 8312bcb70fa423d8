"""Draining: an instance is sent nothing new, and goes once its connections are gone."""

import time
from dataclasses import dataclass

from executors.remote import Remote
from executors.routing import Routing
from executors.routing_files import backend_name
from executors.templates import render
from gitops.executor import StepContext
from gitops.routed import routing_nodes
from model.errors import StepFailed
from model.registered import Registered
from model.steps import DrainInstance

# Long for a request, short for a roll-out; websockets are cut, and their clients connect anew.
DRAIN_SECONDS = 30.0
SCRIPT_SECONDS = 30.0


@dataclass(frozen=True)
class _TimeLeft:
    until: float

    def seconds(self) -> int:
        return max(1, round(self.until - time.monotonic()))


def drain_script(step: DrainInstance, within_seconds: int) -> str:
    """The script that lets a machine's HAProxy send nothing new to an instance."""
    backend = backend_name(step.app_kind, step.app)
    return render("routing/drain-server.sh.j2", backend=backend, instance=step.instance, within_seconds=within_seconds)


def silence_script(routing: bool, port: int | None, within_seconds: int) -> str:
    """The script that waits for the last connections: of replaced HAProxy processes, and to the instance's port."""
    return render("routing/await-silence.sh.j2", routing=routing, port=port, within_seconds=within_seconds)


class Draining:
    """Carries `DrainInstance` out."""

    def __init__(self, remote: Remote, routing: Routing) -> None:
        self._remote = remote
        self._routing = routing

    def drain(self, step: DrainInstance, context: StepContext) -> None:
        """Take an instance out of the routing and see its connections end, for `DRAIN_SECONDS` at most."""
        registered = context.registry.read()
        nodes = routing_nodes(registered)
        port = port_of(step, registered)
        left = _TimeLeft(time.monotonic() + DRAIN_SECONDS)
        context.registry.delete_instance(step.app_kind, step.app, step.instance)
        context.report("waiting for its requests")
        self._ask({node: drain_script(step, left.seconds()) for node in nodes}, context)
        self._routing.apply_without_checks(context)
        waiting = {node: silence_script(True, None, left.seconds()) for node in nodes}
        if port is not None:
            waiting[step.node] = silence_script(step.node in nodes, port, left.seconds())
        remaining = self._ask(waiting, context)
        if remaining:
            context.report(f"goes after {DRAIN_SECONDS:.0f}s with {remaining} connections")
        else:
            context.report("no more connections")

    def _ask(self, scripts: dict[str, str], context: StepContext) -> int:
        """How many are left on all machines; one that does not answer serves nobody, and says so in a line."""
        count = 0
        for node, answer in self._remote.run_all(scripts, context.fence, DRAIN_SECONDS + SCRIPT_SECONDS).items():
            if isinstance(answer, StepFailed):
                context.report(f"not waiting for {node}: {answer.sentence}")
            else:
                count += int(answer)
        return count


def port_of(step: DrainInstance, registered: Registered) -> int | None:
    """The instance's port; once its record is deleted, the port is still held."""
    app = registered.apps.get((step.app_kind, step.app))
    record = None if app is None else app.instances.get(step.instance)
    if record is not None:
        return record.port
    wanted = (step.node, step.app_kind, step.app, step.instance)
    held = (
        port
        for (node, port), holder in registered.ports.items()
        if (node, holder.kind, holder.app, holder.instance) == wanted
    )
    return next(held, None)
