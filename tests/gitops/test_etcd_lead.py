"""etcd is led by a member whose disk is quick, and not beside the flstr that leads, so that one death costs one wait."""

import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.etcd_lead import BEHIND, Candidate, EtcdLead, is_slow, successor
from gitops.etcd_metrics import Syncs, ask_syncs, syncs_in
from gitops.store import Store
from model import keys
from tests.gitops.etcd_cluster import EtcdCluster, etcd_cluster

FIRST, SECOND, THIRD = 1, 2, 3


def member(number: int, *, slow: bool = False, written: int = 5000) -> Candidate:
    return Candidate(number, written, slow)


@pytest.mark.parametrize(
    ("own", "candidates", "wanted"),
    [
        pytest.param(SECOND, [member(1), member(2), member(3)], None, id="all is well"),
        pytest.param(FIRST, [member(1), member(2), member(3, written=5001)], THIRD, id="beside flstr"),
        pytest.param(FIRST, [member(1), member(2, slow=True), member(3, slow=True)], None, id="no other is quick"),
        pytest.param(SECOND, [member(1, slow=True), member(2, written=5001), member(3)], THIRD, id="a slow disk"),
        pytest.param(SECOND, [member(1, slow=True), member(2)], SECOND, id="a slow disk, and no third member"),
        pytest.param(SECOND, [member(1, slow=True), member(2, slow=True), member(3, slow=True)], None, id="all slow"),
        pytest.param(SECOND, [member(1, slow=True), member(3, written=5000 - BEHIND)], None, id="far behind"),
        pytest.param(SECOND, [member(2), member(3)], None, id="the leader does not answer"),
    ],
)
def test_who_should_lead(own: int, candidates: list[Candidate], wanted: int | None) -> None:
    assert successor(FIRST, own, candidates) == wanted


@given(st.integers(1, 5), st.lists(st.builds(Candidate, st.integers(1, 5), st.integers(0, 5000), st.booleans())))
def test_leadership_comes_to_rest(own: int, candidates: list[Candidate]) -> None:
    known = list({one.member_id: one for one in candidates}.values())
    leader = known[0].member_id if known else 1
    for _ in range(2):
        leader = successor(leader, own, known) or leader
    assert successor(leader, own, known) is None


def test_a_disk_is_slow_where_most_syncs_took_long() -> None:
    assert is_slow(Syncs(all=4, slow=3))
    assert not is_slow(Syncs(all=40, slow=3))
    assert not is_slow(Syncs(all=1, slow=1)), "one may have come at a bad moment"
    assert Syncs(30, 9).since(Syncs(26, 6)) == Syncs(4, 3)


@pytest.mark.parametrize("metrics", ["", "<html>", "etcd_disk_wal_fsync_duration_seconds_count many"])
def test_what_does_not_say_how_quick_a_disk_is_says_nothing(metrics: str) -> None:
    assert syncs_in(metrics) is None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    with etcd_cluster(tmp_path_factory.mktemp("etcd"), tls=True) as cluster:
        yield cluster


@pytest.fixture
def store(cluster: EtcdCluster) -> Iterator[Store]:
    """That of the controller whose own member does not lead etcd."""
    leader = cluster.members.index(cluster.leader())
    store = cluster.store(first=(leader + 1) % 3)
    yield store
    store.close()


def quick(_: str) -> Syncs:
    return Syncs(0, 0)


def with_a_slow_disk(endpoint: str) -> Callable[[str], Syncs]:
    """What the members say of their disks: one of them needs long for every sync."""
    asked = 0

    def ask(at: str) -> Syncs:
        nonlocal asked
        asked += 1
        return Syncs(10 * asked, 10 * asked if at == endpoint else 0)

    return ask


def took_long(store: Store) -> None:
    """As a call does that waits for a disk."""
    store._client._slow_at = time.monotonic()


def test_a_member_says_how_quick_its_disk_is(cluster: EtcdCluster, store: Store) -> None:
    tls = cluster.tls("root")
    before = ask_syncs(store.endpoints[0], tls)
    store.put("a", "1")
    after = ask_syncs(store.endpoints[0], tls)
    assert before is not None
    assert after is not None
    assert after.since(before).all > 0
    assert ask_syncs("https://127.0.0.1:1", tls) is None


def test_it_is_led_elsewhere_than_where_flstr_leads(cluster: EtcdCluster) -> None:
    leader = cluster.leader()
    store = cluster.store(first=cluster.members.index(leader))
    EtcdLead(store, quick).look()
    assert cluster.leader() is not leader
    store.close()


def test_where_it_is_well_it_stays(cluster: EtcdCluster, store: Store) -> None:
    leader = cluster.leader()
    took_long(store)
    EtcdLead(store, quick).look()
    assert cluster.leader() is leader
    assert not store.prefix(keys.NOTICES)


def test_a_slow_disk_leads_no_longer_than_it_takes_to_know_and_the_channel_hears_of_it(
    cluster: EtcdCluster, store: Store
) -> None:
    leader = cluster.leader()
    lead = EtcdLead(store, with_a_slow_disk(leader.endpoint))
    took_long(store)
    lead.look()
    assert cluster.leader() not in (leader, cluster.members[cluster.endpoints.index(store.endpoints[0])])
    [said] = store.prefix(keys.NOTICES).values()
    assert f"The disk of `{leader.name}` is slow" in said
