"""Which machines are NotReady and which are given up: those that are silent for long while most others live."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gitops.liveness import (
    COUNTED_SECONDS,
    OFTEN,
    CutOff,
    Limits,
    Noted,
    Silence,
    Verdict,
    cut_off_sentence,
    died_sentence,
    in_words,
    judge,
    not_ready_sentence,
)
from tests.gitops.scene import CLUSTER_YAML, instance, manifests, registered, spec

NODES = ("controller001", "ingress016", "worker101", "worker102", "worker103")
NOT_READY_AFTER, DEAD_AFTER = 30.0, 120.0
LIMITS = Limits(NOT_READY_AFTER, DEAD_AFTER, silent_share=50)


class Watch:
    """Looks one after another, by a clock of its own; what follows from each is noted."""

    def __init__(
        self,
        dead: Mapping[str, float] | None = None,
        not_ready: Mapping[str, float] | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.silence = Silence()
        self.dead, self.not_ready = dict(dead or {}), dict(not_ready or {})
        self.limits = limits

    def look(self, now: float, *silent: str, nodes: tuple[str, ...] = NODES) -> Verdict:
        lives = {node: node not in silent for node in nodes}
        self.silence, verdict = judge(self.silence, lives, Noted(self.not_ready, self.dead), self.limits, now)
        over = {*verdict.back, *verdict.gone}
        self.dead = {node: at for node, at in {**self.dead, **verdict.died}.items() if node not in over}
        not_ready = {**self.not_ready, **verdict.not_ready, **verdict.died}
        self.not_ready = {node: at for node, at in not_ready.items() if node not in over}
        return verdict


def test_a_silent_machine_is_not_ready_after_the_one_time_and_given_up_after_the_other() -> None:
    watch = Watch()
    assert watch.look(1000, "worker102") == watch.look(1029, "worker102") == Verdict()
    assert watch.look(1030, "worker102") == Verdict(not_ready={"worker102": 1000})
    assert watch.look(1119, "worker102") == Verdict()
    assert watch.look(1120, "worker102") == Verdict(died={"worker102": 1000})
    assert watch.look(1135, "worker102") == Verdict()
    assert watch.not_ready == watch.dead == {"worker102": 1000}


def test_one_that_is_given_up_before_it_would_be_not_ready_is_given_up() -> None:
    watch = Watch(limits=Limits(30.0, 10.0, 50))
    watch.look(1000, "worker102")
    assert watch.look(1009, "worker102") == Verdict()
    assert watch.look(1010, "worker102") == Verdict(died={"worker102": 1000})


def test_one_sign_of_life_begins_the_count_anew() -> None:
    watch = Watch()
    watch.look(1000, "worker102")
    watch.look(1020)
    watch.look(1025, "worker102")
    assert watch.look(1054, "worker102") == Verdict()
    assert watch.look(1055, "worker102").not_ready == {"worker102": 1025}


def test_one_look_alone_judges_nobody_however_short_the_stated_times() -> None:
    lives = dict.fromkeys(NODES, True) | {"worker102": False}
    assert judge(Silence(), lives, Noted(), Limits(0.001, 0.001, 50), 1000)[1] == Verdict()


def test_a_machine_that_lives_again_is_back_at_once() -> None:
    watch = Watch(not_ready={"worker102": 900.0}, dead={"worker103": 800.0})
    assert watch.look(1000, "worker102", "worker103") == Verdict()
    assert watch.look(1015) == Verdict(back={"worker102": 900.0, "worker103": 800.0})
    assert watch.look(1030) == Verdict()


def test_a_silent_machine_that_has_left_is_forgotten_without_a_word() -> None:
    watch = Watch(dead={"worker104": 900.0}, not_ready={"worker105": 900.0})
    assert watch.look(1000) == Verdict(gone=("worker104", "worker105"))


def test_a_new_leader_gives_up_nobody_until_it_has_looked_for_the_shorter_time() -> None:
    watch = Watch(not_ready={"worker102": 100.0})
    assert watch.look(1000, "worker102") == watch.look(1029, "worker102") == Verdict()
    assert watch.look(1030, "worker102") == Verdict(died={"worker102": 100.0})


def test_neither_does_one_that_could_not_look_for_a_while() -> None:
    watch = Watch()
    watch.look(1000, "worker102")
    watch.look(1030, "worker102")
    watch.silence = watch.silence.interrupted()
    assert watch.look(1120, "worker102", "worker101") == watch.look(1149, "worker102", "worker101") == Verdict()
    assert watch.look(1150, "worker102", "worker101") == Verdict(
        died={"worker102": 1000}, not_ready={"worker101": 1120}
    )


def test_less_than_the_stated_share_may_be_silent_at_once() -> None:
    watch = Watch()
    watch.look(1000, "worker101", "worker102")
    assert set(watch.look(1030, "worker101", "worker102").not_ready) == {"worker101", "worker102"}
    assert set(watch.look(1120, "worker101", "worker102").died) == {"worker101", "worker102"}


def test_where_half_is_silent_at_once_nothing_follows_and_it_is_said_once() -> None:
    watch, four = Watch(), NODES[1:]
    for now in (1000, 1029):
        assert watch.look(now, "worker101", "worker102", nodes=four) == Verdict()
    assert watch.look(1030, "worker101", "worker102", nodes=four) == Verdict(cut_off=CutOff(2, 4))
    for now in (1045, 1120, 9000):
        assert watch.look(now, "worker101", "worker102", nodes=four) == Verdict()


def test_the_share_is_the_manifests() -> None:
    for share, judged in ((41, 2), (40, 0), (100, 2), (1, 0)):
        watch = Watch(limits=Limits(NOT_READY_AFTER, DEAD_AFTER, share))
        watch.look(1000, "worker101", "worker102")
        assert len(watch.look(1030, "worker101", "worker102").not_ready) == judged


def test_one_that_is_not_ready_counts_among_the_silent() -> None:
    watch = Watch()
    watch.look(1000, "worker101", "worker102")
    watch.look(1030, "worker101", "worker102")
    assert watch.look(1060, "worker101", "worker102", "worker103") == Verdict()
    assert watch.look(1120, "worker101", "worker102", "worker103") == Verdict(cut_off=CutOff(3, 5))
    assert set(watch.not_ready) == {"worker101", "worker102"}


def test_silence_counts_from_when_the_network_is_whole_again() -> None:
    watch = Watch()
    watch.look(1000, "worker102")
    watch.look(1030, "worker102")
    for now in (1035, 1065, 1200):
        watch.look(now, *NODES)
    assert watch.look(1215, "worker101", "worker102") == watch.look(1229, "worker101", "worker102") == Verdict()
    assert watch.look(1230, "worker101", "worker102") == Verdict(died={"worker102": 1000})
    assert watch.look(1245, "worker101", "worker102") == Verdict(not_ready={"worker101": 1215})


def test_a_network_that_comes_and_goes_is_told_of_every_ten_minutes_at_most() -> None:
    watch, told = Watch(), 0
    for spell in range(60):
        begin = 1000 + spell * 60
        told += sum(watch.look(now, *NODES).cut_off is not None for now in (begin, begin + 30, begin + 45))
        watch.look(begin + 50)
    assert told == 6


SIX = (*NODES, "worker104")


def test_machines_that_die_one_after_the_other_are_together_less_than_the_share() -> None:
    watch = Watch()
    for now in (1000, 1030, 1120):
        watch.look(now, "worker101", "worker102", nodes=SIX)
    assert set(watch.dead) == {"worker101", "worker102"}
    three = ("worker101", "worker102", "worker103")
    assert watch.look(1135, *three, nodes=SIX) == Verdict()
    assert watch.look(1165, *three, nodes=SIX) == Verdict(cut_off=CutOff(3, 6, given_up=2))
    assert watch.look(1300, *three, nodes=SIX) == Verdict()


def test_where_nobody_else_is_silent_those_given_up_lately_are_no_network() -> None:
    watch = Watch({"worker101": 1000.0, "worker102": 1000.0})
    for now in (1200, 1230, 1300):
        assert watch.look(now, "worker101", "worker102", nodes=NODES[1:4]) == Verdict()


def test_an_hour_after_they_were_given_up_they_do_not_stand_for_a_fault_of_the_network() -> None:
    watch, three = Watch(), ("worker101", "worker102", "worker103")
    for now in (1000, 1030, 1120):
        watch.look(now, "worker101", "worker102", nodes=SIX)
    hour_over = 1120 + int(COUNTED_SECONDS)
    assert watch.look(hour_over - 1, *three, nodes=SIX) == watch.look(hour_over, *three, nodes=SIX) == Verdict()
    assert watch.look(hour_over + 30, *three, nodes=SIX) == Verdict(not_ready={"worker103": hour_over})


def test_the_hour_is_from_when_they_were_given_up_however_long_they_had_been_silent_by_then() -> None:
    watch, three = Watch(not_ready={"worker101": 1000.0, "worker102": 1000.0}), ("worker101", "worker102", "worker103")
    watch.look(9000, "worker101", "worker102", nodes=SIX)
    assert set(watch.look(9030, "worker101", "worker102", nodes=SIX).died) == {"worker101", "worker102"}
    watch.silence = watch.silence.interrupted()
    watch.look(9045, *three, nodes=SIX)
    assert watch.look(9075, *three, nodes=SIX) == Verdict(cut_off=CutOff(3, 6, given_up=2))


def test_a_new_leader_takes_others_to_have_been_given_up_once_they_were_silent_for_the_stated_time() -> None:
    for silent_since, told in ((100.0, Verdict(cut_off=CutOff(3, 5, given_up=2))), (-2000.0, None)):
        watch = Watch({"worker102": silent_since, "worker103": silent_since})
        watch.look(2000, "worker102", "worker103", "worker101")
        verdict = watch.look(2030, "worker102", "worker103", "worker101")
        assert verdict == (told or Verdict(not_ready={"worker101": 2000}))


def test_one_that_was_given_up_and_lives_counts_among_those_that_live() -> None:
    watch = Watch({"worker103": 1000.0}, not_ready={"worker101": 1500.0})
    watch.look(2000, "worker101", "worker103", nodes=NODES[2:])
    verdict = watch.look(2030, "worker101", nodes=NODES[2:])
    assert verdict.back == {"worker103": 1000.0}
    assert verdict.cut_off is None
    assert watch.silence.all_since is None


def test_the_only_machine_is_never_given_up() -> None:
    watch = Watch()
    watch.look(1000, "worker101", nodes=("worker101",))
    assert watch.look(1120, "worker101", nodes=("worker101",)) == Verdict(cut_off=CutOff(1, 1))


def test_a_machine_that_comes_and_goes_is_told_of_a_few_times_an_hour() -> None:
    watch, verdicts = Watch(), list[Verdict]()
    for spell in range(40):
        begin = 1000 + spell * 60
        verdicts += [watch.look(now, "worker102") for now in (begin, begin + 30)]
        verdicts.append(watch.look(begin + 40))
    changes = [verdict for verdict in verdicts if verdict.not_ready or verdict.back]
    assert len(changes) == 80
    assert sum(not verdict.quiet for verdict in changes) == 2 * OFTEN
    assert [bool(verdict.last_told) for verdict in changes].index(True) == 2 * OFTEN - 2
    watch.look(9000, "worker102")
    assert watch.look(9030, "worker102").quiet == frozenset()


LOOKS = st.lists(st.tuples(st.integers(1, 200) | st.just(1800), st.sets(st.sampled_from(NODES))), max_size=20)


@given(LOOKS, st.integers(1, 100), st.sampled_from([(30.0, 120.0), (30.0, 10.0), (30.0, 30.0)]))
def test_whatever_goes_silent_the_share_and_the_order_of_the_times_hold(
    looks: list[tuple[int, set[str]]], share: int, times: tuple[float, float]
) -> None:
    watch, now, seen = Watch(limits=Limits(*times, share)), 0, list[tuple[float, set[str]]]()
    given_up: dict[str, float] = {}
    for passed, silent in looks:
        now += passed
        seen.append((now, silent))
        given_up = {node: at for node, at in given_up.items() if node in silent}
        watched = {node for node in NODES if now - given_up.get(node, now) < COUNTED_SECONDS}
        verdict = watch.look(now, *silent)
        given_up |= dict.fromkeys(verdict.died, now)
        if verdict.not_ready or verdict.died:
            assert 100 * len(silent & watched) < share * len(watched)
        for node, since in {**verdict.not_ready, **verdict.died}.items():
            assert now - since >= (times[1] if node in verdict.died else min(times))
            assert all(node in without for at, without in seen if at >= since)
        # Back at once; whoever is given up is NotReady as well.
        assert watch.dead.keys() <= watch.not_ready.keys() <= silent
        assert not watch.not_ready.keys() & set(watch.silence.since)


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


def test_the_channel_hears_what_becomes_of_the_traffic() -> None:
    two = {f"1-{spec()}": instance("worker101"), f"2-{spec()}": instance("worker102")}
    tree = registered(instances=two).model_copy(update={"not_ready": {"worker102": 1.0}})
    assert not_ready_sentence("worker102", 31, tree, answers=False) == (
        "worker102 is NotReady: it has not answered for 31 seconds; its instances get no traffic."
    )
    assert not_ready_sentence("worker102", 31, tree, answers=True) == (
        "worker102 is NotReady: it answers SSH, but has not registered itself for 31 seconds "
        "(`systemctl status flstr-node.service` there says why); its instances get no traffic."
    )
    both = tree.model_copy(update={"not_ready": {"worker101": 1.0, "worker102": 1.0}})
    assert not_ready_sentence("worker102", 31, both, answers=False) == (
        "worker102 is NotReady: it has not answered for 31 seconds; "
        "its instances get no traffic, but those of influencer, which has no others."
    )
    assert not_ready_sentence("ingress016", 31, tree, answers=False) == (
        "ingress016 is NotReady: it has not answered for 31 seconds."
    )
    assert cut_off_sentence(CutOff(2, 4)) == (
        "2 of 4 machines do not answer at once, so it is the network, or flstr's own: "
        "nothing is taken out of the routing or moved because of that."
    )
    assert cut_off_sentence(CutOff(3, 6, given_up=2)) == (
        "3 of 6 machines do not answer at once (2 given up within the last hour), so it is the network, or flstr's own: "
        "nothing more is taken out of the routing or moved because of that."
    )


def test_how_long_is_said_in_whole_units() -> None:
    assert [in_words(seconds) for seconds in (0, 1, 59.9, 60, 125, 3599, 3600, 90000)] == [
        "0 seconds", "1 second", "59 seconds", "1 minute", "2 minutes", "59 minutes", "1 hour", "25 hours"
    ]  # fmt: skip
