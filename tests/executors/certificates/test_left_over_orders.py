"""An order that was noted and of which nobody knows what came: when it is gone on with, and when it is given up."""

from datetime import UTC, datetime

import pytest

from executors.certificates.failures import AuthorityUnreachable, RateLimited
from gitops.certificates import KeySafe, put_order, read_order
from gitops.store import Store
from model.certificates import PlacedOrder
from tests.executors.certificates.offices import NAME, NONE_LEFT, Obtain, Start
from tests.executors.certificates.scripted_acme import Reply, ScriptedAcme, problem

BUSY = problem("rateLimited", "slow down", 429)


def left_over(acme: ScriptedAcme, store: Store, safe: KeySafe, directory: str = "") -> PlacedOrder:
    order = PlacedOrder(
        names=(NAME,),
        url=f"{acme.url}/order/1",
        sealed_key=safe.seal(b"a key"),
        at=datetime.now(UTC),
        renewal="no",
        directory=directory or acme.directory,
    )
    put_order(store, order)
    return order


@pytest.mark.parametrize(
    "reply", [problem("serverInternal", "sorry", 500), BUSY, Reply(502, "<html>", {}, "text/html")]
)
def test_an_authority_that_cannot_say_is_asked_again_and_for_nothing_else(
    start: Start, obtain: Obtain, store: Store, safe: KeySafe, reply: Reply
) -> None:
    acme = start(reply)
    order = left_over(acme, store, safe)
    assert isinstance(obtain(acme), AuthorityUnreachable | RateLimited)
    assert not any(acme.asked)
    assert read_order(store, NAME) == order


@pytest.mark.parametrize(
    "reply",
    [
        problem("unauthorized", "of another account", 403),
        problem("malformed", "no such order", 404),
        Reply(404, "not here", {}, "text/plain"),
        Reply(200, {"status": "invalid"}),
        Reply(200, {"status": "pending"}),
    ],
)
def test_one_that_comes_to_nothing_is_ordered_anew(
    start: Start, obtain: Obtain, store: Store, safe: KeySafe, reply: Reply
) -> None:
    acme = start(reply, NONE_LEFT)
    left_over(acme, store, safe)
    assert isinstance(obtain(acme), RateLimited)
    assert ["identifiers" in asked for asked in acme.asked] == [False, True]


def test_one_of_another_authority_is_nobodys(start: Start, obtain: Obtain, store: Store, safe: KeySafe) -> None:
    acme = start(NONE_LEFT)
    left_over(acme, store, safe, "https://elsewhere.example/directory")
    obtain(acme)
    assert ["identifiers" in asked for asked in acme.asked] == [True]
