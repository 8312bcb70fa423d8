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


@contextlib.contextmanager
def in_words(doing: str) -> Iterator[None]:
    """Turn whatever the cloud's client raises into `StepFailed`: `doing`, and why it failed."""
    try:
        yield
    except (HCloudException, requests.RequestException) as error:
        raise StepFailed(f"{doing} failed: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, APIException):
        return ADVICE.get(str(error.code)) or f"the cloud answered {error.message} ({error.code})"
    if isinstance(error, ActionException):
        code = str((error.action.error or {"code": ""})["code"])
        return ADVICE.get(code) or f"the cloud said {error.message}"
    if isinstance(error, requests.Timeout):
        return "the cloud's API did not answer in time"
    if isinstance(error, requests.RequestException):
        return "the cloud's API cannot be reached"
    return str(error)
