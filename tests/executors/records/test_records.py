"""Records by hcloud's zones, against the lab's cloud; that they are there is asked by DNS."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from dns.rcode import Rcode
from hcloud.zones import ZoneRecord

from executors.cloud import CloudSettings
from executors.records.records import Records
from model.errors import StepFailed
from tests.lab.cloud.running_cloud import AnyClient, RunningCloud
from tests.lab.dns.asking import Resolver

NODE, WILDCARD, CHALLENGE = "worker101.flstr.example", "*.apps.flstr.example", "_acme-challenge.apps.flstr.example"
IP, OTHER_IP, IPV6 = IPv4Address("10.77.0.10"), IPv4Address("10.77.0.11"), IPv6Address("2001:db8::1")


def writes(cloud: RunningCloud) -> list[str]:
    """The requests that were to change something, since this was asked last."""
    found = [
        f"{one.method} {one.path.partition('/rrsets')[2]}" for one in cloud.api.requests.requests if one.method != "GET"
    ]
    cloud.api.requests.requests.clear()
    return found


def snapshot(zone: AnyClient) -> dict[str, Any]:
    """All sets but the SOA, which changes with them."""
    return {
        one.id: ([(record.value, record.comment) for record in one.records], one.ttl, one.labels)
        for one in zone.get_rrset_all()
        if one.type != "SOA"
    }


def test_a_name_leads_to_its_addresses(records: Records, resolver: Resolver) -> None:
    assert records.ensure(NODE, [IP, IPV6])
    assert resolver.values(NODE) == ["10.77.0.10"]
    assert resolver.values(NODE, "AAAA") == ["2001:db8::1"]
    assert records.ensure(NODE, [OTHER_IP])
    assert resolver.values(NODE) == ["10.77.0.11"]
    assert resolver.values(NODE, "AAAA") == []
    assert records.ensure("flstr.example", [IP])
    assert resolver.values("flstr.example") == ["10.77.0.10"]
    assert records.ensure(WILDCARD, [IP])
    assert resolver.values("one.apps.flstr.example") == ["10.77.0.10"]


def test_the_second_time_nothing_is_changed(records: Records, cloud: RunningCloud, zone: AnyClient) -> None:
    writes(cloud)
    records.ensure(NODE, [IP, OTHER_IP])
    assert writes(cloud) == ["POST "]
    before = snapshot(zone)
    cloud.api.requests.requests.clear()
    assert not records.ensure(NODE, [OTHER_IP, IP])
    # The zones are known by now.
    assert [(one.method, one.path) for one in cloud.api.requests.requests] == [("GET", f"/zones/{zone.id}/rrsets")]
    assert snapshot(zone) == before
    records.ensure(NODE, [IP], ttl=120)
    assert writes(cloud) == [
        "POST /worker101/A/actions/set_records",
        "POST /worker101/A/actions/change_ttl",
    ]


def test_a_name_is_taken_away_once(records: Records, cloud: RunningCloud, zone: AnyClient, resolver: Resolver) -> None:
    before = snapshot(zone)
    records.ensure(NODE, [IP, IPV6])
    writes(cloud)
    assert records.remove(NODE)
    assert writes(cloud) == ["DELETE /worker101/A", "DELETE /worker101/AAAA"]
    assert resolver.ask(NODE).rcode() == Rcode.NXDOMAIN
    assert not records.remove(NODE)
    assert not records.remove("www.elsewhere.test")
    assert writes(cloud) == []
    assert snapshot(zone) == before


def test_what_somebody_else_made_is_never_touched(records: Records, cloud: RunningCloud, zone: AnyClient) -> None:
    zone.create_rrset(name="worker101", type="A", records=[ZoneRecord("10.77.0.10", "by hand")])
    zone.create_rrset(name="www", type="CNAME", records=[ZoneRecord("worker101")])
    zone.create_rrset(name="worker102", type="TXT", records=[ZoneRecord('"theirs"')])
    zone.create_rrset(name="worker102", type="AAAA", records=[ZoneRecord("2001:db8::9")])
    before = snapshot(zone)
    writes(cloud)
    with pytest.raises(StepFailed, match=r"^worker101\.flstr\.example: an A record of that name exists that flstr did"):
        records.ensure(NODE, [IP])
    with pytest.raises(StepFailed, match=r"^www\.flstr\.example: a CNAME record of that name exists"):
        records.ensure("www.flstr.example", [IP])
    with pytest.raises(StepFailed, match=r"^www\.flstr\.example: a CNAME record of that name exists"):
        records.add_text("www.flstr.example", "token")
    assert not records.remove(NODE)
    assert writes(cloud) == []
    records.ensure("worker102.flstr.example", [IP])
    records.remove("worker102.flstr.example")
    assert snapshot(zone) == before


def test_a_record_with_our_labels_was_handed_over(records: Records, zone: AnyClient, resolver: Resolver) -> None:
    labels = {"managed-by": "flstr", "cluster": "demo", "team": "web"}
    zone.create_rrset(name="worker101", type="A", records=[ZoneRecord("10.77.0.99")], labels=labels)
    records.ensure(NODE, [IP])
    assert resolver.values(NODE) == ["10.77.0.10"]
    assert zone.get_rrset("worker101", "A").labels == labels


def test_two_clusters_keep_out_of_each_others_way(records: Records, settings: CloudSettings) -> None:
    other = Records(settings, "other")
    records.ensure(NODE, [IP])
    with pytest.raises(StepFailed, match="its A record is of cluster demo; give the name to one cluster only"):
        other.ensure(NODE, [IP])
    assert not other.remove(NODE)
    other.ensure("worker201.flstr.example", [OTHER_IP, IPV6])
    records.ensure("flstr.example", [IP])
    assert records.ours() == {NODE: {"10.77.0.10"}, "flstr.example": {"10.77.0.10"}}
    assert other.ours() == {"worker201.flstr.example": {"10.77.0.11", "2001:db8::1"}}


def test_the_longest_zone_is_taken(cloud: RunningCloud, settings: CloudSettings, zone: AnyClient) -> None:
    inner = cloud.client.zones.create(name="apps.flstr.example", mode="primary")
    inner.action.wait_until_finished()
    Records(settings, "demo").ensure("one.apps.flstr.example", [IP])
    assert inner.zone.get_rrset("one", "A").records[0].value == "10.77.0.10"
    assert [one.id for one in zone.get_rrset_all(type=["A"])] == []


def test_a_name_of_no_zone_is_refused(records: Records) -> None:
    with pytest.raises(StepFailed) as raised:
        records.ensure("www.elsewhere.test", [IP])
    assert raised.value.sentence == (
        "www.elsewhere.test: no DNS zone of the Hetzner project holds that name; make its zone in the Hetzner console"
    )
    with pytest.raises(StepFailed, match="cannot be the name of a DNS record"):
        records.ensure("www/../x.flstr.example", [IP])


def test_a_text_is_added_and_removed_beside_others(
    records: Records, cloud: RunningCloud, zone: AnyClient, resolver: Resolver
) -> None:
    theirs = zone.create_rrset(name="_acme-challenge.apps", type="TXT", ttl=300, records=[ZoneRecord('"theirs"')])
    theirs.action.wait_until_finished()
    before = snapshot(zone)
    writes(cloud)
    assert records.add_text(CHALLENGE, "one")
    assert records.add_text(CHALLENGE, "two")
    assert not records.add_text(CHALLENGE, "one")
    assert writes(cloud) == ["POST /_acme-challenge.apps/TXT/actions/add_records"] * 2
    assert resolver.values(CHALLENGE, "TXT") == ['"one"', '"theirs"', '"two"']
    assert records.remove_text(CHALLENGE, "one")
    assert not records.remove_text(CHALLENGE, "one")
    # It says what we could have said, but we did not say it.
    assert not records.add_text(CHALLENGE, "theirs")
    assert not records.remove_text(CHALLENGE, "theirs")
    assert resolver.values(CHALLENGE, "TXT") == ['"theirs"', '"two"']
    assert records.remove_text(CHALLENGE, "two")
    assert writes(cloud) == ["POST /_acme-challenge.apps/TXT/actions/remove_records"] * 2
    assert snapshot(zone) == before


def test_the_last_text_takes_its_set_along(records: Records, resolver: Resolver) -> None:
    records.add_text(CHALLENGE, "token")
    assert resolver.ask(CHALLENGE, "TXT").answer[0].ttl == 60
    records.remove_text(CHALLENGE, "token")
    assert resolver.ask(CHALLENGE, "TXT").rcode() == Rcode.NXDOMAIN
    assert not records.remove_text("_acme-challenge.elsewhere.test", "token")


def test_old_texts_of_ours_are_taken_away_wherever_they_are_and_no_others(
    records: Records, cloud: RunningCloud, settings: CloudSettings, zone: AnyClient
) -> None:
    cloud.client.zones.create(name="elsewhere.example", mode="primary").action.wait_until_finished()
    zone.create_rrset(name="_acme-challenge.apps", type="TXT", records=[ZoneRecord('"theirs"')])
    zone.create_rrset(name="_dmarc", type="TXT", records=[ZoneRecord('"v=DMARC1"')])
    Records(settings, "other").add_text("_acme-challenge.flstr.example", "of another cluster")
    records.add_text("notes.flstr.example", "ours, and no proof")
    records.add_text("_acme-challenge.shop.flstr.example", "under way")
    before = snapshot(zone)
    for name, text in ((CHALLENGE, "one"), (CHALLENGE, "two"), ("_acme-challenge.elsewhere.example", "three")):
        records.add_text(name, text)
    keep = {"_acme-challenge.shop.flstr.example"}
    assert records.clear_texts("_acme-challenge", keep)
    assert snapshot(zone) == before
    assert not records.remove_text("_acme-challenge.elsewhere.example", "three")
    writes(cloud)
    assert not records.clear_texts("_acme-challenge", keep)
    assert writes(cloud) == []


@pytest.mark.parametrize("lost", ["POST", "DELETE"])
def test_an_answer_that_was_lost_is_made_up_for(
    records: Records, cloud: RunningCloud, resolver: Resolver, lost: str
) -> None:
    if lost == "DELETE":
        records.ensure(NODE, [IP])
    writes(cloud)
    cloud.control("POST", "/faults", {"kind": "lost_answer", "method": lost, "path": "/zones/*"})
    _ = records.ensure(NODE, [IP]) if lost == "POST" else records.remove(NODE)
    assert len(writes(cloud)) == 1
    assert resolver.values(NODE) == (["10.77.0.10"] if lost == "POST" else [])


def test_somebody_who_was_quicker_is_seen_at_the_second_look(records: Records, cloud: RunningCloud) -> None:
    taken = {"kind": "error", "code": "uniqueness_error", "method": "POST", "path": "/zones/*"}
    cloud.control("POST", "/faults", taken)
    assert records.ensure(NODE, [IP])
    assert records.ours() == {NODE: {"10.77.0.10"}}


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("token_readonly", 403, "may only read"),
        ("rate_limit_exceeded", None, "hourly requests"),
        ("service_error", 500, "the lab was told to fail"),
    ],
)
def test_a_cloud_that_refuses_is_quoted(
    records: Records, cloud: RunningCloud, code: str, status: int | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hcloud._client.time.sleep", lambda _: None)
    fault = {"kind": "error", "code": code, "status": status, "method": "POST", "path": "/zones/*", "times": 9}
    cloud.control("POST", "/faults", fault)
    with pytest.raises(StepFailed, match=rf"^worker101\.flstr\.example: setting its DNS records failed: .*{says}"):
        records.ensure(NODE, [IP])


def test_a_protected_record_says_so(records: Records, zone: AnyClient) -> None:
    records.ensure(NODE, [IP])
    zone.get_rrset("worker101", "A").change_rrset_protection(change=True).wait_until_finished()
    with pytest.raises(StepFailed, match="take the protection off in the Hetzner console"):
        records.remove(NODE)
