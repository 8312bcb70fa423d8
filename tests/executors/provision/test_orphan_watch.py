"""Orphans in the lab's cloud: found, told once, listed with what they cost, given back."""

import time
from decimal import Decimal

import pytest
from hcloud.locations import Location

from executors.cloud import CloudSettings
from executors.orphans import TOLD_AT_ONCE, GiveBack, OrphanCheck, OrphanWatch
from executors.prices import OrphanPrices
from executors.provision import Provision
from gitops.executor import StepContext
from gitops.operations import Operations
from gitops.orphans import GRACE_SECONDS
from gitops.registry import Registry
from lab.cloud.catalog import SERVER_TYPES
from lab.cloud.catalog_api import FLOATING_MONTHLY, VOLUME_GB_MONTHLY
from model import keys
from model.errors import StepFailed
from model.operation import Origin
from model.registered import HostRecord, Orphan
from model.steps import GiveBackOrphan, Plan, PlannedStep
from tests.executors.provision.asking import create
from tests.lab.cloud.running_cloud import TOKEN, RunningCloud

OURS = {"cluster": "small"}
FSN1 = Location(name="fsn1")


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def watch(registry: Registry, settings: CloudSettings, woken: list[str]) -> OrphanWatch:
    """A watch for which the time of grace is over."""
    return OrphanWatch(
        registry,
        Operations(registry.store),
        settings,
        lambda: woken.append("woken"),
        lambda: time.time() + GRACE_SECONDS + 5,
    )


def known(registry: Registry) -> dict[str, tuple[str, str]]:
    return {key: (orphan.kind, orphan.name) for key, orphan in registry.read().orphans.items()}


def notices(registry: Registry) -> list[str]:
    return list(registry.store.prefix(keys.NOTICES).values())


def test_everything_that_is_ours_by_label_and_nobody_knows_is_found_and_told_once(
    watch: OrphanWatch, registry: Registry, cloud: RunningCloud, woken: list[str]
) -> None:
    cloud.server("worker107", labels=OURS)
    cloud.client.floating_ips.create("ipv4", name="old", home_location=FSN1, labels=OURS)
    cloud.client.primary_ips.create("ipv4", "spare", location=FSN1, labels=OURS)
    cloud.client.volumes.create(10, "data", location=FSN1, labels=OURS)
    cloud.client.placement_groups.create("empty", "spread", labels=OURS)
    assert watch.look()
    assert sorted(known(registry).values()) == [
        ("floating_ip", "old"),
        ("placement_group", "empty"),
        ("primary_ip", "spare"),
        ("server", "worker107"),
        ("volume", "data"),
    ]
    assert woken == ["woken"]
    (told,) = notices(registry)
    assert "known to nobody" in told
    assert not watch.look()
    assert len(notices(registry)) == 1


def test_more_than_one_write_can_hold_are_all_noted_and_all_told(
    watch: OrphanWatch, registry: Registry, cloud: RunningCloud
) -> None:
    for number in range(130):
        cloud.client.volumes.create(10, f"data{number}", location=FSN1, labels=OURS)
    assert watch.look()
    assert len(known(registry)) == 130
    assert sum(text.count("volume data") for text in notices(registry)) == 130
    assert max(text.count("volume data") for text in notices(registry)) == TOLD_AT_ONCE
    cloud.client.volumes.get_by_name("data7").delete()
    assert watch.look()
    assert len(known(registry)) == 129


def test_what_bears_another_label_or_none_is_never_listed(
    watch: OrphanWatch, registry: Registry, cloud: RunningCloud
) -> None:
    cloud.server("worker107", labels={"cluster": "another"})
    cloud.server("worker108")
    assert not watch.look()
    assert known(registry) == {}


def test_a_machine_that_was_rented_in_order_is_none(
    watch: OrphanWatch, registry: Registry, provision_: Provision, context: StepContext
) -> None:
    provision_.create_node(create("worker107").model_copy(update={"spread": True}), context)
    assert not watch.look()


def test_one_whose_renting_is_under_way_is_none(watch: OrphanWatch, registry: Registry, cloud: RunningCloud) -> None:
    step = PlannedStep(id="create", title="rent worker107", step=create("worker107"))
    Operations(registry.store).create(Plan(title="add", steps=(step,), locks=("machines",)), "a", Origin())
    cloud.server("worker107", labels=OURS)
    assert not watch.look()


