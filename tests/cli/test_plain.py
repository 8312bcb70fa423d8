"""Answers are written for Slack; a terminal shows them without its markup."""

import pytest

from cli.ask import plain
from executors.doctor.findings import MENDED
from executors.findings import FINE, MARKS
from model.mrkdwn import SIGNS


@pytest.mark.parametrize(
    ("mrkdwn", "shown"),
    [
        ("*Nodes*\n\u2022 worker101 (worker, 10.0.0.1)", "Nodes\n\u2022 worker101 (worker, 10.0.0.1)"),
        ("`a1b2c3` changes nothing", "a1b2c3 changes nothing"),
        (
            ":red_circle: *a.example*, port 80: answers 502. _Mend:_ look",
            "✗ a.example, port 80: answers 502. Mend: look",
        ),
        ("2 * 3 * 4, vpn_ctrl and vpn_ingr", "2 * 3 * 4, vpn_ctrl and vpn_ingr"),
        ("&lt;none&gt; &amp; more", "<none> & more"),
        ("*a* prints\n```\n*b* `c` :x: &lt;d&gt;\te\x1b[1m\n```\n*f*", "a prints\n*b* `c` :x: <d>\te[1m\nf"),
        ("one ``` and *more*", "one  and more"),
    ],
)
def test_markup_is_taken_off(mrkdwn: str, shown: str) -> None:
    assert plain(mrkdwn) == shown


@pytest.mark.parametrize("sign", sorted({*SIGNS.values(), *MARKS.values(), FINE, MENDED}))
def test_every_sign_of_an_answer_has_a_plain_one(sign: str) -> None:
    assert ":" not in plain(sign)
