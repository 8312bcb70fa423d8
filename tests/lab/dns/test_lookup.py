"""What the zones say: records, nothing, wildcards, aliases, delegations."""

import dns.flags
import dns.name
import pytest
from dns.message import Message
from dns.rcode import Rcode
from dns.rdatatype import RdataType
from hcloud.zones import ZoneRecord
from hypothesis import given
from hypothesis import strategies as st

from lab.cloud.clock import now
from lab.cloud.entities import Record, RrSet, Zone
from lab.cloud.zones import apex
from lab.dns.lookup import look_up
from tests.lab.cloud.running_cloud import AnyClient, RunningCloud
from tests.lab.dns.asking import Resolver, records


def says(answer: Message) -> tuple[str, bool, list[str]]:
    """The code, whether with authority, and the answer's sets."""
    sets = [f"{rrset.name} {RdataType.to_text(rrset.rdtype)}" for rrset in answer.answer]
    return Rcode.to_text(answer.rcode()), bool(answer.flags & dns.flags.AA), sets


def has_soa(answer: Message) -> bool:
    return [RdataType.to_text(rrset.rdtype) for rrset in answer.authority] == ["SOA"]


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("www", "A", ["10.77.0.10", "10.77.0.11"]),
        ("www", "AAAA", ["2001:db8::1"]),
        ("@", "CAA", ['0 issue "letsencrypt.org"']),
        ("_acme-challenge", "TXT", ['"one"', f'"{"x" * 255}" "y"']),
        ("@", "MX", ["10 mail.flstr.example."]),
        ("_redis._tcp", "SRV", ["0 5 6379 service201.flstr.example."]),
    ],
)
def test_what_is_set_is_answered(zone: AnyClient, resolver: Resolver, name: str, kind: str, values: list[str]) -> None:
    records(zone, name, kind, *values, ttl=300)
    full = "flstr.example" if name == "@" else f"{name}.flstr.example"
    answer = resolver.ask(full, kind, payload=1232)
    assert says(answer) == ("NOERROR", True, [f"{full}. {kind}"])
    assert sorted(rdata.to_text() for rdata in answer.answer[0]) == sorted(values)
    assert answer.answer[0].ttl == 300


def test_a_zone_has_its_own_soa_and_name_servers(zone: AnyClient, resolver: Resolver) -> None:
    assert len(resolver.values("flstr.example", "NS")) == 3
    [soa] = resolver.values("flstr.example", "SOA")
    assert soa.startswith("hydrogen.ns.hetzner.com. dns.hetzner.com. ")


def test_a_change_is_served_at_once_and_renews_the_serial(zone: AnyClient, resolver: Resolver) -> None:
    def serial() -> int:
        return int(resolver.values("flstr.example", "SOA")[0].split()[2])

    before = serial()
    rrset = records(zone, "www", "A", "10.77.0.10")
    assert resolver.values("www.flstr.example") == ["10.77.0.10"]
    rrset.set_rrset_records([ZoneRecord("10.77.0.11")])
    assert resolver.values("www.flstr.example") == ["10.77.0.11"]
    rrset.delete_rrset()
    assert resolver.values("www.flstr.example") == []
    assert serial() == before + 3
    zone.delete().action.wait_until_finished()
    assert resolver.ask("www.flstr.example").rcode() == Rcode.REFUSED


def test_a_set_without_a_ttl_has_the_zones(zone: AnyClient, resolver: Resolver) -> None:
    records(zone, "www", "A", "10.77.0.10")
    zone.change_ttl(600).wait_until_finished()
    assert resolver.ask("www.flstr.example").answer[0].ttl == 600


def test_what_is_not_there_is_told_with_the_soa(zone: AnyClient, resolver: Resolver) -> None:
    records(zone, "a.b", "A", "10.77.0.10")
    for name, code in (("nothing", "NXDOMAIN"), ("x.a.b", "NXDOMAIN"), ("b", "NOERROR")):
        answer = resolver.ask(f"{name}.flstr.example")
        assert says(answer) == (code, True, []), name
        assert has_soa(answer)
    no_data = resolver.ask("a.b.flstr.example", "AAAA")
    assert says(no_data) == ("NOERROR", True, [])
    # Not longer than the last number of the SOA says.
    assert no_data.authority[0].ttl == min(3600, no_data.authority[0][0].minimum)


def test_names_are_the_same_in_any_case_and_come_back_as_they_were_asked(zone: AnyClient, resolver: Resolver) -> None:
    records(zone, "www", "A", "10.77.0.10")
    answer = resolver.ask("wWw.FlStR.example")
    assert str(answer.answer[0].name) == "wWw.FlStR.example."


def test_a_wildcard_speaks_for_names_that_do_not_exist(zone: AnyClient, resolver: Resolver) -> None:
    records(zone, "*.apps", "A", "10.77.0.10")
    records(zone, "own.apps", "TXT", '"its own"')
    for name in ("one.apps", "deep.below.apps"):
        assert says(resolver.ask(f"{name}.flstr.example")) == ("NOERROR", True, [f"{name}.flstr.example. A"])
    for name in ("own.apps", "apps"):
        assert says(resolver.ask(f"{name}.flstr.example")) == ("NOERROR", True, []), name
    # It does not reach below a name that exists.
    assert says(resolver.ask("x.own.apps.flstr.example"))[0] == "NXDOMAIN"
    assert says(resolver.ask("one.apps.flstr.example", "TXT")) == ("NOERROR", True, [])


