"""The end of a process that has threads: in order, and within a time that none of them can lengthen."""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from typing import NoReturn

# Shorter than the TimeoutStopSec of flstr's units, and than what a lab gives it.
END_SECONDS = 15.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)
STDERR = 2

_ends = threading.Lock()


def stopped_by_signals(seconds: float = END_SECONDS) -> threading.Event:
    """What SIGTERM and SIGINT set; so long after the first of them the process ends in any case."""
    stopping = threading.Event()
    heard, told = os.pipe()
    os.set_blocking(told, False)
    # A handler runs between two steps of the main thread, which may hold the very lock that Event.set() waits for, or
    # be in a call that lets no handler run. The byte is written whatever the main thread does.
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)

    def hear() -> None:
        while os.read(heard, 1)[0] not in SIGNALS:
            pass
        end_soon(seconds)
        stopping.set()

    threading.Thread(target=hear, name="signals", daemon=True).start()
    return stopping


def end_soon(seconds: float = END_SECONDS) -> None:
    """Have the process end after so long, whatever its threads wait for, and say where they stood. Called again, it
    grants no more time."""
    if _ends.acquire(blocking=False):
        # It needs none of Python's locks.
        # What sys.stderr is may have no file of its own.
        faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)


def ended() -> None:
    """It has ended in order: the process may go on."""
    faulthandler.cancel_dump_traceback_later()
    if _ends.locked():
        _ends.release()


def leave(status: int) -> NoReturn:
    """End the process now; threads that still run are not waited for."""
    for stream in (sys.stdout, sys.stderr):
        # Whoever read it may be gone.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
