"""Structured logs: one event a line, with its operation, step and node, to standard error."""

import logging
import sys
from typing import TextIO

import structlog


def set_up(log_format: str, stream: TextIO | None = None) -> None:
    """Log for people (`text`) or machines (`json`), to standard error unless another stream is given."""
    stream = stream or sys.stderr
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        # The other formats of tracebacks show the values of variables, which may be tokens and keys.
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if log_format == "json" else _as_it_is,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    logging.basicConfig(level=logging.WARNING, stream=stream)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # What fails there is raised as well, and logged with what it was about.
    logging.getLogger("slack_sdk.web").setLevel(logging.CRITICAL)


def _as_it_is(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return event
