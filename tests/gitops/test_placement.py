"""Where instances run: spread over the workers, and where they are for as long as that is well."""

from collections import Counter
from collections.abc import Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gitops.placement import Change, Placed, Places, change, moves, places
from gitops.plan import plan
from model.registered import InstanceRecord
from tests.gitops.scene import CLUSTER_YAML, instance, manifests, registered, spec

NEW, OLD, FAILED = "aaaaaaaa", "bbbbbbbb", "cccccccc"
Instances = dict[str, InstanceRecord]


def node(number: int) -> str:
    return f"worker{number}"


def running(**on: str) -> Instances:
    """`running(i1="new 101")`: instance 1 of the new release on worker101."""
    specs = {"new": NEW, "old": OLD, "failed": FAILED}
    found: Instances = {}
    for name, words in on.items():
        what, number = words.split()
        found[f"{name[1:]}-{specs[what]}"] = instance(f"worker{number}")
    return found


def after(instances: Mapping[str, InstanceRecord], change: Change) -> Instances:
    """The instances once a change was carried out."""
    gone = {item.instance for item in change.remove} | {old.instance for old, _ in change.replace}
    new = [*(new for _, new in change.replace), *change.start]
    return {
        **{name: record for name, record in instances.items() if name not in gone},
        **{item.instance: instance(item.node) for item in new},
    }


def shortly(change: Change) -> tuple[list[str], list[str], list[str]]:
    """What is replaced, started and removed, in words."""
    return (
        [f"{old.instance[:1]} {old.node[-3:]} → {new.instance[:1]} {new.node[-3:]}" for old, new in change.replace],
        [f"{item.instance[:1]} {item.node[-3:]}" for item in change.start],
        [f"{item.instance[:1]} {item.node[-3:]}" for item in change.remove],
    )


numbers = st.integers(101, 106)
some_workers = st.sets(numbers, min_size=1).map(lambda found: sorted(map(node, found)))
# On workers, on machines that keep theirs, on lost ones; of three releases.
some_instances = st.dictionaries(
    st.integers(1, 12), st.tuples(st.integers(101, 109), st.sampled_from([NEW, OLD, FAILED])), max_size=10
).map(lambda found: {f"{number}-{spec}": instance(node(at)) for number, (at, spec) in found.items()})
some_keep = st.sets(st.integers(107, 108)).map(lambda found: frozenset(map(node, found)))
some_count = st.integers(0, 12)
some_fallback = st.sampled_from(["", NEW, OLD])


@given(some_count, some_instances, some_workers, some_keep, some_fallback)
def test_the_count_is_reached_with_one_release_under_names_of_their_own(
    count: int, there: Instances, workers: list[str], keep: frozenset[str], fallback: str
) -> None:
    found = change(count, NEW, there, workers, keep, fallback=fallback)
    new = [*(new for _, new in found.replace), *found.start]
    gone = [*(old for old, _ in found.replace), *found.remove]
    assert len(after(there, found)) == count
    assert {name.partition("-")[2] for name in after(there, found)} <= {NEW}
    assert all(item.node in workers for item in new)
    slots = [name.partition("-")[0] for name in there] + [item.instance.partition("-")[0] for item in new]
    assert len(slots) == len(set(slots))
    assert len(gone) == len(set(gone))
    assert all(there[item.instance].node == item.node for item in gone)


@given(some_count, some_instances, some_workers, some_keep)
def test_no_worker_has_two_while_another_has_none(
    count: int, there: Instances, workers: list[str], keep: frozenset[str]
) -> None:
    end = after(there, change(count, NEW, there, workers, keep))
    load = Counter(record.node for record in end.values())
    assert max(load[name] for name in workers) < 2 or min(load[name] for name in workers) > 0
    assert load.keys() <= {*workers, *keep}


@given(some_count, some_instances, some_workers, some_keep, some_fallback)
def test_what_was_changed_is_not_changed_again(
    count: int, there: Instances, workers: list[str], keep: frozenset[str], fallback: str
) -> None:
    end = after(there, change(count, NEW, there, workers, keep, fallback=fallback))
    assert change(count, NEW, end, workers, keep, fallback=fallback) == Change()


