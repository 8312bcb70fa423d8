"""Names and values as they may be written; what passes here cannot become syntax of a shell or a configuration."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

Role = Literal["controller", "worker", "ingress", "service"]
AppKind = Literal["backend", "frontend"]

PoolName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}$")]
NodeName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}[0-9]{3,5}$")]
# tinc allows letters, digits and underscores; the interface is named after the mesh, and Linux allows 15 characters.
MeshName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,14}$")]
ClusterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
AppName = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$")]
PersonName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._-]{0,30}$")]
InstanceId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}-[0-9a-f]{8}$")]
CommitHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
EnvPrefix = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,30}$")]
ServerType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,20}$")]
CloudLocation = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,4}[0-9]{0,2}$")]
ImageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,40}$")]
SlackUser = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,20}$")]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,80}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
MemoryLimit = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}[MG]$")]
HostName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", max_length=253
    ),
]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]{0,199}$")]
RepoPath = Annotated[str, StringConstraints(pattern=r"^(\./)?[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$")]

_GIT_URL = re.compile(
    r"(https|http|ssh|git)://[A-Za-z0-9][A-Za-z0-9.@:_-]*/[A-Za-z0-9._~/-]+"
    r"|[A-Za-z0-9_][A-Za-z0-9_-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9._~/-]+"
    r"|file:///[A-Za-z0-9._~/-]+"
)
_HTTP_USER = re.compile(r"https?://[^/]*@")
_DURATION = re.compile(r"([0-9]{1,6})(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def without_secret(value: str) -> str:
    """A Git address that may be shown and logged. Raises `ValueError`, which does not show it, for one that may not."""
    if _HTTP_USER.match(value):
        raise ValueError("a Git address is shown and logged, so it holds no token; git's credential store keeps that")
    return value


def _git_url(value: str) -> str:
    if not _GIT_URL.fullmatch(value):
        raise ValueError("a Git address is https://…, ssh://…, git://…, file:///… or user@host:path")
    return value


def _no_parent(value: str) -> str:
    if ".." in value.split("/"):
        raise ValueError("a path stays inside the repository, without '..'")
    return value


def seconds(value: object) -> object:
    """Seconds from `30s`, `5m`, `1h`, `2d`; numbers pass as they are (records keep seconds)."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            raise ValueError("a duration is a number and a unit, such as 30s, 5m or 1h")
        return int(match[1]) * _UNITS[match[2]]
    return value


GitUrl = Annotated[str, AfterValidator(without_secret), AfterValidator(_git_url)]
ScriptPath = Annotated[RepoPath, AfterValidator(_no_parent)]
Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0, le=30 * 86400)]


def node_name(pool: str, number: int) -> str:
    """`worker` and 101 make `worker101`; numbers have at least three digits."""
    return f"{pool}{number:03d}"
