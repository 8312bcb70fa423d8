"""DNS by hcloud-python."""

from typing import Any

import pytest
from hcloud import APIException
from hcloud.zones import ZoneRecord, ZoneRRSet

from tests.lab.cloud.running_cloud import AnyClient


@pytest.fixture
def zone(client: AnyClient) -> Any:
    response = client.zones.create(name="flstr.example", mode="primary", labels={"cluster": "demo"})
    response.action.wait_until_finished()
    return client.zones.get("flstr.example")


def test_a_zone_starts_with_its_nameservers(client: AnyClient, zone: Any) -> None:
    assert (zone.status, zone.mode, zone.ttl, zone.record_count) == ("ok", "primary", 3600, 4)
    assert client.zones.get("flstr.example").id == zone.id
    assert client.zones.get(zone.id).name == "flstr.example"
    assert [rrset.id for rrset in zone.get_rrset_all()] == ["@/SOA", "@/NS"]
    assert [found.id for found in client.zones.get_all(label_selector="cluster=demo")] == [zone.id]


def test_zones_are_unique_and_can_be_deleted(client: AnyClient, zone: Any) -> None:
    with pytest.raises(APIException) as raised:
        client.zones.create(name="flstr.example", mode="primary")
    assert raised.value.code == "uniqueness_error"
    zone.delete().action.wait_until_finished()
    assert client.zones.get_all() == []


@pytest.mark.parametrize("name", ["flstr", "Flstr.example", "flstr.example.", "-a.example", "a b.example"])
def test_a_zone_is_named_like_a_domain(client: AnyClient, name: str) -> None:
    with pytest.raises(APIException) as raised:
        client.zones.create(name=name, mode="primary")
    assert raised.value.code == "invalid_input"


def test_a_zone_may_be_created_with_records(client: AnyClient) -> None:
    www = ZoneRRSet(name="www", type="A", ttl=60, records=[ZoneRecord("10.77.0.10")])
    zone = client.zones.create(name="flstr.example", mode="primary", rrsets=[www]).zone
    assert zone.record_count == 5
    assert "www 60 IN A 10.77.0.10" in zone.export_zonefile().zonefile


def test_records_are_set_added_commented_and_removed(zone: Any) -> None:
    created = zone.create_rrset(name="www", type="A", ttl=300, records=[ZoneRecord("10.77.0.10")])
    created.action.wait_until_finished()
    rrset = created.rrset
    rrset.set_rrset_records([ZoneRecord("10.77.0.11"), ZoneRecord("10.77.0.12")]).wait_until_finished()
    rrset.add_rrset_records([ZoneRecord("10.77.0.13")]).wait_until_finished()
    rrset.update_rrset_records([ZoneRecord("10.77.0.11", comment="ingress1")]).wait_until_finished()
    rrset.remove_rrset_records([ZoneRecord("10.77.0.12")]).wait_until_finished()
    rrset.reload()
    assert [(record.value, record.comment) for record in rrset.records] == [
        ("10.77.0.11", "ingress1"),
        ("10.77.0.13", ""),
    ]
    rrset.change_rrset_ttl(60).wait_until_finished()
    rrset.reload()
    assert rrset.ttl == 60


def test_a_set_without_records_is_gone_and_comes_back_with_one(zone: Any) -> None:
    token = ZoneRecord('"token"')
    rrset = zone.create_rrset(name="_acme-challenge", type="TXT", records=[token]).rrset
    rrset.remove_rrset_records([token])
    with pytest.raises(APIException) as raised:
        zone.get_rrset("_acme-challenge", "TXT")
    assert raised.value.code == "not_found"
    rrset.add_rrset_records([token], ttl=60)
    assert zone.get_rrset("_acme-challenge", "TXT").ttl == 60
    rrset.delete_rrset().action.wait_until_finished()
    assert [found.id for found in zone.get_rrset_all(type=["TXT", "A"])] == []


def test_sets_are_unique_and_a_cname_stands_alone(zone: Any) -> None:
    zone.create_rrset(name="www", type="A", records=[ZoneRecord("10.77.0.10")])
    with pytest.raises(APIException) as raised:
        zone.create_rrset(name="www", type="A", records=[ZoneRecord("10.77.0.11")])
    assert raised.value.code == "uniqueness_error"
    with pytest.raises(APIException, match="invalid"):
        zone.create_rrset(name="www", type="CNAME", records=[ZoneRecord("flstr.example.")])


def test_the_soa_stays_as_long_as_its_zone(zone: Any) -> None:
    soa = zone.get_rrset("@", "SOA")
    for gone in (soa.delete_rrset, lambda: soa.remove_rrset_records(soa.records)):
        with pytest.raises(APIException) as raised:
            gone()
        assert raised.value.code == "unsupported_error"
    assert len(zone.get_rrset("@", "SOA").records) == 1


def test_a_protected_set_is_not_changed(zone: Any) -> None:
    rrset = zone.create_rrset(name="@", type="A", records=[ZoneRecord("10.77.0.10")]).rrset
    rrset.change_rrset_protection(change=True).wait_until_finished()
    with pytest.raises(APIException) as raised:
        rrset.set_rrset_records([ZoneRecord("10.77.0.11")])
    assert raised.value.code == "protected"


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("www", "A", ["10.77.0.300"]),
        ("www", "A", []),
        ("www", "A", ["10.77.0.1", "10.77.0.1"]),
        ("www", "AAAA", ["10.77.0.1"]),
        ("www", "TXT", ["not quoted"]),
        ("www", "CNAME", ["a.example.", "b.example."]),
        ("www", "CNAME", ["not a host"]),
        ("WWW", "A", ["10.77.0.1"]),
        ("www", "WKS", ["10.77.0.1"]),
        ("@", "MX", ["mail.example."]),
        ("@", "CAA", ["letsencrypt.org"]),
        ("@", "CAA", ['999 issue "letsencrypt.org"']),
        ("_redis._tcp", "SRV", ["not a service"]),
    ],
)
def test_wrong_records_are_refused(zone: Any, name: str, kind: str, values: list[str]) -> None:
    with pytest.raises(APIException) as raised:
        zone.create_rrset(name=name, type=kind, records=[ZoneRecord(value) for value in values])
    assert raised.value.code == "invalid_input"
    assert zone.get_rrset_all(name="www") == []


def test_a_wildcard_and_good_records_are_taken(zone: Any) -> None:
    for name, kind, value in (
        ("*", "A", "10.77.0.10"),
        ("*.apps", "AAAA", "2001:db8::1"),
        ("mail", "MX", "10 mail.flstr.example."),
        ("@", "CAA", '0 issue "letsencrypt.org"'),
        ("long", "TXT", '"' + "x" * 255 + '" "y"'),
    ):
        zone.create_rrset(name=name, type=kind, records=[ZoneRecord(value)])
        assert zone.get_rrset(name, kind).records[0].value == value
