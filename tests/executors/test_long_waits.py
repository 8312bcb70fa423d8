"""Long waits: their pieces are short, and make up the whole."""

from hypothesis import given
from hypothesis import strategies as st

from executors.long_waits import PIECE_SECONDS, pieces


@given(st.floats(min_value=0, max_value=1e4))
def test_pieces_make_up_the_wait(seconds: float) -> None:
    lengths = list(pieces(seconds))
    assert lengths
    assert max(lengths) <= PIECE_SECONDS
    assert abs(sum(lengths) - seconds) < 1e-6
