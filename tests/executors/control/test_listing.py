"""What etcd says of its members, and which of them may go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.control.listing import Listed, Survey, look_in, successor, survey_in, why_not_remove

PRINTED = """\
member 1a, started, controller001, https://10.110.0.1:2380, https://10.110.0.1:2379, false
member 2b, started, controller002, https://10.110.0.2:2380, https://10.110.0.2:2379, false
member 3c, unstarted, , https://10.110.0.3:2380, , true
leads https://10.110.0.2:2379
healthy https://10.110.0.1:2379
healthy https://10.110.0.2:2379
"""


def listed(number: int, *, learner: bool = False) -> Listed:
    at = f"https://10.110.0.{number}"
    return Listed(f"{number:x}", f"controller{number:03}", f"{at}:2380", f"{at}:2379", learner)


def test_a_survey_is_read_with_a_member_that_never_started() -> None:
    survey = survey_in(PRINTED)
    assert [one.id for one in survey.members] == ["1a", "2b", "3c"]
    assert [one.id for one in survey.voters()] == ["1a", "2b"]
    assert survey.healthy == {"1a", "2b"}
    assert survey.leader == "2b"
    new = survey.at("https://10.110.0.3:2380")
    assert new is not None
    assert (new.is_started, new.is_learner) == (False, True)


def test_a_look_at_a_machine_without_data_finds_nothing() -> None:
    assert look_in("") == look_in("nonsense\n")
    look = look_in("holds test-01/founded\nfounded controller001=https://10.110.0.1:2380\n")
    assert (look.membership, look.began_with) == ("test-01/founded", "controller001=https://10.110.0.1:2380")


def test_the_leader_is_followed_by_one_that_answers() -> None:
    one, two, three = listed(1), listed(2), listed(3)
    survey = Survey((one, two, three, listed(4, learner=True)), frozenset({"1", "3", "4"}), "1")
    assert successor(one, survey) == three
    assert successor(two, survey) is None


@pytest.mark.parametrize(
    ("members", "healthy", "removed", "stays"),
    [
        ((1,), (1,), 1, True),
        ((1, 2), (1, 2), 1, False),
        ((1, 2), (1,), 2, False),
        ((1, 2, 3), (1, 2), 3, False),
        ((1, 2, 3), (1, 2), 2, True),
        ((1, 2, 3, 4, 5), (1, 2, 3), 5, False),
        ((1, 2, 3, 4, 5), (1, 2, 3), 3, True),
    ],
)
def test_one_goes_only_where_enough_of_the_others_answer(
    members: tuple[int, ...], healthy: tuple[int, ...], removed: int, stays: bool
) -> None:
    survey = Survey(tuple(map(listed, members)), frozenset(f"{number:x}" for number in healthy), "1")
    assert bool(why_not_remove(f"controller{removed:03}", listed(removed), survey)) is stays


@given(st.sets(st.integers(1, 9), min_size=1), st.data())
def test_those_that_remain_and_answer_are_never_fewer_than_their_quorum(members: set[int], data: st.DataObject) -> None:
    healthy = data.draw(st.sets(st.sampled_from(sorted(members))))
    removed = data.draw(st.sampled_from(sorted(members)))
    survey = Survey(tuple(map(listed, sorted(members))), frozenset(f"{number:x}" for number in healthy), "")
    left = members - {removed}
    goes = not why_not_remove("it", listed(removed), survey)
    assert goes == (len(left & healthy) > len(left) / 2)
