"""When what failed at the cloud is tried again."""

from gitops.again import FIRST_SECONDS, LONGEST_SECONDS, Again


def test_what_failed_is_tried_again_after_longer_and_longer() -> None:
    again, now, waited = Again(), 0.0, []
    for _ in range(8):
        again.left(["names"], now)
        began = now
        while not again.due(now):
            now += 1
        waited.append(now - began)
    assert waited == [30, 60, 120, 240, 480, 600, 600, 600]
    assert waited[-1] == LONGEST_SECONDS


def test_it_is_due_once_and_looking_at_it_meanwhile_changes_nothing() -> None:
    again = Again()
    again.left(["names"], 0)
    again.left(["names", "floating-ip-public"], 20)
    assert again.due(FIRST_SECONDS - 1) == ()
    assert again.due(FIRST_SECONDS) == ("names", "floating-ip-public")
    assert again.due(FIRST_SECONDS) == ()


def test_once_all_is_well_the_next_failure_is_tried_again_soon() -> None:
    again = Again()
    again.left(["names"], 0)
    again.due(30)
    again.left([], 31)
    assert again.due(1000) == ()
    again.left(["names"], 1000)
    assert again.due(1000 + FIRST_SECONDS) == ("names",)
