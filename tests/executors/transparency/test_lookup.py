"""crt.sh, Cert Spotter and what was known before: which of them is believed."""

from dataclasses import dataclass

import pytest

from executors.transparency.lookup import Answer, look_up
from executors.transparency.source import NotAnswered
from model.transparency import Issuance
from tests.executors.transparency.logged import DAY, NOW, InMemory, issuance, logged

OLD, NEW = issuance("shop.example.com", days=40, serial="1"), issuance("shop.example.com", days=1, serial="2")
EARLIER = NOW - 3 * DAY


@dataclass(frozen=True)
class Says:
    """A source that says one thing; None for one that gives no answer."""

    told: tuple[Issuance, ...] | None
    name: str = "crt.sh"

    def issued(self, domain: str, seconds: float) -> tuple[Issuance, ...]:
        assert (domain, seconds > 0) == ("example.com", True)
        if self.told is None:
            raise NotAnswered("answered 502")
        return self.told


def ask(kept: InMemory, *told: tuple[Issuance, ...] | None) -> Answer:
    sources = [(Says(one, name), 5.0) for one, name in zip(told, ("crt.sh", "Cert Spotter"), strict=False)]
    return look_up("example.com", sources, kept, NOW)


def issuances(answer: Answer) -> tuple[Issuance, ...]:
    assert answer.logged is not None
    return answer.logged.issuances


def test_crt_sh_alone_is_asked_where_it_answers_and_the_answer_is_kept() -> None:
    kept = InMemory()
    answer = ask(kept, (NEW, OLD))
    assert (issuances(answer), answer.is_from_before, answer.faults) == ((NEW, OLD), False, ())
    assert kept.last("example.com") == answer.logged
    assert answer.logged is not None
    assert (answer.logged.source, answer.logged.at) == ("crt.sh", NOW)


def test_cert_spotter_is_asked_where_crt_sh_does_not_answer() -> None:
    kept = InMemory()
    answer = ask(kept, None, (OLD,))
    assert answer.logged is not None
    assert (answer.logged.source, issuances(answer), answer.is_from_before) == ("Cert Spotter", (OLD,), False)


def test_without_any_answer_it_is_what_was_known_before_with_its_age() -> None:
    kept = InMemory(logged(OLD, at=EARLIER))
    answer = ask(kept, None, None)
    assert answer.logged is not None
    assert (issuances(answer), answer.is_from_before, answer.logged.at) == ((OLD,), True, EARLIER)
    assert answer.faults == ("crt.sh answered 502", "Cert Spotter answered 502")


def test_without_any_answer_and_nothing_known_there_is_nothing_to_say() -> None:
    assert ask(InMemory(), None, None) == Answer(
        "example.com", None, faults=("crt.sh answered 502", "Cert Spotter answered 502")
    )


@pytest.mark.parametrize("told", [(), (NEW,)])
def test_an_answer_without_what_was_known_is_not_whole(told: tuple[Issuance, ...]) -> None:
    kept = InMemory(logged(OLD, at=EARLIER))
    answer = ask(kept, told, (OLD,))
    assert answer.logged is not None
    assert (answer.logged.source, answer.is_from_before) == ("Cert Spotter", False)
    assert issuances(answer) == (*told, OLD)


def test_where_every_answer_lacks_something_all_that_was_told_and_known_counts() -> None:
    kept = InMemory(logged(OLD, at=EARLIER))
    answer = ask(kept, (), (NEW,))
    assert (issuances(answer), answer.is_from_before) == ((NEW, OLD), True)
    assert answer.faults == ("crt.sh left out 1 that was logged", "Cert Spotter left out 1 that was logged")
    assert ask(kept, (NEW, OLD)).is_from_before is False


def test_what_has_ended_may_be_missing_and_is_remembered_for_a_while() -> None:
    ended = issuance("shop.example.com", days=95, serial="3")
    long_ago = issuance("shop.example.com", days=300, serial="4")
    answer = ask(InMemory(logged(OLD, ended, long_ago, at=EARLIER)), (NEW, OLD))
    assert (issuances(answer), answer.is_from_before) == ((NEW, OLD, ended), False)


def test_an_empty_answer_is_believed_where_the_other_source_says_the_same() -> None:
    answer = ask(InMemory(), (), ())
    assert (issuances(answer), answer.is_from_before) == ((), False)


def test_an_empty_answer_is_not_believed_where_the_other_source_knows_more() -> None:
    answer = ask(InMemory(), (), (OLD,))
    assert issuances(answer) == (OLD,)


def test_an_empty_answer_is_believed_where_the_other_source_gives_none() -> None:
    answer = ask(InMemory(), (), None)
    assert answer.logged is not None
    assert (answer.logged.source, issuances(answer), answer.is_from_before) == ("crt.sh", (), False)
