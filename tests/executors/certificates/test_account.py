"""Certificates that are got side by side, where the authority hardly answers."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from executors.certificates import account
from executors.certificates.failures import RateLimited
from tests.executors.certificates.offices import NONE_LEFT, Obtain, Start

WAITED_SECONDS = 20.0
AT_ONCE = 3


def test_who_has_an_account_waits_for_nobody_else(start: Start, obtain: Obtain) -> None:
    acme = start(NONE_LEFT)
    obtain(acme)
    # It answers nobody before all have asked.
    everybody = threading.Barrier(AT_ONCE)
    acme.before_directory = lambda: everybody.wait(WAITED_SECONDS)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failed = list(pool.map(obtain, [acme] * AT_ONCE))
    assert {type(one) for one in failed} == {RateLimited}
    assert not everybody.broken


def test_who_waits_for_another_to_make_the_account_waits_no_longer_than_its_own_time(
    start: Start, obtain: Obtain, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, is_asked, may_answer = start(NONE_LEFT), threading.Event(), threading.Event()

    def hang() -> None:
        is_asked.set()
        may_answer.wait(WAITED_SECONDS)

    acme.before_directory = hang
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(obtain, acme)
        try:
            assert is_asked.wait(WAITED_SECONDS)
            monkeypatch.setattr(account, "ISSUE_SECONDS", 0.1)
            assert obtain(acme).sentence.endswith("did not decide in time; it is asked again later")
            assert not first.done()
        finally:
            may_answer.set()
        assert isinstance(first.result(), RateLimited)
