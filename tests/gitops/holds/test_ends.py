"""When a hold ends, as people write it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.holds.ends import LONGEST, in_words, parse_end
from model.errors import Refused

NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("2h", "2026-11-26 14:30 UTC"),
        ("30m", "2026-11-26 13:00 UTC"),
        ("1d12h", "2026-11-28 00:30 UTC"),
        ("90d", "2027-02-24 12:30 UTC"),
        ("18:30", "2026-11-26 18:30 UTC"),
        ("9:15", "2026-11-27 09:15 UTC"),
        ("12:30", "2026-11-27 12:30 UTC"),
        ("2026-12-27", "2026-12-27 00:00 UTC"),
        ("2026-12-27T18:30", "2026-12-27 18:30 UTC"),
        ("2026-12-27T18:30+02:00", "2026-12-27 16:30 UTC"),
    ],
)
def test_an_end_is_how_long_or_a_time_or_a_date(word: str, end: str) -> None:
    assert in_words(parse_end(word, NOW)) == end


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("", "is no end"),
        ("soon", "is no end; write how long (2h, 30m, 3d), a time (18:30, in UTC) or a date"),
        ("2", "is no end"),
        ("2026-02-30", "is no end"),
        ("25:00", "is no end"),
        ("0h", "is over already; it is 2026-11-26 12:30 UTC"),
        ("2026-11-26", "is over already"),
        ("91d", "is too far off: a hold lasts 90 days at most"),
        ("2027-06-01", "is too far off"),
        ("9999d9999h", "is too far off"),
    ],
)
def test_what_is_no_end_is_said_with_what_would_be(word: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_end(word, NOW)
    assert sentence in refused.value.sentence


@given(st.text(max_size=30) | st.from_regex(r"[0-9dhm:TZ+-]{1,25}", fullmatch=True))
def test_whatever_is_written_is_an_end_to_come_or_a_sentence(word: str) -> None:
    try:
        end = parse_end(word, NOW)
    except Refused:
        return
    assert timedelta() < end - NOW <= LONGEST
