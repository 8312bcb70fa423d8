"""Text is escaped, cut and split so that Slack takes it and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from bot.text import clip, split
from model.mrkdwn import code_block, escape

lines = st.lists(st.text(alphabet="ab <&`é", max_size=60), max_size=40).map("\n".join)


def test_nobody_is_mentioned_by_somebody_elses_text() -> None:
    assert escape("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def test_what_is_cut_off_is_marked() -> None:
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"


def test_a_code_block_keeps_the_last_lines() -> None:
    assert code_block("one\ntwo\n", 100) == "```\none\ntwo\n```"
    assert code_block("a" * 30 + "\nlast\n", 30) == "```\n…\nlast\n```"


def test_an_output_cannot_leave_its_code_block() -> None:
    assert code_block("a ``` <b>", 100) == "```\na ''' &lt;b&gt;\n```"


@given(lines, st.integers(20, 200))
def test_a_code_block_fits(output: str, limit: int) -> None:
    assert len(code_block(output, limit)) <= limit


def test_short_text_is_one_part() -> None:
    assert split("one\ntwo", 100) == ["one\ntwo"]


def test_text_is_split_between_lines() -> None:
    assert split("one\ntwo\nthree", 16) == ["one\ntwo", "three"]


def test_a_code_block_goes_on_in_the_next_part() -> None:
    block = "\n".join(["```", *["12345678"] * 4, "```", "end"])
    assert split(block, 30) == ["```\n12345678\n12345678\n```", "```\n12345678\n12345678\n```", "end"]


@given(lines, st.integers(20, 100))
def test_parts_fit_and_lose_nothing(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(len(part) <= limit for part in parts)
    kept = "".join(parts).replace("\n", "").replace("`", "")
    assert kept == text.replace("\n", "").replace("`", "")