@given(some_count, some_instances, some_workers, some_keep, st.randoms())
def test_the_order_of_what_is_known_decides_nothing(
    count: int, there: Instances, workers: list[str], keep: frozenset[str], random: Random
) -> None:
    shuffled = list(there.items())
    random.shuffle(shuffled)
    others = list(workers)
    random.shuffle(others)
    assert change(count, NEW, dict(shuffled), others, keep) == change(count, NEW, there, workers, keep)


@given(some_count, some_workers)
def test_new_instances_are_spread_evenly(count: int, workers: list[str]) -> None:
    load = Counter(item.node for item in change(count, NEW, {}, workers).start)
    assert max(load[name] for name in workers) - min(load[name] for name in workers) <= 1


@given(some_instances, some_workers, some_keep, some_count)
def test_nothing_moves_further_than_it_has_to(
    there: Instances, workers: list[str], keep: frozenset[str], count: int
) -> None:
    """A running instance of the right release on a worker moves only to one that would have none otherwise."""
    found = change(count, NEW, there, workers, keep)
    moved = [(old, new) for old, new in found.replace if old.spec == NEW and old.node in workers]
    load = Counter(record.node for record in after(there, found).values())
    assert len({new.node for _, new in moved}) == len(moved)
    assert all(load[new.node] == 1 and load[old.node] >= 1 for old, new in moved)
    assert not [old for old, _ in found.replace if old.spec == NEW and old.node in keep]


@given(some_count, some_instances, some_keep)
def test_without_a_worker_what_runs_goes_on(count: int, there: Instances, keep: frozenset[str]) -> None:
    found = change(count, NEW, there, [], keep)
    assert (found.replace, found.start) == ((), ())
    assert len(found.remove) == max(0, len(there) - count)


@given(some_count, some_instances, some_workers)
def test_what_leaves_finds_a_worker_that_stays(count: int, there: Instances, workers: list[str]) -> None:
    leaving = frozenset({node(107), workers[0]})
    pairs = moves(count, NEW, there, workers, leaving)
    assert all(old.node in leaving and new.node in workers[1:] for old, new in pairs)
    on_leaving = sum(record.node in leaving for record in there.values())
    if len(there) <= count and workers[1:]:
        assert len(pairs) == on_leaving
    assert len(pairs) <= on_leaving


def test_what_is_well_stays_as_it_is() -> None:
    for there in (running(i1="new 101"), running(i1="new 101", i2="new 102"), running(i1="new 102", i5="new 101")):
        assert change(len(there), NEW, there, [node(101), node(102)]) == Change()
    uneven = running(i1="new 101", i2="new 101", i3="new 101", i4="new 102")
    assert change(4, NEW, uneven, [node(101), node(102)]) == Change()


def test_one_of_two_moves_to_a_worker_that_has_none() -> None:
    found = change(2, NEW, running(i1="new 101", i2="new 101"), [node(101), node(102)])
    assert shortly(found) == (["2 101 → 3 102"], [], [])


def test_what_runs_on_a_drained_or_dead_machine_is_replaced_on_the_emptiest_first() -> None:
    there = running(i1="new 101", i2="new 102", i3="new 103", i4="new 101")
    assert shortly(change(4, NEW, there, [node(101), node(102)])) == (["3 103 → 5 102"], [], [])


def test_what_a_lost_machine_ran_is_made_up_for_before_an_update_goes_on() -> None:
    there = running(i1="old 101", i2="old 102", i3="old 103")
    pairs, _, _ = shortly(change(3, NEW, there, [node(101), node(102)]))
    assert pairs == ["3 103 → 4 101", "1 101 → 5 101", "2 102 → 6 102"]


def test_an_update_stays_on_its_machines_and_moves_where_that_is_better() -> None:
    workers = [node(101), node(102)]
    assert shortly(change(2, NEW, running(i1="old 102", i2="old 101"), workers))[0] == [
        "1 102 → 3 102",
        "2 101 → 4 101",
    ]
    crowded = running(i1="old 101", i2="old 101", i3="old 101", i4="old 101")
    assert shortly(change(4, NEW, crowded, workers))[0] == [
        "1 101 → 5 101", "2 101 → 6 101", "3 101 → 7 102", "4 101 → 8 102"
    ]  # fmt: skip


