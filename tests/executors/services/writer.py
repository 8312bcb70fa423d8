"""An app that writes all the time."""

import threading
from collections.abc import Callable


class Writer:
    """Adds numbers to a set while the test goes on; `taken` are those of which it was told that they are kept."""

    def __init__(self, add: Callable[[int], bool]) -> None:
        self.taken: list[int] = []
        self._add = add
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stopped.is_set():
            number += 1
            if self._add(number):
                self.taken.append(number)
