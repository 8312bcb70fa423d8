"""Floating IPs found, rented and moved, against the lab's cloud."""

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Literal

import pytest
from hcloud.floating_ips import BoundFloatingIP
from hcloud.locations import Location

from executors.cloud import CloudSettings
from executors.floating_ips import FloatingIps
from model.errors import StepFailed
from tests.lab.cloud.running_cloud import TOKEN, AnyClient, RunningCloud

FSN1 = Location(name="fsn1")
OURS = {"cluster": "small"}


@pytest.fixture
def servers(cloud: RunningCloud) -> dict[str, AnyClient]:
    """Two ingresses, and one of another cluster."""
    clusters = {"ingress016": "small", "ingress017": "small", "ingress018": "other"}
    return {node: cloud.server(node, labels={"cluster": cluster}) for node, cluster in clusters.items()}


@pytest.fixture
def ips(cloud: RunningCloud) -> FloatingIps:
    return FloatingIps(CloudSettings(TOKEN, "ssh-ed25519 AAAA", cloud.url), "small")


def writes(cloud: RunningCloud) -> list[str]:
    """The requests that were to change something, since this was asked last."""
    found = [f"{one.method} {one.path}" for one in cloud.api.requests.requests if one.method != "GET"]
    cloud.api.requests.requests.clear()
    return found


def test_a_floating_ip_is_rented_once(cloud: RunningCloud, ips: FloatingIps) -> None:
    rented = ips.ensure("entry", "fsn1")
    assert (rented.name, rented.server_id) == ("entry", None)
    assert ips.ensure("entry", "fsn1") == rented
    assert writes(cloud) == ["POST /floating_ips"]
    assert cloud.client.floating_ips.get_by_name("entry").labels == OURS


def test_one_that_was_made_in_the_console_is_adopted_by_its_label(cloud: RunningCloud, ips: FloatingIps) -> None:
    made = cloud.client.floating_ips.create("ipv4", home_location=FSN1, name="entry", labels=OURS).floating_ip
    writes(cloud)
    assert ips.ensure("entry", "fsn1").ip == IPv4Address(made.ip)
    assert writes(cloud) == []


def test_it_goes_to_a_nodes_server_and_the_second_time_nothing_is_changed(
    cloud: RunningCloud, ips: FloatingIps, servers: dict[str, AnyClient]
) -> None:
    entry = ips.ensure("entry", "fsn1")
    floating_id = cloud.client.floating_ips.get_by_name("entry").id
    writes(cloud)
    for node in ("ingress016", "ingress016", "ingress017"):
        assert ips.assign("entry", node).server_id == servers[node].id
        assert cloud.backend.routes == {str(entry.ip): servers[node].public_net.ipv4.ip}
    assert writes(cloud) == [f"POST /floating_ips/{floating_id}/actions/assign"] * 2


def test_the_cloud_is_asked_where_it_leads_to(
    cloud: RunningCloud, ips: FloatingIps, servers: dict[str, AnyClient]
) -> None:
    nowhere = IPv4Address("10.78.0.99")
    assert ips.leads_to("entry", nowhere) is None
    entry = ips.ensure("entry", "fsn1")
    assert ips.leads_to("entry", entry.ip) is None
    ips.assign("entry", "ingress017")
    writes(cloud)
    assert ips.leads_to("entry", entry.ip) == "ingress017"
    # It was made anew in the console.
    assert ips.leads_to("entry", nowhere) is None
    assert writes(cloud) == []


def test_a_move_that_nobody_waited_for_is_waited_for(
    cloud: RunningCloud, ips: FloatingIps, servers: dict[str, AnyClient]
) -> None:
    entry = ips.ensure("entry", "fsn1")
    ips.assign("entry", "ingress016")
    cloud.api.project.settings = replace(cloud.api.project.settings, move_seconds=1.0)
    cloud.client.floating_ips.get_by_name("entry").assign(servers["ingress017"])
    assert ips.leads_to("entry", entry.ip) == "ingress017"
    away = cloud.client.floating_ips.get_by_name("entry").assign(servers["ingress016"])
    # Until that is done, it leads to the other still.
    assert ips.assign("entry", "ingress017").server_id == servers["ingress017"].id
    away.wait_until_finished()
    assert cloud.backend.routes == {str(entry.ip): servers["ingress017"].public_net.ipv4.ip}


