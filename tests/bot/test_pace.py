"""Slack's limits, kept with room to spare."""

from bot.pace import CARD_INTERVAL, EDIT_BURST, EDITS_A_MINUTE, POST_INTERVAL, URGENT_EDITS, Pace


def test_posts_to_a_channel_are_spaced_and_channels_do_not_wait_for_each_other() -> None:
    pace = Pace()
    pace.made("chat.postMessage", "C1", "a", 100.0)
    assert pace.ready_at("chat.postMessage", "C1", "b", 100.0, urgent=True) == 100.0 + POST_INTERVAL
    assert pace.ready_at("chat.postMessage", "C2", "b", 100.0, urgent=False) == 100.0


def test_edits_have_one_budget_in_all_channels() -> None:
    pace = Pace()
    now = made = 0.0
    while made < 200:
        now = pace.ready_at("chat.update", f"C{made % 3}", f"card-{made}", now, urgent=True)
        pace.made("chat.update", f"C{made % 3}", f"card-{made}", now)
        made += 1
    assert now >= (200 - EDIT_BURST - 1) * 60 / EDITS_A_MINUTE


def test_the_last_edits_are_kept_for_what_is_urgent() -> None:
    pace = Pace()
    for index in range(int(EDIT_BURST - URGENT_EDITS)):
        pace.made("chat.update", "C1", f"card-{index}", 0.0)
    assert pace.ready_at("chat.update", "C1", "another", 0.0, urgent=False) > 0.0
    assert pace.ready_at("chat.update", "C1", "another", 0.0, urgent=True) == 0.0


def test_one_card_is_not_edited_more_than_once_a_second_unless_it_is_urgent() -> None:
    pace = Pace()
    pace.made("chat.update", "C1", "a", 50.0)
    assert pace.ready_at("chat.update", "C1", "a", 50.0, urgent=False) == 50.0 + CARD_INTERVAL
    assert pace.ready_at("chat.update", "C1", "a", 50.0, urgent=True) == 50.0


def test_retry_after_holds_one_method_in_one_channel() -> None:
    pace = Pace()
    pace.hold("chat.postMessage", "C1", 30.0)
    assert pace.ready_at("chat.postMessage", "C1", "a", 10.0, urgent=True) == 30.0
    assert pace.ready_at("chat.postMessage", "C2", "a", 10.0, urgent=True) == 10.0
    assert pace.ready_at("chat.update", "C1", "a", 10.0, urgent=True) == 10.0


def test_retry_after_of_an_edit_holds_every_edit() -> None:
    pace = Pace()
    pace.hold("chat.update", "C1", 30.0)
    assert pace.ready_at("chat.update", "C2", "a", 10.0, urgent=True) == 30.0
