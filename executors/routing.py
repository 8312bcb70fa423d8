"""Routing: HAProxy on every node, nginx on the ingresses, brought to what is registered."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from executors.certificates.had import Had
from executors.certificates.ingress_files import (
    CERTIFICATES_FOLDER,
    MISSING_MARK,
    MISSING_STATUS,
    REFUSED_MARK,
    REFUSED_STATUS,
    IngressCertificates,
    certificates_to_bring,
    refused_certificates,
    without_keys,
)
from executors.firewall import firewall_of, note_firewall
from executors.nginx_files import ACME_FOLDER, NGINX_CONFIG
from executors.padlock.hosts import asked_as
from executors.remote import OnEnd, Remote, Unreachable
from executors.routing_files import HAPROXY_CONFIG, RoutingFiles, backend_name, routing_files
from executors.templates import render
from gitops.bindings import ingress_nodes, served_by
from gitops.executor import StepContext
from gitops.routed import certificates_of, routing_digest, routing_nodes
from gitops.secrets import Decrypt
from model.cluster import Cluster
from model.errors import StepFailed
from model.names import AppKind, AppName, CertificateHost, InstanceId, NodeName
from model.registered import Registered
from model.steps import ApplyRouting

SCRIPT_SECONDS = 150.0
# A machine may lack certificates that were noted, and then refuse some of those that it is given.
MOST_LESSONS = 2
SEE_SECONDS = 30  # HAProxy's first check comes within 2 s; tinc may need a few more for the first packet


@dataclass(frozen=True)
class Checks:
    """What has to be seen once a machine is configured: servers (backend, instance) up, addresses answering."""

    servers: tuple[tuple[str, InstanceId], ...] = ()
    addresses: tuple[str, ...] = ()


def routing_script(
    files: RoutingFiles,
    checks: Checks,
    firewall: str = "",
    certificates: IngressCertificates = IngressCertificates(),  # noqa: B008 - it is frozen
) -> str:
    """The script that brings one machine to its files; where nothing differs it changes nothing.

    `firewall` is the machine's `firewall_script`. Where `certificates` come to it, it holds private keys: nobody keeps
    it.
    """
    return render(
        "routing/apply-routing.sh.j2",
        files=files,
        checks=checks,
        firewall=firewall,
        nginx=nginx_script(files.nginx, certificates) if files.nginx else "",
        haproxy_config=HAPROXY_CONFIG,
        acme_folder=ACME_FOLDER,
        see_seconds=SEE_SECONDS,
    )


def nginx_script(config: str, certificates: IngressCertificates) -> str:
    """The part of it that is about nginx."""
    return render(
        "routing/apply-nginx.sh.j2",
        config=config,
        certificates=certificates,
        nginx_config=NGINX_CONFIG,
        certificates_folder=CERTIFICATES_FOLDER,
        missing_mark=MISSING_MARK,
        missing_status=MISSING_STATUS,
        refused_mark=REFUSED_MARK,
        refused_status=REFUSED_STATUS,
    )


def checks_of(
    serving: Collection[tuple[AppKind, AppName, InstanceId]],
    registered: Registered,
    node: NodeName,
    certified: Collection[CertificateHost] | None = None,
) -> Checks:
    """What has to be seen on a machine so that these instances count as serving: their servers, and on an ingress the
    addresses that it serves; those of https hosts where the certificate is there, as in `routing_files`."""
    apps = {(kind, app) for kind, app, _ in serving}
    there = certificates_of(node, registered) if certified is None else certified
    addresses = {
        f"{'https' if record.publish.ssl else 'http'}://{asked_as(host)}:{record.publish.port}{location.location}"
        for record in served_by(node, registered)
        for location in record.location
        if (location.type, location.name) in apps
        and ((host := record.publish.host_name) in there or not record.publish.ssl)
    }
    servers = sorted((backend_name(kind, app), instance) for kind, app, instance in serving)
    return Checks(tuple(servers), tuple(sorted(addresses)))


@dataclass(frozen=True)
class _Machine:
    """What one machine is brought to, and the hosts whose keys cannot be opened for it, with why."""

    script: str
    certificates: IngressCertificates
    unopened: Mapping[CertificateHost, str]
    had: Had


class Routing:
    """Carries `ApplyRouting` out; `decrypt` opens the keys of certificates.

    `on_end` hears of each machine whose script is over. What was pushed to a machine between the reading of the
    registry and its script may be undone by then.
    """

    def __init__(self, remote: Remote, decrypt: Decrypt, on_end: OnEnd | None = None) -> None:
        self._remote = remote
        self._decrypt = decrypt
        self._on_end = on_end
        # Whoever read the registry first must not write last.
        self._one_at_a_time = threading.Lock()

    def apply(self, step: ApplyRouting, context: StepContext) -> None:
        """Configure every node, and see the serving instances from the ingresses."""
        with self._one_at_a_time:
            self._configure(context, step.serving)

    def apply_without_checks(self, context: StepContext) -> None:
        """Configure every node; nothing is expected to have come."""
        with self._one_at_a_time:
            self._configure(context, ())

    def _configure(self, context: StepContext, serving: Collection[tuple[AppKind, AppName, InstanceId]]) -> None:
        registered, cluster = context.registry.read(), context.registry.cluster()
        hosts = {_node_of(one, registered) for one in serving}
        routing = routing_nodes(registered)
        ingresses = tuple(node for node in ingress_nodes(registered) if node in routing)
        # Without an ingress that lives, the app's users are the other apps, each beside its own HAProxy.
        lookouts = ingresses or tuple(hosts)

        def machine(node: NodeName, had: Had) -> _Machine:
            return self._machine(node, had, registered, cluster, serving if node in lookouts else ())

        machines = {node: machine(node, Had(registered.certified.get(node, {}), {})) for node in routing}
        context.report(f"configuring {len(machines)} machines")
        answers = self._run(machines, context)
        for _ in range(MOST_LESSONS):
            learnt = {node: machines[node].had.learning(answer) for node, answer in answers.items()}
            again = {node: machine(node, had) for node, had in learnt.items() if had is not None}
            machines |= again
            answers |= self._run(again, context)
        failed: list[StepFailed] = []
        for node, answer in answers.items():
            if not isinstance(answer, StepFailed):
                _note(node, machines[node], answer, registered, cluster, context)
            elif node in hosts or node in ingresses:
                failed.append(answer)
            else:
                # One that is not there is the liveness check's to tell of; a refusal is nobody else's.
                say = context.report if isinstance(answer, Unreachable) else context.tell
                say(f"{node} keeps its old routing: {answer.sentence}{_why(answer)}")
        _tell_unopened(machines, context)
        if failed:
            raise StepFailed("; ".join(error.sentence for error in failed), failed[0].output)

    def _machine(
        self,
        node: NodeName,
        had: Had,
        registered: Registered,
        cluster: Cluster,
        serving: Collection[tuple[AppKind, AppName, InstanceId]],
    ) -> _Machine:
        needed = certificates_of(node, registered)
        wanted = {name: issued for name, issued in needed.items() if name not in had.refused}
        certificates, unopened = certificates_to_bring(wanted, had.noted, self._decrypt)
        files = routing_files(registered, node, certificates.names)
        checks = checks_of(serving, registered, node, certificates.names) if serving else Checks()
        firewall = firewall_of(node, cluster, registered)
        return _Machine(routing_script(files, checks, firewall, certificates), certificates, unopened, had)

    def _run(self, machines: Mapping[NodeName, _Machine], context: StepContext) -> dict[NodeName, str | StepFailed]:
        scripts = {node: one.script for node, one in machines.items()}
        answers = self._remote.run_all(scripts, context.fence, SCRIPT_SECONDS, on_end=self._on_end)
        return {
            node: without_keys(answer, machines[node].certificates.pairs) if isinstance(answer, StepFailed) else answer
            for node, answer in answers.items()
        }


def _note(
    node: NodeName, machine: _Machine, printed: str, registered: Registered, cluster: Cluster, context: StepContext
) -> None:
    """Note what a machine has now; a host that waits for its key to be opened is still to be routed."""
    noted, wanted = registered.certified.get(node, {}), certificates_of(node, registered)
    refused = refused_certificates(printed)
    for name, why in refused.items():
        context.tell(f"{node} keeps the old certificate of {name}, because nginx refuses the new one: {why}")
    for name, why in machine.had.refused.items():
        context.tell(f"{node} does not serve {name} by https yet, because nginx refuses its certificate: {why}")
    serials = machine.had.then(machine.certificates, wanted, refused.keys() | machine.unopened.keys())
    if serials != noted:
        context.registry.put_certified(node, serials)
    digest = routing_digest(registered, node)
    if registered.routed.get(node) != digest and serials.keys() == wanted.keys():
        context.registry.put_routed(node, digest)
    note_firewall(node, cluster, registered, context.registry)


def _tell_unopened(machines: Mapping[NodeName, _Machine], context: StepContext) -> None:
    found = {(name, why) for one in machines.values() for name, why in one.unopened.items()}
    for name, why in sorted(found):
        context.tell(f"{name} keeps the certificate it has, if any: the key of the new one cannot be opened: {why}")


def _why(failed: StepFailed) -> str:
    """What the program said that refused."""
    said = (line for line in failed.output.splitlines() if "[ALERT]" in line or "[emerg]" in line)
    line = next(said, "").strip()
    return f" ({line})" if line else ""


def _node_of(serving: tuple[AppKind, AppName, InstanceId], registered: Registered) -> NodeName:
    kind, app, instance = serving
    found = registered.apps.get((kind, app))
    record = None if found is None else found.instances.get(instance)
    if record is None:
        raise StepFailed(f"{app} {instance} is not registered, so nothing can be routed to it")
    return record.node
