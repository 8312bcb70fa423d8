"""Status and plans in words, as Slack mrkdwn. Pure."""

import time
from collections.abc import Sequence
from datetime import datetime

from gitops.describe_certificates import certificates
from gitops.liveness import in_words
from gitops.plan import Plans
from gitops.schedules import coming
from model.cluster import Cluster
from model.freezes import zone
from model.mrkdwn import SIGNS, escape
from model.names import NodeName
from model.operation import Operation, SyncState
from model.registered import NodeRecord, Registered, RegisteredApp
from model.steps import Plan

RECENT = 3
SHOWN = 10


def status(
    cluster: Cluster,
    registered: Registered,
    operations: Sequence[Operation],
    state: SyncState,
    now: datetime,
    held: Sequence[str] = (),
    more: Sequence[str] = (),
) -> str:
    """Everything on one screen: what runs where, what is under way, how far Git was followed; `more` are lines
    on the controllers and on backups."""
    lines = [f"*{cluster.cluster}* follows `{state.revision[:8] or 'nothing yet'}`"]
    if state.refused:
        lines.append(f":no_entry: `{state.refused_revision[:8]}` is not followed: {escape(state.refused)}")
    lines += more
    lines += ["", "*Held*", *held] if held else []
    lines += ["", "*Nodes*", *node_lines(cluster, registered), *scheduled(cluster, now)]
    lines += ["", "*Apps*", *app_lines(registered)]
    lines += ["", "*Services*", *service_lines(registered)] if registered.services else []
    lines += _public(registered)
    if secured := certificates(registered, now):
        lines += ["", "*Certificates*", *secured]
    under_way = [operation for operation in operations if not operation.ended_already()]
    ended = [operation for operation in operations if operation.ended_already()][-RECENT:]
    lines += ["", "*Operations*", *(operation_line(operation) for operation in [*under_way, *reversed(ended)])]
    if not operations:
        lines.append("none yet")
    return "\n".join(lines)


def scheduled(cluster: Cluster, now: datetime) -> list[str]:
    """What the schedules of pools change next."""
    local = zone(cluster.time_zone)
    return [
        f"• {name} is to have {change.count} from {change.at.astimezone(local):%Y-%m-%d %H:%M %Z} on, as scheduled"
        for name, change in sorted(coming(cluster, now).items())
    ]


def app(name: str, registered: RegisteredApp) -> str:
    """One app with its instances."""
    lines = [f"*{name}*"]
    lines += [
        f"• `{instance}` on {record.node} at {record.ip}:{record.port}, commit `{record.commit[:8]}`"
        for instance, record in sorted(registered.instances.items())
    ]
    return "\n".join(lines) if registered.instances else f"*{name}* has no instance that serves"


def node(record: NodeRecord, registered: Registered, cluster: Cluster) -> str:
    """One machine with what runs on it."""
    addresses = ", ".join(f"{address} in {mesh}" for mesh, address in sorted(record.addresses.items()))
    running = [
        f"• {name} `{instance}` on port {item.port}"
        for (_, name), app_record in sorted(registered.apps.items())
        for instance, item in sorted(app_record.instances.items())
        if item.node == record.name
    ]
    running += [
        f"• service {name} on port {one.port}"
        for name, service in sorted(registered.services.items())
        for _, one in sorted(service.instances.items())
        if one.node == record.name
    ]
    condition = _condition(record.name, registered, cluster)
    return "\n".join(
        [f"*{record.name}* ({record.role}), {record.ip}, {addresses or 'in no mesh'}{condition}", *running]
    )


def plans(
    revision: str, both: Plans, refused: Sequence[str] = (), held: Sequence[str] = (), by_the_clock: Sequence[str] = ()
) -> str:
    """What a revision would change, what of it would wait for leave or is not done, the certificates that would be
    `refused`, what is `held`, and what schedules change next."""
    later = ["", "*What stays as it is*", *map(escape, both.stays)] if both.stays else []
    later += ["", "*Certificates that cannot be had yet*", *refused] if refused else []
    later += ["", "*Held; what is held waits*", *held] if held else []
    later += ["", "*Later, by the clock*", *by_the_clock] if by_the_clock else []
    if not both.changes and not both.removal.steps:
        return "\n".join([f"`{revision}` changes nothing: the cluster is as the manifests say.", *later])
    lines = [f"*What `{revision}` would change*"]
    for change in both.changes:
        lines += ["", f"At once: {change.title}", *_steps(change)]
    if both.removal.steps:
        lines += ["", f"After an approval: {both.removal.title}", *losses(both.removal), *_steps(both.removal)]
    return "\n".join([*lines, *later])


