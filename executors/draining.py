"""Draining: an instance is sent nothing new, and goes once its connections are gone."""

from executors.connections import (
    Seen,
    connections_left,
    left_at_the_limit,
    machine_names,
    parse_seen,
    total,
)
from executors.long_waits import pieces
from executors.remote import Remote
from executors.routing import Routing
from executors.routing_files import backend_name
from executors.templates import render
from gitops.executor import StepContext
from gitops.routed import routing_nodes
from model.errors import Cancelled, StepFailed
from model.names import NodeName
from model.registered import Registered
from model.steps import DrainInstance

SCRIPT_SECONDS = 30.0


def drain_script(step: DrainInstance, routing: bool, port: int | None, within: float) -> str:
    """The script that sees to an instance's connections on a machine: in its HAProxy where it routes, at the
    instance's port where it stands."""
    return render(
        "routing/drain-server.sh.j2",
        backend=backend_name(step.app_kind, step.app),
        instance=step.instance,
        server=_server(step),
        routing=routing,
        port=port,
        within_milliseconds=round(within * 1000),
    )


def cut_script(step: DrainInstance) -> str:
    """The script that cuts what a machine's HAProxy still has to an instance."""
    return render("routing/cut-server.sh.j2", server=_server(step))


def _server(step: DrainInstance) -> str:
    return f"{backend_name(step.app_kind, step.app)}/{step.instance}"


class Draining:
    """Carries `DrainInstance` out."""

    def __init__(self, remote: Remote, routing: Routing) -> None:
        self._remote = remote
        self._routing = routing

    def drain(self, step: DrainInstance, context: StepContext) -> None:
        """Take an instance out of the routing and see its connections end; what is left at the limit is cut.

        Raises `Cancelled` where nobody wants to wait any more: the instance is deregistered by then, and a later drain
        goes on from there.
        """
        registered = context.registry.read()
        port = port_of(step, registered)
        context.registry.delete_instance(step.app_kind, step.app, step.instance)
        self._routing.apply_without_checks(context)
        left, routers = self._wait(step, port, registered, context)
        if not left:
            context.report("no more connections")
            return
        context.tell(left_at_the_limit(left, step.within))
        # Processes that a reload replaced cannot be told; theirs end with the instance.
        self._ask(dict.fromkeys(routers, cut_script(step)), 0, context)

    def _wait(
        self, step: DrainInstance, port: int | None, registered: Registered, context: StepContext
    ) -> tuple[dict[str, int], set[NodeName]]:
        """What is left, and the machines whose HAProxy has some of it."""
        context.report("waiting for its connections")
        routers = set(routing_nodes(registered))
        waiting = routers | ({step.node} if port is not None else set())
        names = machine_names(registered)
        left: dict[str, int] = {}
        seen: dict[NodeName, Seen] = {}
        for seconds in pieces(step.within):
            scripts = {
                node: drain_script(step, node in routers, port if node == step.node else None, seconds)
                for node in sorted(waiting)
            }
            seen = {node: parse_seen(answer) for node, answer in self._ask(scripts, seconds, context).items()}
            # One that did not answer serves nobody.
            waiting = set(seen)
            left = connections_left(seen, names)
            if not left:
                break
            context.report(f"waiting for {total(sum(left.values()))}")
        return left, {node for node, one in seen.items() if one.sessions}

    def _ask(self, scripts: dict[NodeName, str], seconds: float, context: StepContext) -> dict[NodeName, str]:
        """What the machines answer; one that does not says so in a line."""
        asked = self._remote.run_all(scripts, context.fence, seconds + SCRIPT_SECONDS, context.cancellation)
        answers: dict[NodeName, str] = {}
        for node, answer in asked.items():
            if isinstance(answer, Cancelled):
                raise answer
            if isinstance(answer, StepFailed):
                context.report(f"not waiting for {node}: {answer.sentence}")
            else:
                answers[node] = answer
        return answers


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
