"""An answer that those share who ask for it at the same time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gitops.shared import Shared


class Slow:
    """Counts how often it was asked; each time it waits until it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.under_way = threading.Event()
        self.go = threading.Semaphore(0)

    def __call__(self) -> int:
        self.begun += 1
        self.under_way.set()
        assert self.go.acquire(timeout=20)
        return self.begun


def test_who_asks_alone_is_answered_anew_each_time() -> None:
    numbers = iter(range(3))
    shared = Shared(lambda: next(numbers))
    assert [shared.get(), shared.get(), shared.get()] == [0, 1, 2]


def test_those_who_ask_meanwhile_share_the_next_answer_and_none_gets_one_that_was_begun_before() -> None:
    slow = Slow()
    shared = Shared(slow)
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(shared.get)
        assert slow.under_way.wait(20)
        asked = threading.Barrier(11)

        def late() -> int:
            asked.wait(20)
            return shared.get()

        others = [pool.submit(late) for _ in range(10)]
        asked.wait(20)
        slow.go.release(11)
        assert first.result(20) == 1
        assert min(other.result(20) for other in others) >= 2


def test_a_fault_is_raised_for_each_who_waited_and_is_not_kept() -> None:
    answers: Iterator[int | OSError] = iter([OSError("no answer"), 7])

    def find() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    shared = Shared(find)
    with pytest.raises(OSError, match="no answer"):
        shared.get()
    assert shared.get() == 7
