"""etcd is led by a member whose disk is quick, and not beside the flstr that leads, so that one death costs one wait."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.etcd_lead import BEHIND, Candidate, EtcdLead, is_slow, successor
from gitops.etcd_metrics import Syncs, ask_syncs, syncs_in
from gitops.store import Standing, Store
from model import keys
from model.errors import Refused
from tests.bot.room import eventually
from tests.gitops.etcd_cluster import EtcdCluster, EtcdMember, etcd_cluster

# What never happens is a fault; how soon it does says nothing on a busy machine.
HEARD_SECONDS = 60.0
QUICK, SLOW = Syncs(all=40, slow=1), Syncs(all=4, slow=4)


def member(number: int, syncs: Syncs | None = QUICK, *, beside: bool = False, written: int = 5000) -> Candidate:
    return Candidate(number, written, syncs, beside)


@pytest.mark.parametrize(
    ("candidates", "wanted"),
    [
        pytest.param([member(1), member(2), member(3, beside=True)], None, id="all is well"),
        pytest.param([member(1, None), member(2, None), member(3, None)], None, id="nothing is known"),
        pytest.param([member(1, beside=True), member(2), member(3, written=5001)], 3, id="beside flstr"),
        pytest.param([member(1, None, beside=True), member(2, None)], 2, id="beside flstr, and nobody writes"),
        pytest.param([member(1, beside=True), member(2, SLOW), member(3, SLOW)], None, id="no other is quick"),
        pytest.param([member(1, SLOW), member(2, beside=True, written=5001), member(3)], 3, id="a slow disk"),
        pytest.param([member(1, SLOW), member(2, beside=True)], 2, id="a slow disk, and no third member"),
        pytest.param([member(1, SLOW, beside=True), member(2, SLOW), member(3, SLOW)], None, id="all are slow"),
        pytest.param([member(1, SLOW), member(2, None)], None, id="nobody knows whether the other is quicker"),
        pytest.param([member(1, SLOW), member(3, written=5000 - BEHIND)], None, id="the other is far behind"),
        pytest.param([member(2), member(3, beside=True)], None, id="one's own does not answer"),
    ],
)
def test_who_should_lead_in_the_place_of_the_first(candidates: list[Candidate], wanted: int | None) -> None:
    assert successor(1, candidates) == wanted


@given(st.permutations([QUICK, QUICK, SLOW]), st.integers(0, 2), st.integers(0, 2))
def test_leadership_comes_to_rest(disks: list[Syncs], flstr: int, leader: int) -> None:
    """One disk is slow, as happens; whoever leads etcd sees to it that somebody else does."""
    known = [member(number, syncs, beside=number == flstr) for number, syncs in enumerate(disks)]
    for _ in range(2):
        there = successor(leader, known)
        leader = leader if there is None else there
    assert disks[leader] is QUICK
    assert successor(leader, known) is None


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
    """That of the controller whose own member leads etcd."""
    store = cluster.store(first=cluster.members.index(cluster.leader()))
    store.put(keys.LEADER, "another")
    store.delete_prefix(keys.NOTICES)
    ask = store.standings

    def all_of_them() -> tuple[Standing, ...]:
        """None is left out because it answered late."""
        deadline = time.monotonic() + HEARD_SECONDS
        while len(standings := ask()) < len(cluster.members):
            assert time.monotonic() < deadline, "a member does not answer"
        return standings

    with patch.object(store, "standings", all_of_them):
        yield store
    store.close()


def own(store: Store, cluster: EtcdCluster) -> EtcdMember:
    """The member beside the controller of a store."""
    return next(one for one in cluster.members if one.endpoint == store.endpoints[0])


def yes() -> bool:
    return True


def no() -> bool:
    return False


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
    before = eventually(lambda: ask_syncs(store.endpoints[0], tls))
    store.put("a", "1")

    def wrote() -> bool:
        """It may be the last one to do so, and asked while it does."""
        after = ask_syncs(store.endpoints[0], tls)
        return after is not None and after.since(before).all > 0

    eventually(wrote)
    assert ask_syncs("https://127.0.0.1:1", tls) is None


def test_it_is_led_elsewhere_than_where_flstr_leads(cluster: EtcdCluster, store: Store) -> None:
    beside = own(store, cluster)
    store.put(keys.LEADER, beside.name)
    lead = EtcdLead(store, quick, yes, itertools.count(0.0, 60.0).__next__)

    def led_elsewhere() -> bool:
        with suppress(Refused):
            lead.look()
        return cluster.leader() is not beside

    eventually(led_elsewhere)
    assert not store.prefix(keys.NOTICES)


def test_where_it_is_well_it_stays(store: Store) -> None:
    took_long(store)
    # The members may choose another leader by themselves.
    with patch.object(store, "hand_on") as handed_on:
        EtcdLead(store, quick, no).look()
    assert not handed_on.called


def test_a_slow_disk_leads_no_longer_than_it_takes_to_know_and_the_channel_hears_of_it(
    cluster: EtcdCluster, store: Store
) -> None:
    """Nobody has to lead flstr for that: where etcd is slow, that may take long."""
    slow = own(store, cluster)
    other, third = (one for one in cluster.members if one is not slow)
    store.put(keys.LEADER, other.name)
    lead = EtcdLead(store, with_a_slow_disk(slow.endpoint), no)

    def said() -> list[str]:
        took_long(store)
        with suppress(Refused):
            lead.look()
        return [*store.prefix(keys.NOTICES).values()]

    [notice] = eventually(said)
    assert f"The disk of `{slow.name}` is slow; etcd is led by `{third.name}` now." in notice


def test_a_member_that_does_not_lead_is_left_to_whoever_does(cluster: EtcdCluster) -> None:
    leader = cluster.leader()
    store = cluster.store(first=(cluster.members.index(leader) + 1) % 3)
    took_long(store)
    with patch.object(store, "hand_on") as handed_on:
        EtcdLead(store, with_a_slow_disk(leader.endpoint), yes).look()
    assert not handed_on.called
    store.close()
