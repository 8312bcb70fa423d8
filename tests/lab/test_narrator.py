"""What stands in Slack, told in a terminal."""

import pytest

from lab.story.narrator import _plain


@pytest.mark.parametrize(
    ("mrkdwn", "told"),
    [
        ("May approve: <@U03REVIEWER>, <@U99STRANGER>", "May approve: @reviewer, @U99STRANGER"),
        ("*Waits until:* <!date^1795633329^{time_secs}|2026-11-25 19:02:09 UTC>; then", "Waits until: 2026-11-25 19:02:09 UTC; then"),
        (":large_yellow_circle: `vpn_ctrl` and vpn_ingr. _Mend:_ look", "vpn_ctrl and vpn_ingr. Mend: look"),
        ("&lt;none&gt; &amp; more", "<none> & more"),
    ],
)  # fmt: skip
def test_markup_is_taken_off(mrkdwn: str, told: str) -> None:
    assert _plain(mrkdwn) == told
