"""TXT values as the cloud writes them; that they say the same is what a DNS library reads of them."""

import dns.rdata
import pytest
from dns.rdtypes.ANY.TXT import TXT
from hypothesis import given
from hypothesis import strategies as st

from executors.records.texts import quoted


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=600))
def test_a_quoted_text_reads_as_it_was(text: str) -> None:
    read = dns.rdata.from_text("IN", "TXT", quoted(text))
    assert isinstance(read, TXT)
    assert b"".join(read.strings).decode() == text


@pytest.mark.parametrize("text", ["", "a\nb", "ä", "\0"])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        quoted(text)
