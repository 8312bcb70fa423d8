"""A thread that looks whether there is something to do: when it is woken, and until there is nothing left."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import structlog

from gitops.notices import Trouble
from model.errors import EtcdSilent, Fenced, Refused

log = structlog.get_logger()

# How soon it is looked again where etcd did not answer: an operation under way waits for that.
ETCD_AGAIN_SECONDS = 1.0


class Loop(ABC):
    """Does one thing at a time; `wake()` has it look at once."""

    def __init__(self, trouble: Trouble, clock: Callable[[], float] = time.time, again: float | None = None) -> None:
        """What went wrong is looked at again after `again` seconds, or else when it is woken; etcd's silence soon."""
        self._trouble = trouble
        self._clock = clock
        self._again_seconds = again
        self._awake = threading.Event()
        self._stopped = threading.Event()

    @abstractmethod
    def look(self) -> bool:
        """Do the next thing there is to do; says whether there was one."""

    def wake(self) -> None:
        """Have it look now."""
        self._awake.set()

    def stop(self) -> None:
        """Let the loop end after what it is doing."""
        self._stopped.set()
        self._awake.set()

    def run(self) -> None:
        """Work until `stop()`. A fault of the outside is logged and tried again at the next look."""
        while not self._stopped.is_set():
            self._awake.clear()
            try:
                worked = self.look()
            except Fenced:
                raise
            except Exception as error:
                self._trouble.seen(_sentence(error), self._clock())
                self._awake.wait(ETCD_AGAIN_SECONDS if isinstance(error, EtcdSilent) else self._again_seconds)
            else:
                self._trouble.over()
                if not worked:
                    self._awake.wait()


def _sentence(error: Exception) -> str:
    if isinstance(error, Refused):
        return error.sentence
    # A thread that died would leave a flstr that answers and never acts.
    log.exception("a look broke")
    return f"flstr itself failed ({type(error).__name__}); its log says more"
