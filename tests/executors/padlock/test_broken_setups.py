"""Every fault is served by a real nginx, is found, and is the only finding; a good set-up is green in one line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from executors.findings import MARKS
from executors.padlock.check import Outside, PadlockCheck, round_over
from executors.padlock.dns_lookup import caa_lookup
from executors.padlock.findings import BROKEN, ORDER
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from tests.executors.padlock.authority import HOST, Authority
from tests.executors.padlock.ingresses import holding, registered, served_at, shop_at, without_hsts
from tests.executors.padlock.nginx import Nginx
from tests.executors.padlock.setups import BASKET, Fault, faults, good, moved_on
from tests.loopback_dns import ADDRESS, LoopbackDns, caa_dns

INGRESS = "ingress016"
ALLOWED = {"example.com": ['0 issue "letsencrypt.org"']}
FAULTS = [
    "expired",
    "not-yet-valid",
    "near-expiry",
    "self-signed",
    "wrong-name",
    "key-mismatch",
    "key-mismatch-tls12",
    "weak-key",
    "weak-signature",
    "missing-intermediate",
    "wrong-order",
    "foreign-certificate",
    "unknown-authority",
    "old-tls",
    "redirect-loop",
    "redirect-back",
    "redirect-elsewhere",
    "no-redirect",
    "no-hsts",
    "short-hsts",
    "server-error",
    "not-found",
    "active-mixed",
    "active-mixed-form",
    "active-mixed-in-css",
    "passive-mixed",
    "passive-mixed-srcset",
    "passive-mixed-in-css",
    "passive-mixed-in-style",
]


@dataclass(frozen=True)
class Field:
    """All set-ups being served."""

    faults: dict[str, Fault]
    nginx: Nginx
    authority: Path

    def outside(self, names: LoopbackDns) -> Outside:
        lookup = caa_lookup([ADDRESS], names.port)
        ports = (self.nginx.http_port, self.nginx.https_port)
        return Outside(self.authority, lookup=lookup, http_port=ports[0], https_port=ports[1])

    def lines(self, names: LoopbackDns, *setups: str) -> list[str]:
        """What padlock says of the shop when these set-ups are the ingresses."""
        nodes = {f"ingress{16 + number:03}": self.nginx.address(one) for number, one in enumerate(setups)}
        report = round_over([HOST], shop_at(nodes, self.nginx.https_port), self.outside(names))
        return report.splitlines()


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("padlock")
    authority = Authority(folder)
    broken = faults(authority, folder)
    well = {"good": good(authority), "moved-on": moved_on(authority)}
    setups = {name: fault.setup for name, fault in broken.items()} | well
    nginx = Nginx(folder, setups)
    nginx.start()
    yield Field(broken, nginx, authority.path)
    nginx.stop()


@pytest.fixture
def allowed() -> Iterator[LoopbackDns]:
    server = caa_dns(ALLOWED)
    yield server
    server.stop()


def test_no_setup_is_left_out(field: Field) -> None:
    assert list(field.faults) == FAULTS


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_nothing_else(name: str, field: Field, allowed: LoopbackDns) -> None:
    fault = field.faults[name]
    (line,) = field.lines(allowed, name)
    mark = MARKS["error" if fault.kind in BROKEN else "warning"]
    assert line.startswith(f"{mark} *{HOST}*, {INGRESS}")
    assert fault.says in line
    assert "_Mend:_" in line


def test_a_good_setup_is_green_in_one_line(field: Field, allowed: LoopbackDns) -> None:
    assert field.lines(allowed, "good") == [
        f":large_green_circle: *{HOST}*: {INGRESS} answers as it should, certificate good for 69 days"
    ]


def test_each_ingress_is_asked_by_its_own_address(field: Field, allowed: LoopbackDns) -> None:
    (line,) = field.lines(allowed, "good", "no-hsts")
    assert line.startswith(f":large_yellow_circle: *{HOST}*, ingress017 port {field.nginx.https_port}: no HSTS.")


def test_a_floating_ip_is_asked_as_well(field: Field, allowed: LoopbackDns) -> None:
    tree = shop_at({INGRESS: field.nginx.address("good")}, field.nginx.https_port)
    well, other = (holding(tree, INGRESS, public=field.nginx.address(name)) for name in ("good", "no-hsts"))
    assert round_over([HOST], well, field.outside(allowed)) == (
        f":large_green_circle: *{HOST}*: {INGRESS}, floating IP public at {INGRESS} answer as they should, certificate "
        "good for 69 days"
    )
    (line,) = round_over([HOST], other, field.outside(allowed)).splitlines()
    assert f"*{HOST}*, floating IP public at {INGRESS} port {field.nginx.https_port}: no HSTS." in line


def test_a_floating_ip_at_which_its_holder_does_not_answer(field: Field, allowed: LoopbackDns) -> None:
    tree = shop_at({INGRESS: field.nginx.address("good")}, field.nginx.https_port)
    lines = round_over([HOST], holding(tree, INGRESS, public="127.78.0.1"), field.outside(allowed)).splitlines()
    assert lines == [
        f":red_circle: *{HOST}*, floating IP public at {INGRESS} port {port}: no answer (Connection refused). _Mend:_ see "
        "whether the cloud has it assigned to that machine, and the machine has the address (ip address)"
        for port in (field.nginx.https_port, field.nginx.http_port)
    ]


def test_a_host_that_leads_to_one_of_another_ingress_is_followed_there(field: Field, allowed: LoopbackDns) -> None:
    addresses = {INGRESS: field.nginx.address("moved-on"), "ingress017": field.nginx.address("good")}
    tree = registered(addresses, dict.fromkeys([HOST, BASKET], (field.nginx.https_port, True)))
    tree = served_at(served_at(tree, HOST, INGRESS), BASKET, "ingress017")
    # The basket of this set-up leads to itself for ever.
    assert round_over([HOST], tree, field.outside(allowed)).startswith(":large_green_circle:")
    assert "the redirects go round" in round_over([HOST], served_at(tree, BASKET, INGRESS), field.outside(allowed))


def test_without_hsts_in_the_manifest_none_is_missed(field: Field, allowed: LoopbackDns) -> None:
    for name in ("no-hsts", "short-hsts", "good"):
        tree = without_hsts(shop_at({INGRESS: field.nginx.address(name)}, field.nginx.https_port))
        assert round_over([HOST], tree, field.outside(allowed)).startswith(":large_green_circle:")


def test_what_is_wrong_on_several_ingresses_is_one_line(field: Field, allowed: LoopbackDns) -> None:
    (line,) = field.lines(allowed, "no-hsts", "good", "no-hsts")
    assert f", ingress016, ingress018 port {field.nginx.https_port}: no HSTS" in line


def test_the_worst_comes_first(field: Field, allowed: LoopbackDns) -> None:
    names = ["no-hsts", "old-tls", "expired", "passive-mixed", "near-expiry", "key-mismatch"]
    wanted = sorted(names, key=lambda name: ORDER.index(field.faults[name].kind))
    lines = field.lines(allowed, *names)
    assert [next(name for name in names if field.faults[name].says in line) for line in lines] == wanted
    assert wanted[0] == "key-mismatch"


def test_caa_forbids(field: Field) -> None:
    names = caa_dns({"example.com": ['0 issue "other.example.net; account=7"']})
    try:
        (line,) = field.lines(names, "good", "good")
    finally:
        names.stop()
    assert line == (
        f":red_circle: *{HOST}*: CAA of example.com lets other.example.net issue, and not letsencrypt.org. "
        '_Mend:_ add the record: example.com CAA 0 issue "letsencrypt.org"'
    )
    assert names.asked == [HOST, "example.com"]


def test_caa_that_cannot_be_looked_up(field: Field) -> None:
    names = caa_dns({}, failing={"example.com"})
    try:
        (line,) = field.lines(names, "good")
    finally:
        names.stop()
    assert "CAA of example.com could not be looked up (the name servers fail)" in line


def test_an_ingress_that_is_not_there(field: Field, allowed: LoopbackDns) -> None:
    seen = registered({INGRESS: "127.78.0.1"}, {HOST: (field.nginx.https_port, True)})
    lines = round_over([HOST], seen, field.outside(allowed)).splitlines()
    mend = "_Mend:_ see whether nginx runs there and firewalld lets the port in"
    assert lines == [
        f":red_circle: *{HOST}*, {INGRESS} port {port}: no answer (Connection refused). {mend}"
        for port in (field.nginx.https_port, field.nginx.http_port)
    ]


def test_a_plain_host_is_not_blamed_for_the_certificates_of_others(field: Field, allowed: LoopbackDns) -> None:
    seen = registered(
        {INGRESS: field.nginx.address("no-redirect")}, {"plain.example.com": (field.nginx.http_port, False)}
    )
    report = round_over(["plain.example.com"], seen, field.outside(allowed))
    assert report == (
        f":large_yellow_circle: *plain.example.com*, {INGRESS} port {field.nginx.http_port}: plain HTTP, not redirected "
        "to https. _Mend:_ get a certificate for the host, then redirect to it"
    )
    assert allowed.asked == []


def test_a_certificate_that_is_served_before_it_is_registered_is_looked_at(field: Field, allowed: LoopbackDns) -> None:
    seen = registered({INGRESS: field.nginx.address("no-hsts")}, {HOST: (field.nginx.http_port, False)})
    (line,) = round_over([HOST], seen, field.outside(allowed)).splitlines()
    assert f"{INGRESS} port {field.nginx.https_port}: no HSTS" in line


def test_a_round_over_hosts_that_are_all_well_is_one_line(field: Field, allowed: LoopbackDns) -> None:
    hosts = [HOST, BASKET]
    seen = registered(
        {INGRESS: field.nginx.address("good"), "ingress017": field.nginx.address("good")},
        dict.fromkeys(hosts, (field.nginx.https_port, True)),
    )
    assert round_over(hosts, seen, field.outside(allowed)) == (
        f":large_green_circle: 2 hosts: {INGRESS}, ingress017 answer as they should, every certificate good for 69 days "
        "at least"
    )


def test_the_verb_without_a_host_goes_round_all(field: Field, allowed: LoopbackDns, store: Store) -> None:
    seen = registered(
        {INGRESS: field.nginx.address("good")},
        {HOST: (field.nginx.https_port, True), "cellar.example.com": (field.nginx.https_port, True)},
    )
    store.write({keys.node(name): node.model_dump_json() for name, node in seen.nodes.items()})
    store.write(
        {keys.ingress(one.publish.host_name, one.publish.port): one.model_dump_json() for one in seen.ingress.values()}
    )
    check, registry = PadlockCheck(field.outside(allowed)), Registry(store)
    assert check((HOST,), registry).startswith(":large_green_circle:")
    (line,) = check((), registry).splitlines()
    assert line.startswith(f":red_circle: *cellar.example.com*, {INGRESS} port")
    assert f"the certificate is for {HOST}, {BASKET}" in line
