"""What a look prints becomes facts; what it prints otherwise is left out."""

from hypothesis import given
from hypothesis import strategies as st

from executors.doctor.diagnosis import diagnose
from executors.doctor.facts import Device, HostFile, LogLine, Reach, Unit, WireGuardPeer, parse
from executors.doctor.findings import report
from tests.executors.clusters import cluster
from tests.executors.doctor.ward import printed, registered_of, well

PRINTED = """\
now\t1700000000.25
firewalld\tyes
name\t10.120.0.3  worker101.vpn_ingr worker101
unit\ttinc@vpn_ingr\tyes\tno
device\tvpn_ingr\t10.120.0.3/24\t1500\t10.120.0.0/24,10.130.0.0/24\tyes
mesh\tvpn_ingr\t0123456789abcdef\tworker101\tyes\tno
host\tvpn_ingr\tingress016\t198.51.100.1\t762\t10.120.0.1/32,10.120.0.0/24\tfedcba9876543210
host\tvpn_ingr\tingress017\t-\t-\t-\t-
host\tvpn_other\tingress016\t-\t-\t-\t-
log\tvpn_ingr\t1699999999.5\tReady\tto go
log\tvpn_other\t1699999999.5\tReady
reach\tvpn_ingr\tingress016\t0.31\tyes\tanswers
reach\tvpn_ingr\tingress017\t-\tno\tsilent
overlay\t1500\tyes
device\tflannel-wg\t10.5.3.0/32\t1420\t10.5.0.0/16\tyes
wireguard\tOWN=\t51820
wgpeer\tOTHER=\t198.51.100.1:51820\t10.5.1.0/24\t1699999990
wgpeer\tNEW=\t(none)\t(none)\t0
unit\twg-quick@flannel-wg\tyes\tyes
end
"""
FACTS = parse(PRINTED)


def test_the_machine() -> None:
    assert (FACTS.firewalld, FACTS.now, FACTS.complete) == (True, 1700000000.25, True)
    assert FACTS.names == {"10.120.0.3 worker101.vpn_ingr worker101"}


def test_its_end_of_a_mesh() -> None:
    mesh = FACTS.meshes["vpn_ingr"]
    assert (mesh.key, mesh.name, mesh.listens, mesh.let_in) == ("0123456789abcdef", "worker101", True, False)
    assert mesh.unit == Unit(active=True, enabled=False)
    assert mesh.device == Device("10.120.0.3/24", 1500, ("10.120.0.0/24", "10.130.0.0/24"), up=True)


def test_the_host_files_and_the_log_of_that_mesh_alone() -> None:
    mesh = FACTS.meshes["vpn_ingr"]
    subnets = frozenset({"10.120.0.1/32", "10.120.0.0/24"})
    assert mesh.hosts == {
        "ingress016": HostFile("198.51.100.1", "762", subnets, "fedcba9876543210"),
        "ingress017": HostFile(),
    }
    assert mesh.log == (LogLine(1699999999.5, "Ready\tto go"),)


def test_who_answers() -> None:
    assert FACTS.reach == {
        ("vpn_ingr", "ingress016"): Reach(0.31, large=True, tcp=True),
        ("vpn_ingr", "ingress017"): Reach(None, large=False, tcp=False),
    }


def test_its_end_of_the_overlay() -> None:
    overlay = FACTS.overlay
    assert overlay is not None
    assert (overlay.key, overlay.port, overlay.uplink_mtu, overlay.let_in) == ("OWN=", "51820", 1500, True)
    assert overlay.device == Device("10.5.3.0/32", 1420, ("10.5.0.0/16",), up=True)
    assert overlay.units == {"wg-quick@flannel-wg": Unit(active=True, enabled=True)}
    assert overlay.peers == (
        WireGuardPeer("OTHER=", "198.51.100.1:51820", "10.5.1.0/24", 1699999990.0),
        WireGuardPeer("NEW=", "", "", 0.0),
    )


def test_a_device_that_is_not_there_is_one_with_nothing() -> None:
    overlay = parse("overlay\t-\tyes\ndevice\tflannel-wg\t-\t-\t-\tno\n").overlay
    assert overlay is not None
    assert (overlay.device, overlay.key, overlay.peers) == (Device(), "", ())


def test_a_look_that_was_cut_short_is_not_complete() -> None:
    assert not parse(PRINTED.removesuffix("end\n")).complete
    assert parse("").meshes == {}


def test_a_line_that_somebody_else_had_a_hand_in_stays_one_line() -> None:
    forged = parse("log\tvpn_ingr\t1\tx\u2028firewalld\tyes\x0bend\nmesh\tvpn_ingr\t-\t-\tno\tno\n")
    assert not forged.firewalld
    assert not forged.complete
    assert len(forged.meshes["vpn_ingr"].log) == 1


HEADS = st.sampled_from(sorted({line.split("\t")[0] for line in PRINTED.splitlines()}))
WORDS = st.lists(
    st.one_of(st.text(), st.sampled_from(["-", "yes", "1e999", "9" * 400, "nan", "vpn_ingr", "10.5.1.0/24"]))
)
ANYTHING = st.lists(st.tuples(HEADS, WORDS)).map(
    lambda lines: "\n".join("\t".join([head, *words]) for head, words in lines)
)


@given(st.one_of(st.text(), ANYTHING))
def test_whatever_is_printed_is_read(output: str) -> None:
    parse(output)


@given(st.sampled_from(["three-machines", "overlay"]), st.data())
def test_whatever_one_machine_prints_is_told_in_lines(name: str, data: st.DataObject) -> None:
    ward = well(cluster(name))
    node = data.draw(st.sampled_from(sorted(ward.seen)))
    lines = [line.split("\t") for line in printed(node, ward.cluster, registered_of(ward.cluster)).splitlines()]
    for _ in range(data.draw(st.integers(1, 4))):
        words = data.draw(st.sampled_from(lines))
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.text(max_size=12))
    seen = {**ward.seen, node: parse("\n".join("\t".join(words) for words in lines))}
    found = diagnose(ward.cluster, ward.registered, seen, {})
    assert len(report(found, seen, 1).splitlines()) == max(1, len(found))
