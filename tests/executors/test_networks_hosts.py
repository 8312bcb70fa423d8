"""Overlay and firewall on real machines: what may reach what, what happens to peers, and that all of it outlives a boot."""

import io
import random
import re
import time
from collections.abc import Iterator

import pytest
from PIL import Image

from cli.ask import plain
from executors.doctor.check import Doctor
from executors.firewall import firewall_script
from executors.graph.check import Graph
from executors.graph.networks import State
from executors.graph.words import MARKS
from executors.remote import OnLine
from executors.routing import Routing
from gitops.firewall import Zone, zones_in_role
from gitops.firewall_openings import Opening
from lab.units import run_inside
from model import keys
from model.app import Env, Publish
from model.attachment import Reply
from model.errors import StepFailed
from model.networks import Overlay
from model.registered import MetaData
from model.steps import ApplyRouting, DestroyNode, JoinOverlay, LeaveOverlay
from tests.executors.flanneld_server import CHECKSUM, FlanneldServer
from tests.executors.machines import Machines
from tests.executors.rented import rented_hosts
from tests.executors.scanner import seen_by_udp, seen_from, seen_from_outside
from tests.gitops.flanneld import connect
from tests.identity import IDENTITIES

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

IN_OVERLAY = ("ingress016", "service201", "worker101", "worker102")
ALL = ("controller001", *IN_OVERLAY)
PUBLISHED = 5001
# Those that mean something, their neighbours, and others by chance: always the same ones.
MEANT = (22, 80, 443, 760, 2379, 2380, 5001, 20000, 29999, 51820)
NEAR = {port + step for port in MEANT for step in (-1, 0, 1)}
PORTS = NEAR | set(range(1, 1024, 7)) | set(random.Random(3).sample(range(1024, 65536), 150))

# One number where all take equally long.
TIMES = r"[0-9.]+( to [0-9.]+)? ms"
PEERS = "wg show flannel-wg dump | tail -n +2 | cut -f 1,3,4 | sort"
STATE = r"""
find /etc/wireguard /etc/firewalld /etc/hosts /etc/systemd -printf '%p %T@ %i\n' | sort
ip -o link show flannel-wg | cut -d: -f1
systemctl show --property=ActiveEnterTimestampMonotonic wg-quick@flannel-wg firewalld
"""


