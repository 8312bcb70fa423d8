"""Which ingresses are taken for silent: three looks in a row, while most others answer."""

from hypothesis import given
from hypothesis import strategies as st

from gitops.reachability import Streaks, Verdict, judge, lost_sentence, watched_nodes
from tests.gitops.public import FIRST, FLOATING_IP, SECOND, THIRD, public_tree, public_yaml
from tests.gitops.scene import manifests

TWO, THREE = (FIRST, SECOND), (FIRST, SECOND, THIRD)
CLUSTER = manifests(public_yaml(FLOATING_IP)).cluster


class Watch:
    """Looks one after another, a second apart."""

    def __init__(self, nodes: tuple[str, ...] = TWO, dead: tuple[str, ...] = ()) -> None:
        self.nodes, self.dead = nodes, dead
        self.streaks, self.noted, self.now = Streaks(), set[str](), 1000.0

    def look(self, *silent: str) -> Verdict:
        answers = {node: node not in silent for node in self.nodes}
        self.streaks, verdict = judge(self.streaks, answers, self.noted, self.dead, self.now)
        self.noted = self.noted - {*verdict.back, *verdict.gone} | verdict.lost.keys()
        self.now += 1
        return verdict


def test_one_of_two_is_silent_after_three_looks_and_back_after_three_good_ones() -> None:
    watch = Watch()
    assert [watch.look(FIRST) for _ in range(4)] == [Verdict(), Verdict(), Verdict(lost={FIRST: 1000.0}), Verdict()]
    assert [watch.look() for _ in range(4)] == [Verdict(), Verdict(), Verdict(back=(FIRST,)), Verdict()]


def test_one_answer_begins_the_count_anew_and_so_does_one_silence() -> None:
    watch = Watch()
    for silent in ((FIRST,), (FIRST,), (), (FIRST,), (FIRST,)):
        assert watch.look(*silent) == Verdict()
    assert watch.look(FIRST).lost == {FIRST: 1003.0}
    for silent in ((), (), (FIRST,), (), ()):
        assert watch.look(*silent) == Verdict()
    assert watch.look().back == (FIRST,)


def test_the_only_one_and_all_at_once_are_the_networks_fault() -> None:
    for watch, silent in ((Watch((FIRST,)), (FIRST,)), (Watch(), TWO), (Watch(THREE), TWO)):
        assert [watch.look(*silent) for _ in range(5)] == [Verdict()] * 5
        assert watch.noted == set()


def test_silence_counts_from_when_most_answer_again() -> None:
    watch = Watch(THREE)
    for _ in range(5):
        watch.look(*THREE)
    assert [watch.look(FIRST) for _ in range(3)][-1].lost == {FIRST: 1005.0}


def test_those_noted_before_or_given_up_do_not_stand_for_a_fault_of_the_network() -> None:
    watch = Watch(THREE)
    for _ in range(3):
        watch.look(FIRST)
    assert [watch.look(FIRST, SECOND).lost for _ in range(3)][-1] == {SECOND: 1003.0}
    assert [watch.look(*THREE).lost for _ in range(5)] == [{}] * 5
    dead = Watch(THREE, dead=(FIRST,))
    assert [dead.look(FIRST, SECOND).lost for _ in range(3)][-1] == {SECOND: 1000.0}


def test_one_that_is_not_looked_at_any_more_is_forgotten() -> None:
    watch = Watch()
    for _ in range(3):
        watch.look(FIRST)
    watch.nodes = (SECOND,)
    assert watch.look() == Verdict(gone=(FIRST,))


@given(st.lists(st.sets(st.sampled_from(THREE)), max_size=30))
def test_whoever_is_lost_was_silent_three_times_and_somebody_answered_meanwhile(looks: list[set[str]]) -> None:
    watch, seen = Watch(THREE), list[set[str]]()
    for silent in looks:
        seen.append(silent)
        verdict = watch.look(*silent)
        for node in verdict.lost:
            assert all(node in one and len(one) < len(THREE) for one in seen[-3:])
        for node in verdict.back:
            assert all(node not in one for one in seen[-3:])
        assert len(watch.noted) < len(THREE)


def test_ingresses_are_watched_where_there_is_a_floating_ip_that_they_may_hold() -> None:
    tree = public_tree()
    assert watched_nodes(CLUSTER, tree) == TWO
    assert watched_nodes(CLUSTER, tree.model_copy(update={"routed": {SECOND: "…"}})) == (SECOND,)
    assert watched_nodes(manifests(public_yaml()).cluster, tree) == ()
    assert watched_nodes(manifests(public_yaml(f"floating_ips: {{a: {{nodes: [{FIRST}]}}}}")).cluster, tree) == (FIRST,)


def test_the_channel_hears_where_the_address_goes() -> None:
    for tree, sentence in (
        (public_tree(silent=(FIRST,)), "3 seconds; floating IP public moves to ingress017."),
        (public_tree(silent=TWO), "3 seconds; floating IP public stays, for no other may hold it."),
        (public_tree(SECOND, silent=(FIRST,)), "3 seconds."),
    ):
        said = lost_sentence(FIRST, 3.2, CLUSTER, tree)
        assert said == f"ingress016 has not answered requests for {sentence}"
