"""Who is to lead a service, and when, from what its machines say."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.service_failover import (
    ASTRAY_SECONDS,
    FRESH_SECONDS,
    LOST_SECONDS,
    Memory,
    Seen,
    Sights,
    Verdict,
    Watched,
    judge,
)
from gitops.service_roles import DOWN, Heard, heard_in

AT = {"service101": "10.0.0.1:6379", "service102": "10.0.0.2:6379", "service103": "10.0.0.3:6379"}
A, B, C = AT
CACHE = Watched("cache", A, AT)
LEADS = Heard("leader", offset=100)
SILENT = None


def follows(node: str = A, *, linked: bool = True, offset: int = 100) -> Heard:
    return Heard("follower", AT[node], linked, offset)


def judged(*looks: Mapping[str, Heard | None], service: Watched = CACHE, every: float = 1.0) -> tuple[Verdict, ...]:
    """What is to be done after these looks, one a second; a machine that is silent was heard at none of them."""
    memory, seen, verdicts, now = Memory(), dict[tuple[str, str], Seen](), tuple[Verdict, ...](), 1000.0
    for look in looks:
        seen |= {(service.service, node): Seen(now, said) for node, said in look.items() if said is not None}
        memory, verdicts = judge(memory, [service], seen, now)
        now += every
    return verdicts


def lasting(look: Mapping[str, Heard | None], seconds: float) -> list[Mapping[str, Heard | None]]:
    return [look] * (int(seconds) + 1)


WELL = {A: LEADS, B: follows(), C: follows()}
GONE = {A: DOWN, B: follows(linked=False, offset=90), C: follows(linked=False, offset=95)}


def test_while_all_is_well_nothing_is_done() -> None:
    assert judged(*lasting(WELL, 60)) == ()


@pytest.mark.parametrize("leader", [DOWN, SILENT])
def test_a_leader_that_is_down_or_silent_long_enough_gives_way_to_whoever_has_most(leader: Heard | None) -> None:
    look = {**GONE, A: leader}
    assert judged(WELL, *lasting(look, LOST_SECONDS - 2)) == ()
    (verdict,) = judged(WELL, *lasting(look, LOST_SECONDS - 1))
    assert (verdict.leader, verdict.instead_of) == (C, A)


@pytest.mark.parametrize(
    ("said", "heir"),
    [
        pytest.param({B: follows(), C: follows()}, None, id="they hear the leader: it is flstr that does not"),
        pytest.param({B: follows(), C: follows(linked=False)}, None, id="one of them hears it"),
        pytest.param({B: SILENT, C: SILENT}, None, id="flstr hears nobody"),
        pytest.param({B: DOWN, C: DOWN}, None, id="nobody runs"),
        pytest.param({B: SILENT, C: follows(linked=False)}, C, id="the only one that is heard"),
        pytest.param({B: DOWN, C: follows(linked=False, offset=1)}, C, id="whoever runs"),
        pytest.param(
            {B: follows(linked=False, offset=-1), C: follows(linked=False, offset=1)}, C, id="whoever has data"
        ),
        pytest.param({B: follows(linked=False, offset=-1), C: DOWN}, None, id="nobody that is just getting them"),
        pytest.param({B: follows(linked=False), C: follows(linked=False)}, B, id="the same: the first one"),
        pytest.param({B: LEADS, C: SILENT}, None, id="one that leads by itself has other data"),
        pytest.param(
            {B: follows(linked=False, offset=7), C: follows(B, linked=False, offset=90)}, B, id="of the leader's own"
        ),
        pytest.param({B: SILENT, C: follows(B, linked=False)}, C, id="or at least of another's, where there is no own"),
    ],
)
def test_who_takes_over_from_a_leader_that_is_not_heard(said: Mapping[str, Heard | None], heir: str | None) -> None:
    verdicts = judged(WELL, *lasting({A: SILENT, **said}, 60))
    assert [verdict.leader for verdict in verdicts] == ([heir] if heir else [])


def test_a_leader_that_restarts_in_time_goes_on() -> None:
    assert judged(WELL, *lasting(GONE, LOST_SECONDS - 2), WELL, *lasting(GONE, LOST_SECONDS - 2)) == ()


def test_a_flstr_that_begins_to_watch_counts_from_then() -> None:
    assert judged(*lasting(GONE, LOST_SECONDS - 1)) == ()
    assert judged(*lasting(GONE, LOST_SECONDS)) != ()


def test_a_flstr_that_stood_still_moves_nothing_by_what_it_knew_before() -> None:
    assert judged(WELL, {}, every=60.0) == ()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({B: LEADS}, id="the old leader is back, and leads"),
        pytest.param({B: follows(C)}, id="it follows another one"),
        pytest.param({B: Heard("follower", "10.9.9.9:6379")}, id="it follows a stranger"),
    ],
)
def test_whoever_does_not_follow_the_leader_is_put_right_after_a_while(said: Mapping[str, Heard]) -> None:
    assert judged(*lasting({**WELL, **said}, ASTRAY_SECONDS - 1)) == ()
    (verdict,) = judged(*lasting({**WELL, **said}, ASTRAY_SECONDS))
    assert (verdict.leader, verdict.instead_of, verdict.wrong) == (A, None, (B,))


def test_a_leader_that_follows_is_put_right_as_well() -> None:
    (verdict,) = judged(*lasting({A: follows(B), B: LEADS, C: follows(B)}, ASTRAY_SECONDS))
    assert (verdict.leader, verdict.wrong) == (A, (A, B, C))


def test_nobody_is_put_right_while_the_leader_does_not_answer() -> None:
    assert judged(WELL, *lasting({A: DOWN, B: LEADS, C: SILENT}, 60)) == ()


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        ("master,,,,2871\n", Heard("leader", "", False, 2871)),
        ("slave,10.0.0.1,6379,up,14", Heard("follower", "10.0.0.1:6379", True, 14)),
        ("slave,10.0.0.1,6379,down,-1", Heard("follower", "10.0.0.1:6379", False, -1)),
        ("down", DOWN),
        ("", DOWN),
        ("whatever,1,2,3,4", DOWN),
    ],
)
def test_what_a_machine_prints_of_it(line: str, heard: Heard) -> None:
    assert heard_in(line) == heard


heards = st.one_of(
    st.just(DOWN),
    st.builds(Heard, st.just("leader"), st.just(""), st.just(False), st.integers(0, 99)),
    st.builds(Heard, st.just("follower"), st.sampled_from([*AT.values(), "x:1"]), st.booleans(), st.integers(-1, 99)),
)
looks = st.dictionaries(st.sampled_from([*AT]), heards)


@given(st.lists(looks, max_size=30), st.floats(0.1, 4.0))
def test_whatever_is_heard_there_is_one_leader_at_most_and_none_while_the_old_one_is_heard_well(
    heard: list[dict[str, Heard]], every: float
) -> None:
    memory, seen, now, well = Memory(), dict[tuple[str, str], Seen](), 1000.0, 1000.0
    for look in heard:
        seen |= {("cache", node): Seen(now, said) for node, said in look.items()}
        if look.get(A, DOWN) != DOWN:
            well = now
        memory, verdicts = judge(memory, [CACHE], seen, now)
        assert len(verdicts) <= 1
        for verdict in verdicts:
            _is_right(verdict, seen, now, well)
        now += every


def _is_right(verdict: Verdict, seen: Sights, now: float, well: float) -> None:
    if verdict.instead_of is None:
        assert verdict.leader == A
        assert now - seen["cache", A].at <= FRESH_SECONDS
        return
    assert now - well >= LOST_SECONDS
    chosen = seen["cache", verdict.leader]
    assert verdict.leader != A
    assert chosen.heard.role == "follower"
    fresh = [one.heard for (_, node), one in seen.items() if node != A and now - one.at <= FRESH_SECONDS]
    own = [said for said in fresh if said.role == "follower" and said.follows == AT[A]]
    assert not any(said.linked for said in own)
    assert not own or chosen.heard.offset == max(said.offset for said in own)
