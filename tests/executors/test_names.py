"""Names brought to where they should lead, against the lab's cloud and its name server."""

import pytest
from hcloud.zones import ZoneRecord

from executors.names import Names, wait_out
from executors.records.records import TTL_SECONDS
from executors.records.sets import mark
from gitops import desired
from gitops.executor import Cancellation
from gitops.names import wanted_names
from gitops.plan.names import names_plans
from gitops.store import Store
from model import keys
from model.errors import Cancelled, Fenced, StepFailed
from model.registered import FloatingRecord
from model.steps import PointNames
from tests.executors.public_field import ZONES, PublicField, zone
from tests.gitops.public import DNS, FIRST, HOST, PUBLIC, SECOND
from tests.gitops.scene import public_ip
from tests.lab.cloud.running_cloud import RunningCloud
from tests.lab.dns.asking import Resolver

WORKER = "worker101.example.com"


@pytest.fixture
def field(store: Store, cloud: RunningCloud) -> PublicField:
    for name in ZONES:
        zone(cloud, name)
    return PublicField(store, cloud, DNS)


@pytest.fixture
def resolver(cloud: RunningCloud) -> Resolver:
    return Resolver(cloud.dns_port)


class Waits:
    """Remembers how long was waited, and what the names led to meanwhile."""

    def __init__(self, resolver: Resolver) -> None:
        self.seen: list[tuple[float, list[str]]] = []
        self._resolver = resolver

    def __call__(self, seconds: float, cancellation: Cancellation) -> None:
        self.seen.append((seconds, self._resolver.values(HOST)))


@pytest.fixture
def waits(resolver: Resolver) -> Waits:
    return Waits(resolver)


@pytest.fixture
def names(field: PublicField, waits: Waits) -> Names:
    return Names(field.settings, waits)


def ip(field: PublicField, node: str) -> str:
    return field.registry.read().nodes[node].ip


def plan_again(field: PublicField) -> bool:
    """Whether there would be a plan once more."""
    return bool(names_plans(field.registry.cluster(), field.registry.read()))


def test_machines_and_hosts_are_known_by_name_and_noted_as_they_are(
    field: PublicField, names: Names, resolver: Resolver, waits: Waits
) -> None:
    names.point(PointNames(), field.context)
    assert resolver.values(WORKER) == [public_ip("worker101")]
    assert sorted(resolver.values(HOST)) == sorted([ip(field, FIRST), ip(field, SECOND)])
    registered = field.registry.read()
    assert registered.names == wanted_names(field.registry.cluster(), registered)
    assert waits.seen == []
    assert not plan_again(field)


def test_the_second_time_nothing_is_asked_of_the_cloud(field: PublicField, names: Names, cloud: RunningCloud) -> None:
    names.point(PointNames(), field.context)
    cloud.api.requests.requests.clear()
    names.point(PointNames(), field.context)
    assert cloud.api.requests.requests == []


def test_what_is_registered_by_then_counts(field: PublicField, names: Names, resolver: Resolver) -> None:
    names.point(PointNames(), field.context)
    field.registry.put_floating_ip("public", FloatingRecord(ip=PUBLIC, node=FIRST))
    field.follow(DNS, "floating_ips: {public: {}}")
    field.registry.forget_node("worker101")
    names.point(PointNames(), field.context)
    assert resolver.values(HOST) == [str(PUBLIC)]
    assert resolver.values(WORKER) == []
    assert WORKER not in field.registry.read().names


def test_a_silent_ingress_goes_without_waiting(
    field: PublicField, names: Names, resolver: Resolver, waits: Waits
) -> None:
    names.point(PointNames(), field.context)
    field.store.put(keys.unreachable(FIRST), "1000.000")
    names.point(PointNames(), field.context)
    assert resolver.values(HOST) == [ip(field, SECOND)]
    assert waits.seen == []


def test_an_ingress_that_leaves_is_waited_for_until_nobody_remembers_it(
    field: PublicField, names: Names, resolver: Resolver, waits: Waits
) -> None:
    names.point(PointNames(), field.context)
    names.point(PointNames(without=(FIRST,)), field.context)
    assert waits.seen == [(TTL_SECONDS, [ip(field, SECOND)])]
    assert resolver.values(f"{FIRST}.example.com") == []
    assert field.registry.read().names[HOST] == (ip(field, SECOND),)


def bind(field: PublicField, node: str) -> None:
    """The host is to be served by one ingress alone, and every machine is told."""
    ((address, record),) = field.registry.read().ingress.items()
    field.store.write(desired.ingress_keys({address: record.model_copy(update={"nodes": (node,)})}))
    field.route_all()


def test_an_ingress_that_a_host_leaves_is_waited_for_until_nobody_remembers_it(
    field: PublicField, names: Names, resolver: Resolver, waits: Waits
) -> None:
    bind(field, FIRST)
    names.point(PointNames(), field.context)
    assert resolver.values(HOST) == [ip(field, FIRST)]
    bind(field, SECOND)
    names.point(PointNames(), field.context)
    assert waits.seen == [(TTL_SECONDS, [ip(field, SECOND)])]
    bind(field, FIRST)
    field.store.put(keys.unreachable(SECOND), "1000.000")
    names.point(PointNames(), field.context)
    assert len(waits.seen) == 1


