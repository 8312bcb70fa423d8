"""One GET after another until an answer can be read, and no longer than was given."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from executors.transparency.source import NotAnswered, Parameters, Unusable

T = TypeVar("T")

USER_AGENT = "flstr"
MOST_BYTES = 32 * 1024 * 1024
CHUNK = 64 * 1024
# What may be right the next time.
PASSING = frozenset({408, 425, 429, *range(500, 600)})


@dataclass(frozen=True)
class Patience:
    """Seconds that one attempt may take, and those before the next, which double up to the longest."""

    attempt: float = 15.0
    first_pause: float = 1.0
    longest_pause: float = 8.0


class _Passing(NotAnswered):
    """What may be over at the next attempt, and when that may be."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


def fetch(url: str, parameters: Parameters, parse: Callable[[bytes], T], seconds: float, patience: Patience) -> T:
    """The answer, as `parse` reads it. Raises `NotAnswered` with what went wrong last, within about `seconds`."""
    end = time.monotonic() + seconds
    pause = patience.first_pause
    while True:
        try:
            return parse(_get(url, parameters, min(patience.attempt, end - time.monotonic())))
        except (_Passing, Unusable) as error:
            wait = max(pause, error.after if isinstance(error, _Passing) else 0.0)
            # An attempt that has hardly any time left would only say that there was none.
            if time.monotonic() + wait + patience.attempt / 2 >= end:
                raise NotAnswered(error.why) from error
        time.sleep(wait)
        pause = min(2 * pause, patience.longest_pause)


def _get(url: str, parameters: Parameters, seconds: float) -> bytes:
    if seconds <= 0:
        raise NotAnswered("was not asked for lack of time")
    end = time.monotonic() + seconds
    try:
        with requests.get(
            url,
            params=list(parameters),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            timeout=seconds,
            stream=True,
            allow_redirects=False,
        ) as response:
            _check(response)
            return _body(response, end, seconds)
    except requests.Timeout as error:
        raise _Passing(f"was silent for {seconds:.2g} s") from error
    except (requests.RequestException, HTTPError) as error:
        raise _Passing(_reason(error, seconds)) from error


def _check(response: requests.Response) -> None:
    status = response.status_code
    if status in PASSING:
        after = _retry_after(response.headers.get("Retry-After", ""))
        raise _Passing(f"answered {status}" + (f", and to ask again in {after:.0f} s" if after else ""), after)
    if status != 200:
        raise NotAnswered(f"answered {status}")


def _body(response: requests.Response, end: float, seconds: float) -> bytes:
    body = bytearray()
    # What has come is taken at once: to wait for more would let a server that sends a byte now and then go on for ever.
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > MOST_BYTES:
            raise NotAnswered(f"sent more than {MOST_BYTES // 1024**2} MiB")
        if time.monotonic() > end:
            raise _Passing(f"was not done within {seconds:.2g} s")
    return bytes(body)


def _reason(error: requests.RequestException | HTTPError, seconds: float) -> str:
    if isinstance(error, ReadTimeoutError):
        return f"was silent for {seconds:.2g} s"
    if isinstance(error, HTTPError):
        return "broke off in the middle of its answer"
    if isinstance(error, requests.ConnectionError):
        return "could not be reached"
    return f"could not be asked ({type(error).__name__})"


def _retry_after(header: str) -> float:
    """Seconds from a header that holds seconds, or a date; 0 where it says nothing."""
    if header.strip().isdecimal():
        return float(min(int(header.strip()[:9]), 10**6))
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