@pytest.fixture(scope="module")
def machines(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A machine of each role and one more, in their mesh and the overlay, which route to an app; the tests follow one another."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        machines = Machines(rented, store, tmp_path_factory.mktemp("machines"), "each-role")
        meta = MetaData(publish=Publish(port=PUBLISHED), env_prefix="INFLUENCER", env=Env())
        store.put(keys.meta_data("backend", "influencer"), meta.to_json())
        machines.create(*ALL)
        machines.join(*ALL)
        machines.overlay.join(JoinOverlay(nodes=IN_OVERLAY), machines.context)
        Routing(machines.ssh, IDENTITIES.decrypt).apply(ApplyRouting(), machines.context)
        yield machines
        machines.ssh.close()


def declared(machines: Machines, node: str, zone: str) -> set[int]:
    """The scanned TCP ports that the zone lets in."""
    registered = machines.registry.read()
    role = registered.nodes[node].role
    zones = {one.name: one for one in zones_in_role(node, role, machines.cluster, registered)}
    return {port for one in zones[zone].openings if one.protocol == "tcp" for port in PORTS if within(port, one)}


def within(port: int, opening: Opening) -> bool:
    first, _, last = opening.ports.partition("-")
    return not opening.sources and int(first) <= port <= int(last or first)


@pytest.mark.parametrize("node", ALL)
def test_the_public_gets_in_to_what_is_declared_and_nothing_else(machines: Machines, node: str) -> None:
    address = machines.registry.read().nodes[node].ip
    assert seen_from_outside(address, PORTS) == declared(machines, node, "public")


@pytest.mark.parametrize("node", ["controller001", "worker101"])
def test_by_udp_the_public_gets_in_to_the_networks_and_nothing_else(machines: Machines, node: str) -> None:
    machines.on(node, "sysctl -q -w net.ipv4.icmp_ratelimit=0")
    around = {53, 123, 760, 761, 5001, 20000, 51819, 51820}
    record = machines.registry.read().nodes[node]
    public = zones_in_role(node, record.role, machines.cluster, machines.registry.read())[0]
    let_in = {int(one.ports) for one in public.openings if one.protocol == "udp"}
    assert seen_by_udp(record.ip, around) == let_in & around
    assert 760 in let_in


@pytest.mark.parametrize(
    ("seer", "node", "network"),
    [
        ("worker101", "controller001", "vpn_ctrl"),
        ("controller001", "worker101", "vpn_ctrl"),
        ("worker102", "worker101", "vpn_ctrl"),
        ("ingress016", "worker101", "overlay"),
        ("worker101", "worker102", "overlay"),
        ("worker101", "ingress016", "overlay"),
        ("worker101", "service201", "overlay"),
        ("worker101", "service201", "vpn_ctrl"),
        ("controller001", "ingress016", "vpn_ctrl"),
    ],
)
def test_a_network_lets_in_what_is_declared_for_it(machines: Machines, seer: str, node: str, network: str) -> None:
    address = machines.registry.read().nodes[node].addresses[network]
    assert seen_from(machines, seer, address, PORTS) == declared(machines, node, network)


def test_an_app_is_asked_for_through_the_overlay_at_its_published_port_and_not_from_outside(machines: Machines) -> None:
    ask = "curl --silent --output /dev/null --write-out '%{{http_code}}' --max-time 5 http://{}:5001/ || true"
    nodes = machines.registry.read().nodes
    assert machines.on("ingress016", ask.format("worker101.overlay")) == "503"
    assert machines.on("ingress016", ask.format(nodes["worker101"].ip)) == "000"


def test_a_full_packet_passes_through_the_overlay_in_one_piece(machines: Machines) -> None:
    size = "$(( $(cat /sys/class/net/flannel-wg/mtu) - 28 ))"
    for other in ("ingress016", "worker102"):
        machines.on("worker101", f"ping -n -q -c 1 -W 5 -M do -s {size} {other}.overlay >/dev/null")
    assert machines.on("worker101", "cat /sys/class/net/flannel-wg/mtu").strip() == "1420"
    assert "FLANNEL_MTU=1420\n" in machines.on("worker101", "cat /run/flannel/subnet.env")


def test_private_keys_are_for_root_and_nowhere_else(machines: Machines) -> None:
    assert machines.on("worker101", "stat -c '%a %U' /etc/wireguard/flannel-wg.key").strip() == "600 root"
    secret = machines.on("worker101", "cat /etc/wireguard/flannel-wg.key").strip()
    assert not any(secret in value for value in machines.store.prefix("").values())


def test_a_second_join_changes_nothing(machines: Machines) -> None:
    before = {node: (machines.on(node, STATE), machines.on(node, PEERS)) for node in IN_OVERLAY}
    keys_before = machines.store.prefix("")
    machines.ssh.ran.clear()
    machines.overlay.join(JoinOverlay(nodes=IN_OVERLAY), machines.context)
    assert sorted(machines.ssh.ran) == sorted(IN_OVERLAY)
    assert {node: (machines.on(node, STATE), machines.on(node, PEERS)) for node in IN_OVERLAY} == before
    assert machines.store.prefix("") == keys_before


def test_only_the_difference_is_set(machines: Machines) -> None:
    before = machines.on("worker101", PEERS)
    lost = before.splitlines()[0].split()[0]
    machines.on("worker101", f"wg set flannel-wg peer {lost} remove; wg set flannel-wg peer $(wg genkey | wg pubkey)")
    machines.overlay.join(JoinOverlay(), machines.context)
    assert machines.on("worker101", PEERS) == before


def wall(machines: Machines, script: str, on_line: OnLine | None = None) -> None:
    """Run a script of worker102's firewall, which waits for somebody to come in."""
    machines.ssh.run("worker102", script, machines.context.fence, 180, on_line)


def test_rules_that_cut_ssh_off_are_taken_back(machines: Machines) -> None:
    registered = machines.registry.read()
    public, *inner = zones_in_role("worker102", "worker", machines.cluster, registered)
    without = Zone(public.name, tuple(one for one in public.openings if one.ports != "22"))
    before = machines.on("worker102", "cat /etc/firewalld/zones/*.xml; firewall-cmd --list-ports")
    with pytest.raises(StepFailed) as failed:
        wall(machines, firewall_script((without, *inner)))
    assert failed.value.sentence == "worker102: the new firewall lets no new SSH connection in, so the old one is back"
    machines.ssh.forget("worker102")
    assert machines.on("worker102", "cat /etc/firewalld/zones/*.xml; firewall-cmd --list-ports") == before
    assert 22 in seen_from_outside(registered.nodes["worker102"].ip, [22])


def test_they_are_taken_back_by_the_machine_where_nobody_is_left_to_do_it(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executors.firewall.ROLLBACK_SECONDS", 20)
    registered = machines.registry.read()
    public, *inner = zones_in_role("worker102", "worker", machines.cluster, registered)
    without = Zone(public.name, tuple(one for one in public.openings if one.ports != "22"))
    before = machines.on("worker102", "cat /etc/firewalld/zones/*.xml; firewall-cmd --list-ports")
    # The script dies, and all it started, just before it would ask somebody to come in, but not before the machine was
    # looked at: the old firewall has to wait for the lock of a script that lives.
    script = firewall_script((without, *inner))
    look = "echo cut-off; until [ -e /root/seen ]; do sleep 0.1; done"
    dying = script.replace('echo "$mark', f'{look}; kill -KILL 0; echo "$mark')
    assert dying != script
    seen: list[set[int]] = []

    def hear(line: str) -> None:
        if line == "cut-off":
            seen.append(seen_from_outside(registered.nodes["worker102"].ip, [22]))
            run_inside(machines.rented.lab.machines.host("worker102"), "touch /root/seen")

    with pytest.raises(StepFailed):
        wall(machines, dying, hear)
    assert seen == [set()]
    machines.ssh.forget("worker102")
    machines.await_ssh("worker102")
    # Whoever takes the rules back lets SSH in before it is done.
    machines.on("worker102", "timeout 50 sh -c 'while [ -e /var/lib/flstr/firewall.armed ]; do sleep 0.1; done'")
    assert machines.on("worker102", "cat /etc/firewalld/zones/*.xml; firewall-cmd --list-ports") == before
    # A machine that is started anew in between has its minute as well.
    assert machines.on("worker102", "systemctl is-enabled flstr-firewall-rollback.timer").strip() == "enabled"


def test_zones_that_firewalld_refuses_leave_the_old_ones(machines: Machines) -> None:
    public, *inner = zones_in_role("worker102", "worker", machines.cluster, machines.registry.read())
    bad = Zone(public.name, (*public.openings, Opening("22", "no-such-protocol")))
    with pytest.raises(StepFailed, match="worker102: firewalld refuses the new zones, so the old ones stay"):
        wall(machines, firewall_script((bad, *inner)))
    wall(machines, firewall_script((public, *inner)))
    assert "no-such-protocol" not in machines.on("worker102", "cat /etc/firewalld/zones/public.xml")


@pytest.mark.parametrize("node", ["controller001", "ingress016", "service201", "worker101"])
def test_each_role_is_back_after_a_reboot_with_everything_it_had(machines: Machines, node: str) -> None:
    looks = "; ".join(
        (
            "cat /etc/firewalld/zones/*.xml",
            "getent hosts controller001 controller001.vpn_ctrl",
            f"getent hosts {node}.overlay || true",
            "systemctl is-enabled firewalld tinc@vpn_ctrl",
            "wg show flannel-wg public-key 2>/dev/null || true",
        )
    )
    before = machines.on(node, looks)
    machines.rented.reboot(node)
    others = ["worker102"] if node == "controller001" else ["controller001", "worker102.overlay"]
    assert machines.pings_soon(node, *others) == others
    machines.on(node, "timeout 60 sh -c 'until firewall-cmd --quiet --state; do sleep 0.2; done' 2>/dev/null")
    assert machines.on(node, looks) == before
    address = machines.registry.read().nodes[node].ip
    assert seen_from_outside(address, NEAR) == declared(machines, node, "public") & NEAR
    if node != "controller001":
        services = "haproxy nginx" if node == "ingress016" else "haproxy"
        running = f"systemctl is-active {services} wg-quick@flannel-wg"
        machines.on(node, f"timeout 55 sh -c 'while {running} | grep -qvx active; do sleep 0.2; done' || true")
        assert set(machines.on(node, running).split()) == {"active"}


def drawn(machines: Machines) -> Reply:
    reply = Graph(Doctor(machines.ssh))((), machines.registry)
    assert isinstance(reply, Reply)
    return reply


def drawn_once_well(machines: Machines) -> Reply:
    """The first picture without a fault, or the last of a minute: machines that were just started may be slow to answer."""
    deadline = time.monotonic() + 60
    while True:
        reply = drawn(machines)
        if all(line.startswith(MARKS[State.WELL]) for line in reply.text.splitlines()) or time.monotonic() > deadline:
            return reply


def test_the_picture_shows_who_is_down_and_how_long_the_others_take(machines: Machines) -> None:
    reply = drawn_once_well(machines)
    mesh, overlay = (plain(line) for line in reply.text.splitlines())
    assert re.fullmatch(rf"✓ vpn_ctrl: 10\.110\.0\.0/24, 5 machines, 4 tunnels, {TIMES}", mesh)
    assert re.fullmatch(rf"✓ overlay: 10\.5\.0\.0/16, 4 machines, 6 tunnels, {TIMES}", overlay)
    machines.rented.cut_power("worker102")
    reply = drawn(machines)
    lines = [plain(line).strip() for line in reply.text.splitlines()]
    assert lines.count("worker102 does not answer") == 2
    assert reply.attachment is not None
    with Image.open(io.BytesIO(reply.attachment.content)) as picture:
        assert picture.format == "PNG"


def test_a_dead_machine_is_nobodys_peer_at_once_and_made_anew_it_is_one_again(machines: Machines) -> None:
    ip = machines.registry.read().nodes["worker102"].ip
    [old] = [one.backend_data.public_key for one in machines.registry.read().leases.values() if one.public_ip == ip]
    assert old in machines.on("worker101", PEERS)
    machines.overlay.leave(LeaveOverlay(node="worker102"), machines.context)
    assert old not in machines.on("worker101", PEERS)
    assert "worker102" not in machines.on("worker101", "sed -n '/flstr overlay/,$p' /etc/hosts")
    machines.leave("worker102")
    machines.provision.destroy_node(DestroyNode(node="worker102"), machines.context)
    machines.create("worker102")
    machines.join("worker102")
    machines.overlay.join(JoinOverlay(nodes=("worker102",)), machines.context)
    peers = machines.on("worker101", PEERS)
    assert old not in peers
    assert len(peers.splitlines()) == len(IN_OVERLAY) - 1
    assert machines.pings("worker101", "worker102.overlay") == ["worker102.overlay"]


def with_driver(machines: Machines, driver: str, url: str, checksum: str) -> None:
    flanneld = {"url": f"{url}/flanneld", "sha256": checksum, "etcd": [url]}
    overlay = Overlay.model_validate({"network": "10.5.0.0/16", "driver": driver, "flanneld": flanneld})
    machines.store.put(keys.CLUSTER, machines.cluster.model_copy(update={"overlay": overlay}).to_json())


def test_flanneld_is_installed_by_its_checksum_and_keeps_the_subnets(machines: Machines, etcd_endpoint: str) -> None:
    before = {node: machines.registry.read().nodes[node].addresses for node in IN_OVERLAY}
    gateway = str(machines.rented.lab.network.names.address(1))
    server = FlanneldServer(gateway, connect(etcd_endpoint))
    try:
        with_driver(machines, "flanneld", server.url, "0" * 64)
        with pytest.raises(StepFailed, match=r"serves is not the flanneld of cluster\.yaml: another checksum"):
            machines.overlay.join(JoinOverlay(nodes=("worker101",)), machines.context)
        assert machines.on("worker101", "ls /usr/local/sbin; systemctl is-active wg-quick@flannel-wg").split() == [
            "active"
        ]
        with_driver(machines, "flanneld", server.url, CHECKSUM)
        machines.overlay.join(JoinOverlay(), machines.context)
    finally:
        server.stop()
    nodes = machines.registry.read().nodes
    assert {node: nodes[node].addresses for node in IN_OVERLAY} == before
    ip = nodes["worker101"].ip
    assert server.started[ip] == (
        f"--etcd-endpoints={server.url} --etcd-prefix=/coreos.com/network --iface={ip} --public-ip={ip} "
        "--subnet-file=/run/flannel/subnet.env"
    )
    running = "systemctl is-active flanneld wg-quick@flannel-wg; systemctl is-enabled flanneld"
    assert machines.on("worker101", f"({running}) || true").split() == ["active", "inactive", "enabled"]


def test_from_flanneld_back_to_flstrs_own_driver(machines: Machines) -> None:
    machines.store.put(keys.CLUSTER, machines.cluster.to_json())
    machines.overlay.join(JoinOverlay(nodes=IN_OVERLAY), machines.context)
    assert machines.pings("worker101", "worker102.overlay", "ingress016.overlay") == [
        "worker102.overlay",
        "ingress016.overlay",
    ]
    assert machines.on(
        "worker101", "ls /usr/local/sbin /etc/systemd/system/flanneld.service 2>/dev/null || true"
    ).strip() == ("/usr/local/sbin:")
