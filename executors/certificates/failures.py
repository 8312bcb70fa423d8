"""What goes wrong between flstr and a certificate authority, each in one sentence that says what would be right."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import josepy
import requests
from acme import errors, messages

from executors.certificates.proofs import RECORD_LABEL, ChallengeKind
from model.errors import StepFailed

LONGEST_DETAIL = 300
# How long nothing more is asked of an authority that says "too many" and not until when.
RATE_LIMITED_FOR = timedelta(hours=1)


class IssueFailed(StepFailed):
    """No certificate came of it; `retry_at` is when the authority may be asked again, where it said so."""

    def __init__(self, sentence: str, retry_at: datetime | None = None) -> None:
        super().__init__(sentence)
        self.retry_at = retry_at


class RateLimited(IssueFailed):
    """The authority issues no more for now."""


class AuthorityUnreachable(IssueFailed):
    """The authority does not answer, or not as one; that says nothing of what was asked."""


class Problem(errors.Error):
    """An answer of the authority that is a problem document (RFC 7807), with what its headers said."""

    def __init__(self, error: messages.Error, status: int, retry_at: datetime | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status
        self.retry_at = retry_at

    @property
    def code(self) -> str:
        """Without the prefix that all of ACME's have: `rateLimited`."""
        return code_of(self.error)


def code_of(error: messages.Error) -> str:
    """The last word of a problem's type; the library knows only the older ones."""
    return str(error.typ).rsplit(":", maxsplit=1)[-1]


def authority_name(directory: str) -> str:
    """What people call the authority."""
    host = urlsplit(directory).hostname or directory
    if host.endswith("letsencrypt.org"):
        return "Let's Encrypt's staging" if "staging" in host else "Let's Encrypt"
    return host


def parse_retry_after(value: str, now: datetime) -> datetime | None:
    """The time that a Retry-After header names, in seconds or as a date; None where it makes no sense."""
    seconds = value.strip()
    if seconds.isdecimal():
        try:
            return now + timedelta(seconds=int(seconds))
        # Too many digits for a number, or for a time.
        except (ValueError, OverflowError):
            return None
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


@contextlib.contextmanager
def in_words(directory: str, names: Sequence[str]) -> Iterator[None]:
    """Turn whatever comes of talking with an authority about these names into `IssueFailed`."""
    authority, asked = authority_name(directory), ", ".join(names)
    try:
        yield
    except Problem as problem:
        raise _of_problem(authority, names, problem) from problem
    except errors.IssuanceError as error:
        reason = reason_of(authority, asked, error.error)
        raise IssueFailed(f"{asked}: no certificate, because {reason}") from error
    except errors.TimeoutError as error:
        raise IssueFailed(f"{asked}: {authority} did not decide in time; it is asked again later") from error
    except requests.exceptions.SSLError as error:
        raise AuthorityUnreachable(
            f"{asked}: {authority} shows a certificate that is not trusted here, so it was not asked"
        ) from error
    except (errors.Error, josepy.errors.Error, requests.exceptions.InvalidJSONError, KeyError, ValueError) as error:
        raise AuthorityUnreachable(f"{asked}: {authority} gave an answer that is not ACME; see {directory}") from error
    except requests.RequestException as error:
        raise AuthorityUnreachable(f"{asked}: {authority} cannot be reached; it is asked again later") from error


def reason_of(authority: str, name: str, error: messages.Error, kind: ChallengeKind | None = None) -> str:
    """Why the authority refuses a name, and what would be right; the end of a sentence."""
    name = error.identifier.value if error.identifier is not None else name
    what = _REASONS.get(code_of(error), "{authority} refuses {name}")
    if kind == "dns-01" and code_of(error) in _WRONG_ANSWERS:
        what = "{authority} did not see the right TXT record at {record}"
    said = what.format(authority=authority, name=name, record=f"{RECORD_LABEL}.{name}")
    return f"{said} ({detail_of(error)})"


def detail_of(error: messages.Error) -> str:
    """What the authority says itself, on one line; with several names it says it of each."""
    words = [error.detail or code_of(error), *(sub.detail or code_of(sub) for sub in error.subproblems or ())]
    text = "; ".join(words)
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]}…"


_WRONG_ANSWERS = frozenset({"unauthorized", "incorrectResponse", "dns"})
_REASONS = {
    "caa": "a CAA record of {name} does not allow {authority} to issue; let one name it, or none be there",
    "dns": "{authority} gets no DNS answer for {name}; see that its address record exists and its name servers answer",
    "dnssec": "the DNSSEC signatures of {name} are wrong; mend them, or take the DS record away",
    "unauthorized": "{authority} got a wrong answer from {name}; see that its address is that of the ingresses alone",
    "connection": "{authority} cannot connect to {name}; see that its address is an ingress, and that port 80 is open",
    "tls": "{authority} was redirected to https at {name}, which failed; answer challenges before the redirect",
    "rejectedIdentifier": "{authority} issues nothing for {name}",
    "externalAccountRequired": "{authority} takes only accounts that were bound to one of its customers",
    "userActionRequired": "{authority} has new terms of service that somebody has to agree to",
    "serverInternal": "{authority} has a fault of its own; it is asked again later",
}
_REASONS["incorrectResponse"] = _REASONS["unauthorized"]


def _of_problem(authority: str, names: Sequence[str], problem: Problem) -> IssueFailed:
    asked = ", ".join(names)
    if problem.code == "rateLimited":
        until = problem.retry_at or datetime.now(UTC) + RATE_LIMITED_FOR
        detail = detail_of(problem.error)
        return RateLimited(
            f"{asked}: {authority} issues no more before {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({detail})", until
        )
    reason = reason_of(authority, asked, problem.error)
    if problem.status >= 500:
        return AuthorityUnreachable(f"{asked}: no certificate, because {reason}", problem.retry_at)
    return IssueFailed(f"{asked}: no certificate, because {reason}", problem.retry_at)
