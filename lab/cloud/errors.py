"""Errors as the API words them: an HTTP status and `{"error": {code, message, details}}`."""

from collections.abc import Iterable, Mapping

from aiohttp import web

STATUS_BY_CODE: Mapping[str, int] = {
    "json_error": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "protected": 403,
    "resource_limit_exceeded": 403,
    "not_found": 404,
    "conflict": 409,
    "uniqueness_error": 409,
    "server_already_attached": 409,
    "firewall_already_applied": 409,
    "resource_unavailable": 412,
    "placement_error": 412,
    "placement_group_member_limit_reached": 422,
    "invalid_input": 422,
    "ip_not_available": 422,
    "no_subnet_available": 422,
    "resource_in_use": 422,
    "volume_already_attached": 422,
    "server_not_stopped": 422,
    "unsupported_error": 422,
    "locked": 423,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "service_error": 500,
    "bad_gateway": 502,
    "maintenance": 503,
    "unavailable": 503,
    "timeout": 504,
}


class ApiError(Exception):
    def __init__(self, code: str, message: str, details: object = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.status = status if status is not None else STATUS_BY_CODE.get(code, 400)

    def body(self) -> dict[str, object]:
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}

    def response(self) -> web.Response:
        return web.json_response(self.body(), status=self.status)


def invalid_input(field: str, *messages: str) -> ApiError:
    return invalid_fields([(field, list(messages))])


def invalid_fields(fields: Iterable[tuple[str, list[str]]]) -> ApiError:
    named = [{"name": name, "messages": messages} for name, messages in fields]
    summary = ", ".join(str(field["name"]) for field in named)
    return ApiError("invalid_input", f"invalid input in field '{summary}'", {"fields": named})


def not_found(kind: str, wanted: int | str) -> ApiError:
    label = "ID" if isinstance(wanted, int) or wanted.isdigit() else "name"
    return ApiError("not_found", f"{kind.replace('_', ' ')} with {label} '{wanted}' not found")


def not_unique(kind: str, field: str) -> ApiError:
    return ApiError(
        "uniqueness_error", f"{kind.replace('_', ' ')} {field} is already used", {"fields": [{"name": field}]}
    )


def locked(kind: str) -> ApiError:
    return ApiError("locked", f"cannot perform operation because {kind.replace('_', ' ')} is locked")


def protected(kind: str) -> ApiError:
    return ApiError("protected", f"{kind.replace('_', ' ')} deletion is protected")


def unavailable() -> ApiError:
    """What a server gets that no host has room for."""
    return ApiError("resource_unavailable", "error during placement")
