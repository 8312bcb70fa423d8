"""Work whose answer everybody who waits for it shares."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """An answer found once for all who asked meanwhile; none of them gets one that was begun before it asked."""

    def __init__(self, find: Callable[[], T]) -> None:
        self._find = find
        self._asking = threading.Lock()
        self._finding = threading.Lock()
        self._next: Future[T] = Future()

    def get(self) -> T:
        """The answer. Raises what finding it raises."""
        with self._asking:
            mine = self._next
        with self._finding:
            if not mine.done():
                with self._asking:
                    self._next = Future()
                try:
                    mine.set_result(self._find())
                except BaseException as error:
                    mine.set_exception(error)
                    raise
        return mine.result()
