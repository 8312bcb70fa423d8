"""Slack's limits, kept with room to spare."""

from itertools import pairwise

import pytest

from bot.pace import BUDGETS, CARD_INTERVAL, EDITS, EDITS_SECONDS, MOST_KEPT, POSTS, Method, Pace, Rank


def spread(pace: Pace, method: Method, channel: str, calls: int, **more: int | Rank) -> list[float]:
    """When each of so many calls is made, as soon as it may."""
    now, made = 0.0, []
    for index in range(calls):
        rank = Rank(more.get("rank", Rank.DECISIVE))
        under_way = int(more.get("under_way", 0))
        now = pace.ready_at(method, channel, now, rank=rank, record=f"card-{index}", under_way=under_way)
        pace.made(method, channel, now, rank=rank, record=f"card-{index}")
        made.append(now)
    return made


def test_posts_to_a_channel_come_in_a_short_burst_and_then_a_second_apart() -> None:
    times = spread(Pace(), "chat.postMessage", "C1", 50)
    assert times[:3] == [0.0, 0.0, 0.0]
    for index, at in enumerate(times):
        # Slack's bucket: four at once, and one a second.
        assert index + 1 <= 4 + at
    assert times[-1] == pytest.approx((50 - POSTS.burst) * POSTS.interval)


def test_channels_do_not_wait_for_each_other() -> None:
    pace = Pace()
    spread(pace, "chat.postMessage", "C1", 3)
    assert pace.ready_at("chat.postMessage", "C1", 0.0) > 0.0
    assert pace.ready_at("chat.postMessage", "C2", 0.0) == 0.0


def test_no_minute_has_more_than_50_edits() -> None:
    times = spread(Pace(), "chat.update", "C1", 300)
    assert max(sum(at <= other < at + 60.0 for other in times) for at in times) <= 50
    assert times[EDITS - 1] == 0.0
    assert times[EDITS] == EDITS_SECONDS


@pytest.mark.parametrize("method", BUDGETS)
def test_every_other_method_keeps_its_tier(method: Method) -> None:
    tiers = {"conversations.list": 20, "chat.postMessage": 60 + 3}
    limit = tiers.get(method, 100 if method in ("chat.postEphemeral", "views.publish", "files.upload") else 50)
    times = spread(Pace(), method, "C1", 300)
    assert max(sum(at <= other < at + 60.0 for other in times) for at in times) <= limit


def test_progress_leaves_an_edit_for_the_end_of_each_card() -> None:
    pace = Pace()
    times = spread(pace, "chat.update", "C1", EDITS - MOST_KEPT, rank=Rank.PROGRESS, under_way=100)
    now = times[-1]
    assert now < EDITS_SECONDS, "progress gets its share"
    assert pace.ready_at("chat.update", "C1", now, rank=Rank.PROGRESS, record="a", under_way=100) >= EDITS_SECONDS
    assert pace.ready_at("chat.update", "C1", now, rank=Rank.DECISIVE, record="a") == now


def test_one_card_under_way_is_kept_current_all_the_time() -> None:
    times = spread(Pace(), "chat.update", "C1", 100, rank=Rank.PROGRESS, under_way=1)
    assert max(later - earlier for earlier, later in pairwise(times)) < 1.5


def test_progress_of_one_card_is_not_shown_more_than_once_a_second() -> None:
    pace = Pace()
    pace.made("chat.update", "C1", 50.0, rank=Rank.DECISIVE, record="a")
    assert pace.ready_at("chat.update", "C1", 50.0, rank=Rank.PROGRESS, record="a") == 50.0 + CARD_INTERVAL
    assert pace.ready_at("chat.update", "C1", 50.0, rank=Rank.PROGRESS, record="b") == 50.0
    assert pace.ready_at("chat.update", "C1", 50.0, rank=Rank.DECISIVE, record="a") == 50.0


def test_retry_after_holds_one_method_in_one_channel() -> None:
    pace = Pace()
    pace.hold("chat.postMessage", "C1", 30.0)
    assert pace.ready_at("chat.postMessage", "C1", 10.0) == 30.0
    assert pace.ready_at("chat.postMessage", "C2", 10.0) == 10.0
    assert pace.ready_at("chat.update", "C1", 10.0) == 10.0


def test_retry_after_of_an_edit_holds_every_edit() -> None:
    pace = Pace()
    pace.hold("chat.update", "C1", 30.0)
    assert pace.ready_at("chat.update", "C2", 10.0) == 30.0