def test_one_that_was_made_a_moment_ago_is_none_yet(
    registry: Registry, settings: CloudSettings, cloud: RunningCloud
) -> None:
    cloud.server("worker107", labels=OURS)
    assert not OrphanWatch(registry, Operations(registry.store), settings, lambda: None).look()


def test_one_that_is_gone_is_forgotten(watch: OrphanWatch, registry: Registry, cloud: RunningCloud) -> None:
    server = cloud.server("worker107", labels=OURS)
    watch.look()
    server.delete().wait_until_finished()
    assert watch.look()
    assert known(registry) == {}


def test_where_the_cloud_does_not_answer_nothing_is_forgotten(
    watch: OrphanWatch, registry: Registry, cloud: RunningCloud
) -> None:
    cloud.server("worker107", labels=OURS)
    watch.look()
    before = known(registry)
    cloud.control("POST", "/faults", {"kind": "error", "path": "/volumes", "code": "service_error"})
    assert not watch.look()
    assert known(registry) == before


def test_each_is_listed_with_what_it_costs_a_month(watch: OrphanWatch, registry: Registry, cloud: RunningCloud) -> None:
    cloud.server("worker107", labels=OURS)
    cloud.client.floating_ips.create("ipv4", name="old", home_location=FSN1, labels=OURS)
    cloud.client.volumes.create(100, "data", location=FSN1, labels=OURS)
    watch.look()
    text = OrphanCheck(OrphanPrices(TOKEN, cloud.url))((), registry)
    monthly = next(one.price_monthly for one in SERVER_TYPES if one.name == "cx22")
    assert f"server worker107 ({next(iter(cloud.client.servers.get_all())).id}): {monthly:.2f} € a month" in text
    assert f": {FLOATING_MONTHLY['ipv4']:.2f} € a month" in text
    assert f": {VOLUME_GB_MONTHLY * 100:.2f} € a month" in text


def test_without_the_cloud_they_are_listed_without_a_price(registry: Registry) -> None:
    registry.store.put(keys.orphan("server-42"), Orphan(kind="server", id=42, name="lost", since=0).to_json())
    text = OrphanCheck(OrphanPrices(TOKEN, "http://127.0.0.1:9/v1"))((), registry)
    assert "server lost (42): the cloud does not say what it costs, seen since 1970-01-01 00:00 UTC" in text


@pytest.mark.parametrize("kind", ["server", "floating_ip", "primary_ip", "volume", "placement_group"])
def test_one_of_each_kind_is_given_back_and_forgotten_and_a_second_time_is_fine(
    kind: str, watch: OrphanWatch, registry: Registry, cloud: RunningCloud, settings: CloudSettings,
    context: StepContext,
) -> None:  # fmt: skip
    cloud.server("worker107", labels=OURS)
    cloud.client.floating_ips.create("ipv4", name="old", home_location=FSN1, labels=OURS)
    cloud.client.primary_ips.create("ipv4", "spare", location=FSN1, labels=OURS)
    cloud.client.volumes.create(10, "data", location=FSN1, labels=OURS)
    cloud.client.placement_groups.create("empty", "spread", labels=OURS)
    watch.look()
    orphan = next(one for one in registry.read().orphans.values() if one.kind == kind)
    for _ in range(2):
        GiveBack(settings).give_back(GiveBackOrphan(orphan=orphan), context)
    assert getattr(cloud.client, f"{kind}s").get_all(label_selector="cluster=small") == []
    assert len(known(registry)) == 4


def test_one_that_is_a_machine_by_now_or_lost_its_label_stays(
    registry: Registry, cloud: RunningCloud, settings: CloudSettings, context: StepContext
) -> None:
    server = cloud.server("worker107", labels=OURS)
    orphan = Orphan(kind="server", id=server.id, name="worker107", since=0)
    registry.put_host(HostRecord(node="worker107", host_key="ssh-ed25519 AAAA", server_id=server.id))
    with pytest.raises(StepFailed, match="is a machine of the cluster by now; it stays"):
        GiveBack(settings).give_back(GiveBackOrphan(orphan=orphan), context)
    registry.forget_host("worker107")
    server.update(labels={})
    GiveBack(settings).give_back(GiveBackOrphan(orphan=orphan), context)
    assert len(cloud.client.servers.get_all()) == 1


def test_a_price_is_a_decimal(cloud: RunningCloud) -> None:
    cloud.client.placement_groups.create("empty", "spread", labels=OURS)
    assert list(OrphanPrices(TOKEN, cloud.url)("small").values()) == [Decimal(0)]
