"""A watch that runs for as long as flstr leads: what goes wrong in one look ends no other."""

import contextlib
from collections.abc import Iterator

import structlog

from model.errors import Fenced, Refused

log = structlog.get_logger()


@contextlib.contextmanager
def surviving(watched: str) -> Iterator[None]:
    """One look at what is `watched`: a watch that died would leave a flstr that looks alive. Raises `Fenced`."""
    try:
        yield
    except Fenced:
        raise
    except Refused as error:
        log.debug("a watch has to wait", watched=watched, sentence=error.sentence)
    except Exception:
        log.exception("a watch broke", watched=watched)