def test_a_machine_that_waits_for_leave_keeps_what_it_runs_and_gets_nothing_new() -> None:
    keep = frozenset({node(103)})
    there = running(i1="new 101", i2="new 102", i3="new 103")
    assert change(3, NEW, there, [node(101), node(102)], keep) == Change()
    assert shortly(change(4, NEW, there, [node(101), node(102)], keep)) == ([], ["4 101"], [])
    old = running(i1="new 101", i2="new 102", i3="old 103")
    assert shortly(change(3, NEW, old, [node(101), node(102)], keep)) == (["3 103 → 4 101"], [], [])


def test_too_many_go_from_lost_machines_then_leaving_ones_then_of_failed_releases_then_from_the_fullest() -> None:
    there = running(
        i1="new 101", i2="new 102", i3="new 101", i4="old 102", i5="failed 102", i6="new 103", i7="new 104"
    )  # fmt: skip
    found = change(1, NEW, there, [node(101), node(102)], frozenset({node(103)}), fallback=OLD)
    assert shortly(found)[2] == ["7 104", "6 103", "5 102", "4 102", "3 101", "2 102"]


def test_a_release_that_is_given_up_goes_before_the_one_it_was_to_replace() -> None:
    there = running(i1="old 101", i2="old 102", i3="failed 101")
    assert shortly(change(2, OLD, there, [node(101), node(102)], fallback=OLD)) == ([], [], ["3 101"])


def test_what_the_count_no_longer_asks_for_is_not_moved_off_a_machine_that_leaves() -> None:
    there = running(i1="new 101", i2="new 103", i3="new 103")
    found = moves(2, NEW, there, [node(101), node(102)], frozenset({node(103)}))
    assert found == ((Placed(f"2-{NEW}", node(103)), Placed(f"4-{NEW}", node(102))),)
    assert moves(3, NEW, there, [], frozenset({node(103)})) == ()


def test_places_are_workers_that_are_neither_drained_nor_dead() -> None:
    def of(cluster_yaml: str = CLUSTER_YAML, dead: Mapping[str, float] | None = None, workers: int = 2) -> Places:
        tree = registered(workers=workers).model_copy(update={"dead": dict(dead or {})})
        return places(manifests(cluster_yaml).cluster, tree)

    assert of() == Places((node(101), node(102)), frozenset())
    assert of(f"drained: [worker101]\n{CLUSTER_YAML}") == Places((node(102),), frozenset())
    assert of(dead={node(102): 1.0}) == Places((node(101),), frozenset())
    assert of(workers=3) == Places((node(101), node(102)), frozenset({node(103)}))
    assert of(workers=3, dead={node(103): 1.0}) == Places((node(101), node(102)), frozenset())


def test_a_plan_moves_instances_off_a_drained_worker_at_once() -> None:
    own = spec()
    tree = registered(instances={f"1-{own}": instance("worker101"), f"2-{own}": instance("worker102")})
    plans = plan(manifests(f"drained: [worker102]\n{CLUSTER_YAML}"), tree)
    assert plans.change.title == "move influencer off worker102"
    assert [step.title for step in plans.change.steps] == [
        "build influencer@11111111 on worker101",
        f"start influencer 3-{own} on worker101",
        f"route to influencer 3-{own}",
        f"watch influencer 3-{own}",
        f"take influencer 2-{own} out of the routing",
        f"stop influencer 2-{own} on worker102",
    ]
    assert not plans.removal.steps


def test_a_dead_worker_that_no_pool_wants_is_moved_off_before_anybody_gave_leave() -> None:
    own = spec()
    there = {f"1-{own}": instance("worker101"), f"2-{own}": instance("worker103")}
    tree = registered(workers=3, instances=there)
    assert plan(manifests(), tree).change.steps == ()
    plans = plan(manifests(), tree.model_copy(update={"dead": {"worker103": 1.0}}))
    start = f"build influencer@11111111 and start influencer 3-{own} on worker102"
    assert start in [step.title for step in plans.change.steps]
    assert plans.removal.title == "destroy worker103"


def test_a_worker_that_runs_something_is_not_taken_while_the_others_may_run_nothing() -> None:
    own = spec()
    tree = registered(workers=3, instances={f"1-{own}": instance("worker103")})
    for cluster_yaml, dead in (
        (f"drained: [worker101]\n{CLUSTER_YAML}", ["worker102"]),
        (CLUSTER_YAML, ["worker101", "worker102"]),
    ):
        plans = plan(manifests(cluster_yaml), tree.model_copy(update={"dead": dict.fromkeys(dead, 1.0)}))
        assert plans.removal.steps == ()
