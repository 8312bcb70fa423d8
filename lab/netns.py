"""Sockets inside of a network namespace, used from outside of it."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000  # from <sched.h>; Python has setns from 3.12 on


def in_namespace(namespace: str, make: Callable[[], T]) -> T:
    """What `make` returns there: a socket stays in the namespace in which it was made. Raises OSError."""

    def there() -> T:
        descriptor = os.open(Path("/run/netns", namespace), os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), namespace)
        finally:
            os.close(descriptor)
        return make()

    # A thread that has gone elsewhere is of no further use: this one ends here.
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(there).result()
