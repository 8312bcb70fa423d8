"""How findings are told, whatever was looked at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.findings import Level, line, shown
from model.mrkdwn import MORE


@pytest.mark.parametrize(("level", "sign"), [("error", ":red_circle:"), ("warning", ":large_yellow_circle:")])
def test_a_finding_is_one_line_with_its_mend(level: Level, sign: str) -> None:
    assert line(level, "*a.example*", "it is cold", "warm it") == f"{sign} *a.example*: it is cold. _Mend:_ warm it"


@given(st.text(), st.integers(1, 50))
def test_a_strangers_words_mean_nothing_and_end(text: str, longest: int) -> None:
    said = shown(text, longest)
    assert said.isprintable()
    assert not set(said) & set("<>`*~")
    # Escaping makes one character into five at most.
    assert len(said) <= 5 * longest + len(MORE)


def test_words_that_are_cut_say_so() -> None:
    assert shown("one\n two   three", 100) == "one two three"
    assert shown("one two three", 7) == f"one two{MORE}"