def test_a_record_that_cannot_be_changed_holds_back_neither_the_others_nor_a_machine_that_leaves(
    field: PublicField, names: Names, resolver: Resolver, cloud: RunningCloud
) -> None:
    cloud.control("POST", "/faults", {
        "kind": "error", "code": "protected", "method": "POST", "path": "/zones/*/rrsets", "times": 1,
    })  # fmt: skip
    with pytest.raises(StepFailed, match=r"^influencer.flstr.lab: setting its DNS records failed"):
        names.point(PointNames(), field.context)
    assert resolver.values(WORKER) == [public_ip("worker101")]
    assert resolver.values(HOST) == []
    cloud.control("POST", "/faults", {
        "kind": "error", "code": "protected", "method": "POST", "path": "/zones/*/rrsets", "times": 99,
    })  # fmt: skip
    names.point(PointNames(without=("worker101",)), field.context)
    assert resolver.values(WORKER) == []


def test_whoever_leads_nobody_leaves_at_once(field: PublicField, names: Names, waits: Waits) -> None:
    names.point(PointNames(), field.context)
    names.point(PointNames(without=("worker101",)), field.context)
    assert waits.seen == []
    assert WORKER not in field.registry.read().names


def test_a_controller_that_was_killed_while_it_waited_waits_again(
    field: PublicField, names: Names, waits: Waits
) -> None:
    def killed(seconds: float, cancellation: Cancellation) -> None:
        raise KeyboardInterrupt

    names.point(PointNames(), field.context)
    leave = PointNames(without=(FIRST,))
    with pytest.raises(KeyboardInterrupt):
        Names(field.settings, killed).point(leave, field.context)
    names.point(leave, field.context)
    assert len(waits.seen) == 1
    names.point(leave, field.context)
    assert len(waits.seen) == 1


def test_a_wait_that_nobody_wants_ends() -> None:
    cancellation = Cancellation()
    cancellation.cancel("a newer one")
    with pytest.raises(Cancelled):
        wait_out(60.0, cancellation)
    wait_out(0.001, Cancellation())


def test_without_dns_in_the_manifest_all_that_flstr_made_goes(
    field: PublicField, names: Names, resolver: Resolver
) -> None:
    names.point(PointNames(), field.context)
    field.follow("")
    names.point(PointNames(), field.context)
    assert resolver.values(HOST) == resolver.values(WORKER) == []
    assert field.registry.read().names == {}


def test_a_record_that_somebody_else_made_is_told_and_left_and_planned_no_more(
    field: PublicField, names: Names, cloud: RunningCloud, resolver: Resolver
) -> None:
    foreign = cloud.client.zones.get("flstr.lab")
    rrset = foreign.create_rrset(name="influencer", type="A", records=[ZoneRecord("192.0.2.1")]).rrset
    names.point(PointNames(), field.context)
    assert resolver.values(HOST) == ["192.0.2.1"]
    assert resolver.values(WORKER) == [public_ip("worker101")]
    (told,) = field.told
    assert told.startswith(f"{HOST}: an A record of that name exists that flstr did not make; delete it")
    assert not plan_again(field)
    assert field.registry.read().left_names.keys() == {HOST}
    # Handed over, as `/flstr sync` finds out.
    foreign.update_rrset(rrset, labels=mark("flstr-lab"))
    field.store.delete(keys.dns_name(HOST))
    names.point(PointNames(), field.context)
    assert sorted(resolver.values(HOST)) == sorted([ip(field, FIRST), ip(field, SECOND)])
    assert field.registry.read().left_names == {}


def test_a_name_that_no_zone_holds_is_told_and_left(field: PublicField, names: Names, cloud: RunningCloud) -> None:
    cloud.client.zones.get("example.com").delete().action.wait_until_finished()
    names.point(PointNames(), field.context)
    assert len(field.told) == 3
    assert "worker101.example.com: no DNS zone of the Hetzner project holds that name; make its zone" in field.told[-1]
    assert all(told.endswith("; until then it is left as it is") for told in field.told)
    assert not plan_again(field)


def test_of_many_names_that_are_left_a_few_are_told(field: PublicField, names: Names, cloud: RunningCloud) -> None:
    for name in ZONES:
        cloud.client.zones.get(name).delete().action.wait_until_finished()
    field.store.put(keys.node("worker102"), field.store.get(keys.node("worker101")) or "")
    names.point(PointNames(), field.context)
    assert len(field.told) == 4
    assert field.told[-1] == "2 more names are left as they are; `/flstr status` lists them"


def test_a_cloud_that_fails_is_one_sentence_and_what_was_done_is_noted(
    field: PublicField, names: Names, cloud: RunningCloud, resolver: Resolver
) -> None:
    fault = {"kind": "error", "code": "forbidden", "method": "POST", "path": "/zones/*/rrsets", "times": 99}
    cloud.control("POST", "/faults", fault)
    with pytest.raises(
        StepFailed, match=r"^influencer.flstr.lab: setting its DNS records failed: the Hetzner API token"
    ):
        names.point(PointNames(), field.context)
    assert plan_again(field)
    cloud.control("DELETE", "/faults")
    names.point(PointNames(), field.context)
    assert not plan_again(field)


def test_whoever_was_overtaken_changes_no_name(field: PublicField, names: Names, resolver: Resolver) -> None:
    field.overtake()
    with pytest.raises(Fenced):
        names.point(PointNames(), field.context)
    assert resolver.values(HOST) == []
