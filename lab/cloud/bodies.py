"""Request bodies: read, checked by pydantic, refused in the API's words."""

import re
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lab.cloud.errors import ApiError, invalid_fields
from lab.cloud.labels import check_labels

IdOrName = int | str
Labels = Annotated[dict[str, str], AfterValidator(check_labels)]
Name = Annotated[str, Field(min_length=1, max_length=128)]

_HOST_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"{_HOST_LABEL}(\.{_HOST_LABEL})*")


def _check_host_name(name: str) -> str:
    if len(name) > 253 or not _HOST_NAME.fullmatch(name):
        raise ValueError("must be a valid hostname as per RFC 1123")
    return name


HostName = Annotated[str, AfterValidator(_check_host_name)]


class Body(BaseModel):
    """Unknown fields are ignored, as the API does: an older client sends what a newer API dropped."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Update(Body):
    name: Name | None = None
    labels: Labels | None = None


class Protection(Body):
    delete: bool | None = None
    rebuild: bool | None = None


B = TypeVar("B", bound=BaseModel)


async def read_body(request: web.Request, model: type[B]) -> B:
    """Raise json_error for what is no JSON, invalid_input with the fields for what does not fit the model."""
    raw = await request.read()
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        if any(problem["type"] == "json_invalid" for problem in error.errors()):
            raise ApiError("json_error", "invalid JSON in request body") from None
        raise invalid_fields(_fields(error)) from None


def _fields(error: ValidationError) -> list[tuple[str, list[str]]]:
    messages: dict[str, list[str]] = {}
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        messages.setdefault(name, []).append(problem["msg"].removeprefix("Value error, "))
    return list(messages.items())