def test_a_move_that_ends_just_after_the_address_was_read_is_seen(
    cloud: RunningCloud, ips: FloatingIps, servers: dict[str, AnyClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ips.ensure("entry", "fsn1")
    ips.assign("entry", "ingress016")
    asked = BoundFloatingIP.get_actions

    def end_first(found: BoundFloatingIP, status: list[Literal["running", "success", "error"]]) -> object:
        cloud.client.floating_ips.get_by_name("entry").assign(servers["ingress017"]).wait_until_finished()
        return asked(found, status=status)

    monkeypatch.setattr(BoundFloatingIP, "get_actions", end_first)
    assert ips.leads_to("entry", entry.ip) == "ingress017"


def test_what_is_not_the_clusters_is_not_moved(
    cloud: RunningCloud, ips: FloatingIps, servers: dict[str, AnyClient]
) -> None:
    cloud.client.floating_ips.create("ipv4", home_location=FSN1, name="theirs")
    cloud.client.floating_ips.create("ipv6", home_location=FSN1, name="six", labels=OURS)
    ips.ensure("entry", "fsn1")
    writes(cloud)
    for name, node, sentence in (
        (
            "theirs",
            "ingress016",
            "theirs: a floating IP of that name exists that is not cluster small's; give it the label",
        ),
        ("six", "ingress016", "six: the floating IP is not IPv4"),
        ("missing", "ingress016", "missing: there is no floating IP of that name; make it in the Hetzner console"),
        ("entry", "ingress018", "ingress018: a server of that name exists that is not cluster small's"),
        ("entry", "ingress099", "ingress099: it has no server that floating IP entry could go to"),
    ):
        with pytest.raises(StepFailed) as raised:
            ips.assign(name, node)
        assert raised.value.sentence.startswith(sentence)
    with pytest.raises(StepFailed, match=r"^theirs: a floating IP of that name exists"):
        ips.ensure("theirs", "fsn1")
    assert writes(cloud) == []


def test_it_is_given_back_once_and_what_is_somebody_elses_is_not(cloud: RunningCloud, ips: FloatingIps) -> None:
    cloud.client.floating_ips.create("ipv4", home_location=FSN1, name="theirs")
    ips.ensure("entry", "fsn1")
    assert ips.give_back("entry")
    assert not ips.give_back("entry")
    with pytest.raises(StepFailed, match=r"^theirs: a floating IP of that name exists that is not cluster small's"):
        ips.give_back("theirs")
    assert [one.name for one in cloud.client.floating_ips.get_all()] == ["theirs"]


def test_a_lost_answer_rents_no_second_one(cloud: RunningCloud, ips: FloatingIps) -> None:
    cloud.control("POST", "/faults", {"kind": "lost_answer", "method": "POST", "path": "/floating_ips"})
    ips.ensure("entry", "fsn1")
    assert len(cloud.client.floating_ips.get_all()) == 1


def test_one_that_is_just_moving_is_waited_for(
    cloud: RunningCloud, ips: FloatingIps, servers: dict[str, AnyClient]
) -> None:
    ips.ensure("entry", "fsn1")
    locked = {"kind": "error", "code": "locked", "method": "POST", "path": "/floating_ips/*", "times": 2}
    cloud.control("POST", "/faults", locked)
    assert ips.assign("entry", "ingress016").server_id == servers["ingress016"].id


def test_a_move_that_the_cloud_does_not_carry_out_fails(
    cloud: RunningCloud, ips: FloatingIps, servers: dict[str, AnyClient]
) -> None:
    ips.ensure("entry", "fsn1")
    cloud.control("POST", "/action_faults", {"command": "assign_floating_ip"})
    with pytest.raises(StepFailed, match=r"^entry: moving the floating IP to ingress016 failed: "):
        ips.assign("entry", "ingress016")
    assert ips.assign("entry", "ingress016").server_id == servers["ingress016"].id
