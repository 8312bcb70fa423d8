"""What a failing cloud call means to the person who reads of it, and what to do about it."""

import contextlib
from collections.abc import Iterator

import requests
from hcloud import APIException, HCloudException
from hcloud.actions import ActionException

from model.errors import StepFailed

ADVICE = {
    "resource_unavailable": (
        "none is left there at the moment; try again later, or give the pool another server_type or location in "
        "cluster.yaml"
    ),
    "placement_error": (
        "the cloud found no place for it at the moment; try again later, or give the pool another location in "
        "cluster.yaml"
    ),
    "resource_limit_exceeded": "the project's limit is reached; ask for a higher one in the Hetzner console",
    "unauthorized": "the Hetzner API token is not valid; make one with read and write permission in the console",
    "forbidden": "the Hetzner API token may not do that; make one with read and write permission in the console",
    "token_readonly": "the Hetzner API token may only read; make one with read and write permission in the console",
    "rate_limit_exceeded": "the project's hourly requests to the Hetzner API are used up; try again in some minutes",
    "protected": "it is protected there; take the protection off in the Hetzner console",
    "maintenance": "the cloud is under maintenance; try again later",
    "locked": "another action on it is not done yet; try again in a minute",
}


# Said before anything was made: nothing can come of the request any more.
DEFINITE = frozenset(
    {"resource_unavailable", "placement_error", "resource_limit_exceeded", "rate_limit_exceeded", "invalid_input"}
    | {"unauthorized", "forbidden", "token_readonly", "placement_group_member_limit_reached", "not_found"}
)


class CloudFailed(StepFailed):
    """A call that the cloud did not carry out; `code` is the cloud's word for why, empty where it said nothing."""

    def __init__(self, sentence: str, code: str = "", words: str = "") -> None:
        """`words` is what the cloud said itself."""
        super().__init__(sentence)
        self.code = code
        self.words = words


@contextlib.contextmanager
def in_words(doing: str) -> Iterator[None]:
    """Turn whatever the cloud's client raises into `CloudFailed`: `doing`, and why it failed."""
    try:
        yield
    except (HCloudException, requests.RequestException) as error:
        said = error.message if isinstance(error, APIException | ActionException) else ""
        raise CloudFailed(f"{doing} failed: {_reason(error)}", code_of(error), str(said or "")) from error


def code_of(error: Exception) -> str:
    """The cloud's word for what went wrong, empty where it said none."""
    if isinstance(error, APIException):
        return str(error.code)
    if isinstance(error, ActionException):
        return str((error.action.error or {"code": ""})["code"])
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, APIException):
        return ADVICE.get(str(error.code)) or f"the cloud answered {error.message} ({error.code})"
    if isinstance(error, ActionException):
        return ADVICE.get(code_of(error)) or f"the cloud said {error.message}"
    if isinstance(error, requests.Timeout):
        return "the cloud's API did not answer in time"
    if isinstance(error, requests.RequestException):
        return "the cloud's API cannot be reached"
    return str(error)