def test_an_alias_is_followed_inside_of_the_zones(cloud: RunningCloud, zone: AnyClient, resolver: Resolver) -> None:
    other = cloud.client.zones.create(name="other.example", mode="primary").zone
    records(zone, "www", "CNAME", "apps")
    records(zone, "apps", "CNAME", "ingress.other.example.")
    records(other, "ingress", "A", "10.78.0.1")
    chain = ["www.flstr.example. CNAME", "apps.flstr.example. CNAME"]
    assert says(resolver.ask("www.flstr.example")) == ("NOERROR", True, [*chain, "ingress.other.example. A"])
    assert says(resolver.ask("www.flstr.example", "CNAME")) == ("NOERROR", True, chain[:1])
    nothing = resolver.ask("www.flstr.example", "AAAA")
    assert says(nothing) == ("NOERROR", True, chain)
    assert has_soa(nothing)
    other.get_rrset("ingress", "A").delete_rrset()
    assert says(resolver.ask("www.flstr.example")) == ("NXDOMAIN", True, chain)


def test_an_alias_is_not_followed_out_of_the_zones_or_for_ever(zone: AnyClient, resolver: Resolver) -> None:
    records(zone, "out", "CNAME", "elsewhere.test.")
    records(zone, "ring", "CNAME", "ring")
    records(zone, "*.wild", "CNAME", "out")
    assert says(resolver.ask("out.flstr.example")) == ("NOERROR", True, ["out.flstr.example. CNAME"])
    assert says(resolver.ask("x.wild.flstr.example"))[2] == ["x.wild.flstr.example. CNAME", "out.flstr.example. CNAME"]
    assert set(says(resolver.ask("ring.flstr.example"))[2]) == {"ring.flstr.example. CNAME"}


def test_a_part_that_others_serve_is_referred_to_them(zone: AnyClient, resolver: Resolver) -> None:
    records(zone, "sub", "NS", "ns.sub", "ns.elsewhere.test.")
    records(zone, "ns.sub", "A", "10.77.0.53")
    records(zone, "sub", "DS", "1 13 2 " + "00" * 32)
    answer = resolver.ask("www.sub.flstr.example")
    assert says(answer) == ("NOERROR", False, [])
    assert [str(rrset.name) for rrset in answer.authority] == ["sub.flstr.example."]
    assert [rrset.to_text() for rrset in answer.additional] == ["ns.sub.flstr.example. 3600 IN A 10.77.0.53"]
    assert says(resolver.ask("sub.flstr.example", "DS")) == ("NOERROR", True, ["sub.flstr.example. DS"])


def test_what_is_not_served_is_refused(zone: AnyClient, resolver: Resolver) -> None:
    for name, kind in (("test", "A"), ("notflstr.example", "A"), ("flstr.example", "AXFR")):
        assert says(resolver.ask(name, kind)) == ("REFUSED", False, []), (name, kind)


def test_what_is_above_a_zone_exists_and_has_nothing(zone: AnyClient, resolver: Resolver) -> None:
    for name in ("example", "."):
        assert says(resolver.ask(name, "CAA")) == ("NOERROR", False, []), name


def test_the_zone_that_fits_best_answers(cloud: RunningCloud, zone: AnyClient, resolver: Resolver) -> None:
    records(zone, "www.sub", "A", "10.77.0.10")
    inner = cloud.client.zones.create(name="sub.flstr.example", mode="primary").zone
    assert says(resolver.ask("www.sub.flstr.example"))[0] == "NXDOMAIN"
    records(inner, "www", "A", "10.77.0.11")
    assert resolver.values("www.sub.flstr.example") == ["10.77.0.11"]


LABELS = st.sampled_from(["a", "b", "c", "*"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).filter(lambda labels: "*" not in labels[1:]).map(".".join)


@given(st.sets(NAMES, max_size=6), st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5).map(".".join))
def test_a_name_does_not_exist_only_where_neither_it_nor_a_wildcard_does(names: set[str], asked: str) -> None:
    sets = [RrSet(name=name, type="A", ttl=None, labels={}, records=[Record(value="10.0.0.1")]) for name in names]
    rrsets = {rrset.id: rrset for rrset in [*apex(), *sets]}
    zone = Zone(id=1, name="flstr.example", created=now(), labels={}, ttl=60, rrsets=rrsets)
    found = look_up(dns.name.from_text(f"{asked}.{zone.name}"), RdataType.A, [zone])

    def exists(name: str) -> bool:
        return name == "" or any(one == name or one.endswith(f".{name}") for one in names)

    closest = asked
    while not exists(closest):
        closest = closest.partition(".")[2]
    wildcard = f"*.{closest}" if closest else "*"
    speaks = asked if exists(asked) else wildcard
    assert (found.rcode == Rcode.NXDOMAIN) == (not exists(asked) and wildcard not in names)
    assert bool(found.answer) == (speaks in names)
    assert bool(found.authority) != bool(found.answer)
