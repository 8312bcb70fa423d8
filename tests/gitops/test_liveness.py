"""Which machines are given up: those that are silent for long while most others answer."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gitops.liveness import Silence, Verdict, died_sentence, in_words, judge
from tests.gitops.scene import CLUSTER_YAML, instance, manifests, registered, spec

NODES = ("controller001", "ingress016", "worker101", "worker102")
AFTER = 120.0


class Watch:
    """Looks one after another, by a clock of its own."""

    def __init__(self, dead: Mapping[str, float] | None = None) -> None:
        self.silence = Silence()
        self.dead = dict(dead or {})

    def look(self, now: float, *silent: str, nodes: tuple[str, ...] = NODES) -> Verdict:
        answers = {node: node not in silent for node in nodes}
        self.silence, verdict = judge(self.silence, answers, self.dead, AFTER, now)
        self.dead = {node: at for node, at in self.dead.items() if node not in {*verdict.back, *verdict.gone}}
        self.dead.update(verdict.died)
        return verdict


def test_a_machine_is_given_up_once_it_was_silent_for_the_stated_time() -> None:
    watch = Watch()
    assert watch.look(1000, "worker102") == Verdict()
    assert watch.look(1119, "worker102") == Verdict()
    assert watch.look(1120, "worker102") == Verdict(died={"worker102": 1000})
    assert watch.look(1135, "worker102") == Verdict()


def test_one_answer_begins_the_count_anew() -> None:
    watch = Watch()
    watch.look(1000, "worker102")
    watch.look(1100)
    watch.look(1110, "worker102")
    assert watch.look(1220, "worker102") == Verdict()
    assert watch.look(1230, "worker102").died == {"worker102": 1110}


def test_one_look_alone_gives_nobody_up_however_short_the_stated_time() -> None:
    assert judge(Silence(), {"worker101": True, "worker102": False}, {}, 0.001, 1000)[1] == Verdict()


def test_a_machine_that_answers_again_is_back() -> None:
    watch = Watch({"worker102": 900.0})
    assert watch.look(1000, "worker102") == Verdict()
    assert watch.look(1015) == Verdict(back={"worker102": 900.0})
    assert watch.look(1030) == Verdict()


def test_a_dead_machine_that_has_left_is_forgotten_without_a_word() -> None:
    assert Watch({"worker103": 900.0}).look(1000) == Verdict(gone=("worker103",))


def test_half_of_the_machines_may_die_at_once() -> None:
    watch = Watch()
    watch.look(1000, "worker101", "worker102")
    assert set(watch.look(1120, "worker101", "worker102").died) == {"worker101", "worker102"}


def test_where_more_than_half_are_silent_nobody_is_given_up_and_it_is_said_once() -> None:
    watch = Watch()
    most = NODES[1:]
    assert watch.look(1000, *most) == Verdict()
    assert watch.look(1120, *most) == Verdict(cut_off=True)
    assert watch.look(1135, *NODES) == Verdict()
    assert watch.look(9000, *most) == Verdict()


def test_silence_counts_from_when_most_answer_again() -> None:
    watch = Watch()
    for now in (1000, 1120, 1200):
        watch.look(now, *NODES)
    assert watch.look(1215, "worker102") == Verdict()
    assert watch.look(1334, "worker102") == Verdict()
    assert watch.look(1335, "worker102").died == {"worker102": 1215}
    watch.look(2000, *NODES)
    assert watch.look(2120, *NODES).cut_off


def test_those_given_up_before_do_not_stand_for_a_fault_of_the_network() -> None:
    watch = Watch({"worker102": 900.0, "ingress016": 900.0})
    watch.look(1000, "worker102", "ingress016", "worker101")
    assert watch.look(1120, "worker102", "ingress016", "worker101").died == {"worker101": 1000}


def test_the_only_machine_is_never_given_up() -> None:
    watch = Watch()
    watch.look(1000, "worker101", nodes=("worker101",))
    assert watch.look(1120, "worker101", nodes=("worker101",)) == Verdict(cut_off=True)


@given(st.lists(st.tuples(st.integers(1, 200), st.sets(st.sampled_from(NODES))), max_size=20))
def test_whoever_is_given_up_was_silent_in_every_look_of_the_stated_time(looks: list[tuple[int, set[str]]]) -> None:
    watch, now, seen = Watch(), 0, list[tuple[float, set[str]]]()
    for passed, silent in looks:
        now += passed
        seen.append((now, silent))
        verdict = watch.look(now, *silent)
        for node, since in verdict.died.items():
            assert now - since >= AFTER
            assert all(node in without and len(without) < len(NODES) for at, without in seen if at >= since)
        assert not verdict.back.keys() & silent
        assert not watch.dead.keys() & set(watch.silence.since)
        assert watch.dead.keys() <= silent


def test_the_channel_hears_what_becomes_of_the_instances() -> None:
    cluster = manifests().cluster
    busy = registered(instances={f"1-{spec()}": instance("worker102")}).model_copy(update={"dead": {"worker102": 1.0}})
    assert died_sentence("worker102", 125, cluster, busy) == (
        "worker102 has not answered for 2 minutes; its instances are started on other machines."
    )
    assert died_sentence("ingress016", 125, cluster, busy) == "ingress016 has not answered for 2 minutes."
    others_drained = manifests(f"drained: [worker101]\n{CLUSTER_YAML}").cluster
    assert died_sentence("worker102", 125, others_drained, busy) == (
        "worker102 has not answered for 2 minutes; "
        "its instances are not started elsewhere, for no other worker may run them."
    )


def test_how_long_is_said_in_whole_units() -> None:
    assert [in_words(seconds) for seconds in (0, 1, 59.9, 60, 125, 3599, 3600, 90000)] == [
        "0 seconds", "1 second", "59 seconds", "1 minute", "2 minutes", "59 minutes", "1 hour", "25 hours"
    ]  # fmt: skip
