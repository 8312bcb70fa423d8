"""Routing: HAProxy on every node, nginx on the ingresses, brought to what is registered."""

import threading
from collections.abc import Collection
from dataclasses import dataclass

from executors.firewall import firewall_of, note_firewall
from executors.remote import Remote
from executors.routing_files import (
    ACME_FOLDER,
    HAPROXY_CONFIG,
    NGINX_CONFIG,
    RoutingFiles,
    backend_name,
    plain_ingresses,
    routing_files,
)
from executors.templates import render
from gitops.bindings import ingress_nodes
from gitops.executor import StepContext
from gitops.routed import routing_digest, routing_nodes
from model.errors import StepFailed
from model.names import AppKind, AppName, InstanceId, NodeName
from model.registered import Registered
from model.steps import ApplyRouting

SCRIPT_SECONDS = 90.0
SEE_SECONDS = 15  # HAProxy's first check comes within 2 s; tinc may need a few more for the first packet


@dataclass(frozen=True)
class Checks:
    """What has to be seen once a machine is configured: servers (backend, instance) up, addresses answering."""

    servers: tuple[tuple[str, InstanceId], ...] = ()
    addresses: tuple[str, ...] = ()


def routing_script(files: RoutingFiles, checks: Checks, firewall: str = "") -> str:
    """The script that brings one machine to its files; where nothing differs it changes nothing.

    `firewall` is the machine's `firewall_script`.
    """
    return render(
        "routing/apply-routing.sh.j2",
        files=files,
        checks=checks,
        firewall=firewall,
        haproxy_config=HAPROXY_CONFIG,
        nginx_config=NGINX_CONFIG,
        acme_folder=ACME_FOLDER,
        see_seconds=SEE_SECONDS,
    )


def checks_of(serving: Collection[tuple[AppKind, AppName, InstanceId]], registered: Registered) -> Checks:
    """What has to be seen where users come in, so that these instances count as serving."""
    apps = {(kind, app) for kind, app, _ in serving}
    addresses = {
        f"http://{record.publish.host_name}:{record.publish.port}{location.location}"
        for record in plain_ingresses(registered)
        for location in record.location
        if (location.type, location.name) in apps
    }
    servers = sorted((backend_name(kind, app), instance) for kind, app, instance in serving)
    return Checks(tuple(servers), tuple(sorted(addresses)))


class Routing:
    """Carries `ApplyRouting` out."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        # Whoever read the registry first must not write last.
        self._one_at_a_time = threading.Lock()

    def apply(self, step: ApplyRouting, context: StepContext) -> None:
        """Configure every node, and see the serving instances from the ingresses."""
        with self._one_at_a_time:
            registered = context.registry.read()
            hosts = {_node_of(one, registered) for one in step.serving}
            self._configure(registered, context, hosts, checks_of(step.serving, registered))

    def apply_without_checks(self, context: StepContext) -> None:
        """Configure every node; nothing is expected to have come."""
        with self._one_at_a_time:
            self._configure(context.registry.read(), context, frozenset(), Checks())

    def _configure(
        self, registered: Registered, context: StepContext, hosts: Collection[NodeName], checks: Checks
    ) -> None:
        routing, cluster = routing_nodes(registered), context.registry.cluster()
        ingresses = tuple(node for node in ingress_nodes(registered) if node in routing)
        # Without an ingress that lives, the app's users are the other apps, each beside its own HAProxy.
        lookouts = ingresses or tuple(hosts)
        scripts = {
            node: routing_script(
                routing_files(registered, node),
                checks if node in lookouts else Checks(),
                firewall_of(node, cluster, registered),
            )
            for node in routing
        }
        context.report(f"configuring {len(scripts)} machines")
        failed: list[StepFailed] = []
        for node, answer in self._remote.run_all(scripts, context.fence, SCRIPT_SECONDS).items():
            if not isinstance(answer, StepFailed):
                digest = routing_digest(registered, node)
                if registered.routed.get(node) != digest:
                    context.registry.put_routed(node, digest)
                note_firewall(node, cluster, registered, context.registry)
            elif node in hosts or node in ingresses:
                failed.append(answer)
            else:
                context.report(f"{node} keeps its old routing: {answer.sentence}")
        if failed:
            raise StepFailed("; ".join(error.sentence for error in failed), failed[0].output)


def _node_of(serving: tuple[AppKind, AppName, InstanceId], registered: Registered) -> NodeName:
    kind, app, instance = serving
    found = registered.apps.get((kind, app))
    record = None if found is None else found.instances.get(instance)
    if record is None:
        raise StepFailed(f"{app} {instance} is not registered, so nothing can be routed to it")
    return record.node
