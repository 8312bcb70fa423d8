"""What an error of slack-sdk means for the call that ended in it."""

from dataclasses import dataclass
from http.client import HTTPException

from slack_sdk.errors import SlackApiError, SlackRequestError

DEFAULT_RETRY_AFTER = 30.0

# Everything that a call can raise while the connection, not the call, is at fault; URLError and timeouts are OSErrors.
CALL_ERRORS = (SlackApiError, SlackRequestError, OSError, HTTPException)

_SLACK_AT_FAULT = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


@dataclass(frozen=True)
class RateLimited:
    """Nothing was done; come back later."""

    seconds: float


@dataclass(frozen=True)
class Uncertain:
    """It may have been done."""

    reason: str


@dataclass(frozen=True)
class RefusedBySlack:
    """It was not done, for a reason."""

    error: str


Failure = RateLimited | Uncertain | RefusedBySlack


def failure(error: Exception) -> Failure:
    """What became of a call that raised `error`."""
    if not isinstance(error, SlackApiError):
        return Uncertain(f"{type(error).__name__}: {error}")
    response = error.response
    status = getattr(response, "status_code", 200)
    code = str(response.get("error") or "") if hasattr(response, "get") else ""
    if status == 429 or code in ("ratelimited", "rate_limited"):
        headers = {name.lower(): value for name, value in getattr(response, "headers", {}).items()}
        return RateLimited(_seconds(headers.get("retry-after")))
    if not code or status >= 500 or code in _SLACK_AT_FAULT:
        return Uncertain(code or f"HTTP {status}")
    return RefusedBySlack(code)


def is_open_already(error: Exception) -> bool:
    """Whether a window could not be opened because another delivery of the same click has opened it."""
    said = failure(error)
    return isinstance(said, RefusedBySlack) and said.error == "exchanged_trigger_id"


def _seconds(header: object) -> float:
    first = header[0] if isinstance(header, list) and header else header
    try:
        return max(0.0, float(str(first)))
    except ValueError:
        return DEFAULT_RETRY_AFTER
