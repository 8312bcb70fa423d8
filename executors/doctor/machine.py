"""What is wrong with a machine by itself: daemons, devices, keys, names, clock. Pure."""

import statistics
from collections.abc import Iterator, Mapping

from executors.doctor.devices import WrongDevice, wrong_device
from executors.doctor.facts import Device, Facts, MeshFacts
from executors.doctor.findings import Finding
from executors.findings import Level
from executors.mesh_files import Place, hosts_lines
from executors.mesh_keys import fingerprint
from model.names import NodeName

TUNNEL_MTU = 1500
SKEW_SECONDS = 2.0


def of_machine(node: NodeName, of_node: tuple[Place, ...], facts: Facts) -> Iterator[Finding]:
    """What is wrong on a machine, whatever others see of it."""
    if not facts.complete:
        yield Finding("error", node, f"{node} did not say everything it was asked", "ask again; its disk may be full")
        return
    if not facts.firewalld:
        yield Finding("warning", node, f"firewalld does not run on {node}", "`systemctl start firewalld` there")
    if of_node:
        yield from without_names(node, hosts_lines(of_node), facts, of_node[0].name)
    for place in of_node:
        if place.name in facts.meshes:
            yield from _of_mesh(place, facts.meshes[place.name])


def without_names(node: NodeName, lines: str, facts: Facts, network: str) -> Iterator[Finding]:
    """Lines that a machine's `/etc/hosts` should have and has not."""
    missing = [line for line in lines.splitlines() if line not in facts.names]
    if missing:
        names = ", ".join(line.split()[1] for line in missing)
        text = f"{node} has no line in /etc/hosts for {names}"
        mend = f"`doctor {node} --fix` writes {'it' if len(missing) == 1 else 'them'}"
        yield Finding("warning", node, text, mend, mesh=network, mends=frozenset({node}), fault="names")


def runs(place: Place, facts: MeshFacts) -> bool:
    """Whether others can connect to a machine's daemon, as far as can be seen there."""
    own = facts.hosts.get(place.me.node)
    moved = own is not None and own.port != str(place.mesh.port)
    return facts.unit.active and (facts.listens or moved)


def carries(place: Place, facts: MeshFacts) -> bool:
    """Whether a machine's end of a mesh has nothing that explains why packets are lost."""
    return runs(place, facts) and facts.let_in and not any(_wrong_device(place, facts))


def _of_mesh(place: Place, facts: MeshFacts) -> Iterator[Finding]:
    node, mesh = place.me.node, place.name
    yield from _of_key(place, facts)
    if not facts.unit.active:
        yield _mendable(place, f"tincd of {mesh} does not run on {node}", "starts it")
    if not facts.unit.enabled:
        text = f"tincd of {mesh} does not start at boot on {node}"
        yield _mendable(place, text, "enables it", level="warning")
    if facts.name != node:
        text = f"tincd of {mesh} on {node} is told to be {facts.name or 'nobody'}"
        yield _mendable(place, text, "writes its tinc.conf again", tend=(f"restart-tinc@{mesh}",), fault="name")
    if not facts.let_in:
        text = f"firewalld on {node} keeps {mesh}'s port {place.mesh.port} closed"
        yield _mendable(place, text, "opens it", tend=("firewalld",))
    if facts.unit.active:
        yield from _of_running(place, facts)


def _of_running(place: Place, facts: MeshFacts) -> Iterator[Finding]:
    node, mesh = place.me.node, place.name
    again, restart = "starts its daemon again", (f"restart-tinc@{mesh}",)
    if not runs(place, facts):
        text = f"tincd of {mesh} on {node} does not listen at port {place.mesh.port}"
        yield _mendable(place, text, again, tend=restart)
    for wrong in _wrong_device(place, facts):
        yield _mendable(place, wrong.text, again, wrong.level, restart, wrong.fault)


def _wrong_device(place: Place, facts: MeshFacts) -> Iterator[WrongDevice]:
    subnet = place.mesh.subnet
    wanted = Device(f"{place.me.address}/{subnet.prefixlen}", TUNNEL_MTU, (str(subnet),))
    return wrong_device(place.me.node, place.name, facts.device, wanted)


def _mendable(
    place: Place, text: str, does: str, level: Level = "error", tend: tuple[str, ...] = (), fault: str = ""
) -> Finding:
    node = place.me.node
    mend = f"`doctor {node} --fix` {does}"
    return Finding(level, node, text, mend, mesh=place.name, mends=frozenset({node}), tend=tend, fault=fault)


def _of_key(place: Place, facts: MeshFacts) -> Iterator[Finding]:
    node, mesh = place.me.node, place.name
    if facts.key == fingerprint(place.me):
        return
    text = f"{node} has no private key in {mesh}"
    if facts.key:
        text = f"{node} has a private key in {mesh} that does not belong to its registered one"
    mend = "put the right one back, or rent the machine anew; flstr replaces no key"
    yield Finding("error", node, text, mend, mesh=mesh)


def of_clocks(seen: Mapping[NodeName, Facts]) -> Iterator[Finding]:
    """Clocks against the controller's, and, where most differ from that, against each other."""
    middle = statistics.median_low([sum(facts.clock) / 2 for facts in seen.values()]) if len(seen) > 2 else 0.0
    common = middle if abs(middle) > SKEW_SECONDS else 0.0
    if common:
        text = f"the clock of flstr's own machine is {_seconds(-common)} most others"
        yield Finding("warning", "", text, "see whether systemd-timesyncd runs there")
    for node, facts in seen.items():
        least, most = facts.clock[0] - common, facts.clock[1] - common
        if least > SKEW_SECONDS or most < -SKEW_SECONDS:
            text = f"the clock of {node} is {_seconds(least if least > 0 else most)} flstr's"
            if common:
                text = text.replace("flstr's", "most others")
            yield Finding("warning", node, text, "see whether systemd-timesyncd runs there")


def _seconds(ahead: float) -> str:
    return f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"