def losses(plan: Plan) -> list[str]:
    """What a plan would destroy, one line each."""
    lost = plan.losses
    if lost is None:
        return []
    return [
        *([f":wastebasket: the whole cluster {lost.cluster}"] if lost.cluster else []),
        *(f":wastebasket: node {name}" for name in lost.nodes),
        *(f":wastebasket: app {name}" for name in lost.apps),
        *(f":wastebasket: service {name} with its data, after a last backup" for name in lost.services),
        *(
            f":wastebasket: the data of {one.partition(' ')[0]}, which is restored {one.partition(' ')[2]}"
            for one in lost.restored
        ),
        *(f":wastebasket: floating IP {name}" for name in lost.floating_ips),
        *(f":wastebasket: {escape(one)}, which nobody knows" for one in lost.orphans),
        *(f":truck: {move}" for move in lost.moved),
        *([f"what remains: {', '.join(lost.remaining)}"] if lost.remaining else []),
    ]


def _steps(plan: Plan) -> list[str]:
    return [f"• {step.title}" for step in plan.steps]


def node_lines(cluster: Cluster, registered: Registered) -> list[str]:
    """Every machine that is wanted or there."""
    lines = []
    for name in sorted(cluster.nodes().keys() | registered.nodes.keys() | registered.hosts.keys()):
        record, pool = registered.nodes.get(name), cluster.pool_of(name)
        if record is None:
            lines.append(f"• {name}: not there yet" if pool else f"• {name}: rented, not registered, no longer wanted")
            continue
        count = sum(item.node == name for found in registered.apps.values() for item in found.instances.values())
        running = f", {count} instance{'' if count == 1 else 's'}" if record.role == "worker" else ""
        unwanted = "" if pool else ", no longer wanted"
        lines.append(f"• {name} ({record.role}, {record.ip}){running}{unwanted}{_condition(name, registered, cluster)}")
    return lines


def _condition(node: NodeName, registered: Registered, cluster: Cluster) -> str:
    drained = ", drained" if node in cluster.drained else ""
    if (since := registered.dead.get(node)) is not None:
        return f"{drained}, has not answered for {in_words(time.time() - since)}"
    said = drained
    if (since := registered.not_ready.get(node)) is not None:
        said += f", NotReady for {in_words(time.time() - since)}"
    if (since := registered.unreachable.get(node)) is not None:
        said += f", has not answered requests for {in_words(time.time() - since)}"
    return said


def _public(registered: Registered) -> list[str]:
    """The floating IPs with their holders, and the names that flstr may not change."""
    floating = [
        f"• {name}: {record.ip}, held by {record.node or 'nobody'}"
        for name, record in sorted(registered.floating_ips.items())
    ]
    left = [f"• {escape(why)}" for _, why in sorted(registered.left_names.items())]
    left[SHOWN:] = [f"• and {len(left) - SHOWN} more"] if len(left) > SHOWN else []
    return [
        *(["", "*Floating IPs*", *floating] if floating else []),
        *(["", "*DNS names that are left to their owners*", *left] if left else []),
    ]


def app_lines(registered: Registered) -> list[str]:
    """Every app that is registered."""
    lines = []
    for (_, name), record in sorted(registered.apps.items()):
        commits = sorted({item.commit[:8] for item in record.instances.values()})
        places = ", ".join(item.node for _, item in sorted(record.instances.items()))
        addresses = [
            address
            for address, ingress in sorted(registered.ingress.items())
            if any(location.name == name for location in ingress.location)
        ]
        public = f", public at {', '.join(addresses)}" if addresses else ""
        runs = f"`{'`, `'.join(commits)}` on {places}" if commits else "no instance serves"
        lines.append(f"• {name}: {runs}{public}")
    return lines or ["none"]


def service_lines(registered: Registered) -> list[str]:
    """Every service: where its instances are and who leads; what it was installed by, and the backup it came from."""
    lines = []
    for name, found in sorted(registered.services.items()):
        places = [f"{one.node} at {one.ip}:{one.port}" for _, one in sorted(found.instances.items())]
        said = [", ".join(places) or "no instance serves"]
        if (record := found.record) is not None:
            said.append(f"led by {record.leader}" if record.leader is not None else "")
            said.append(f"installed by {record.service.playbook}")
            said.append(f"restored from {record.restored}" if record.restored is not None else "")
            said.append("" if found.meta_data is not None else "offered to nobody yet")
        lines.append(f"• {name}: {', '.join(filter(None, said))}")
    return lines


def operation_line(operation: Operation) -> str:
    """An operation with who asked for it, and how it stands."""
    ended = f": {escape(operation.sentence)}" if operation.sentence else ""
    age = max(0, int(time.time() - operation.created))
    decide = f", waits for `approve {operation.id}` or deny" if operation.status == "awaiting_approval" else ""
    about = f"{escape(operation.origin.display)}, {age} s ago{decide}"
    return f"{SIGNS[operation.status]} {operation.plan.title}{ended} ({about})"
