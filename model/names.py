"""Names and values as they may be written; what passes here cannot become syntax of a shell or a configuration."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Role = Literal["controller", "worker", "ingress", "service"]
AppKind = Literal["backend", "frontend"]


@dataclass(frozen=True)
class Form:
    """How a value is written, in words: for the documentation, for editors, and for whoever wrote it otherwise."""

    words: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Editors that read YAML show `patternErrorMessage` where the pattern does not match."""
        schema = handler(core)
        return {**schema, "patternErrorMessage": self.words} if "pattern" in schema else schema


PoolName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}$"), Form("1 to 20 of a-z")]
NodeName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}[0-9]{3,5}$"), Form("a pool and a number: worker101")]
# tinc allows letters, digits and underscores; the interface is named after the mesh, and Linux allows 15 characters.
MeshName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,14}$"),
    Form("1 to 15 of a-z, 0-9 and _, beginning with a letter"),
]
ClusterName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$"),
    Form("1 to 31 of a-z, 0-9 and -, beginning with a letter"),
]
AppName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$"),
    Form("1 to 30 of a-z, 0-9 and -, beginning with a letter and not ending with -"),
]
# Names alone do not tell a backend from a frontend.
AppId = tuple[AppKind, AppName]
PersonName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9._-]{0,30}$"),
    Form("1 to 31 of a-z, 0-9, dot, _ and -, beginning with a letter"),
]
InstanceId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}-[0-9a-f]{8}$"), Form("such as 1-0a1b2c3d")]
CommitHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$"), Form("all 40 digits of a commit, in quotes")]
EnvPrefix = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,30}$"),
    Form("1 to 31 of A-Z, 0-9 and _, beginning with a letter"),
]
VariableName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,62}$"),
    Form("1 to 63 of A-Z, 0-9 and _, beginning with a letter"),
]
SecretName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"),
    Form("1 to 63 of letters, digits, _ and -, beginning with a letter"),
]


def _nobody_elses(value: str) -> str:
    if value.startswith(("flstr_", "ansible_")):
        raise ValueError("a variable that begins with flstr_ or ansible_ is not for manifests; give it another name")
    return value


PlaybookName = Annotated[
    str,
    StringConstraints(pattern=r"^(redis|mongodb|elasticsearch|nginx|playbooks/[a-z0-9][a-z0-9_-]{0,40}\.ya?ml)$"),
    Form("redis, mongodb, elasticsearch, nginx, or a file of the cluster repo such as playbooks/queue.yml"),
]
AnsibleVariable = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$"),
    AfterValidator(_nobody_elses),
    Form("1 to 63 of a-z, 0-9 and _, beginning with a letter; not with flstr_ or ansible_"),
]
UserName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,30}$"),
    Form("1 to 31 of a-z, 0-9, _ and -, beginning with a letter"),
]
PasswordName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$"),
    Form("1 to 31 of a-z, 0-9 and _, beginning with a letter"),
]
DatabaseName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"), Form("1 to 63 of letters, digits, _ and -")
]
DatabaseRoleName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"), Form("1 to 63 of letters, digits, _ and -")
]
ProtocolName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]{0,30}$"), Form("the scheme of an address, such as http or redis")
]
# What age writes with --armor; that it can be decrypted is seen by whoever has the key.
Encrypted = Annotated[
    str,
    StringConstraints(
        pattern=r"^-----BEGIN AGE ENCRYPTED FILE-----\n([A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{1,64}={0,2}\n"
        r"-----END AGE ENCRYPTED FILE-----\n?$",
        max_length=16384,
    ),
    Form("what `flstr secret set` writes here, a text that age has encrypted"),
]
AgeRecipient = Annotated[
    str,
    StringConstraints(pattern=r"^age1[02-9ac-hj-np-z]{58}$"),
    Form("a public key of age, such as `flstr secret recipient` shows: age1 and 58 more"),
]
ServerType = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,20}$"), Form("a name of Hetzner's, such as cx22")
]
CloudLocation = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,4}[0-9]{0,2}$"), Form("a name of Hetzner's, such as fsn1")
]
ImageName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,40}$"), Form("a name of Hetzner's, such as debian-12")
]
SlackUser = Annotated[
    str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,20}$"), Form("a Slack member id, such as U01ABCDEF")
]
SlackGroup = Annotated[
    str, StringConstraints(pattern=r"^S[A-Z0-9]{2,20}$"), Form("a Slack user group id, such as S01ABCDEF")
]
TeamName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$"),
    Form("1 to 30 of a-z, 0-9 and -, a letter first"),
]
ChannelName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_-]{1,80}$"), Form("a channel of Slack, without the #")
]
Email = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}$"), Form("an e-mail address")
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Form("the 64 digits of a SHA-256 checksum")]
DownloadUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9][A-Za-z0-9.:-]*/[A-Za-z0-9._~/%+-]{1,400}$"),
    Form("an address of a file, such as https://example.com/flanneld-amd64"),
]
Timestamp = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
    Form("a time in quotes, such as 2026-01-31T12:00:00Z"),
]
Port = Annotated[int, Field(ge=1, le=65535)]
MemoryLimit = Annotated[
    str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}[MG]$"), Form("a number and M or G, such as 512M")
]
MemoryShare = Annotated[
    str,
    StringConstraints(pattern=r"^([1-9][0-9]{0,5}[MG]|[1-9][0-9]?%|100%)$"),
    Form("a number and M or G, such as 2G, or a share of the machine's memory, such as 50%"),
]
HostName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", max_length=253
    ),
    Form("a full host name in small letters, such as app.example.com"),
]
# A star stands for one label; `*.example.com` is not `example.com`.
CertificateHost = Annotated[
    str,
    StringConstraints(
        pattern=r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", max_length=253
    ),
    Form("a full host name in small letters, or *. and one: app.example.com, *.example.com"),
]
FloatingIpName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$"),
    Form("1 to 31 of a-z, 0-9 and -, beginning with a letter"),
]
ServiceInstanceId = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$"), Form("1 to 31 of a-z, 0-9 and -")
]
UrlPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]{0,199}$"),
    Form("a path that begins with /, of letters, digits and . _ ~ / -"),
]
# A public one: nginx compares it with a path in which empty segments and those of dots are already worked out.
LocationPath = Annotated[
    str,
    StringConstraints(
        pattern=r"^/((\.{0,2}[A-Za-z0-9_~-]|\.{3})[A-Za-z0-9._~-]*/)*((\.{0,2}[A-Za-z0-9_~-]|\.{3})[A-Za-z0-9._~-]*)?$",
        max_length=200,
    ),
    Form("a path that begins with /, of letters, digits and . _ ~ / -, without //, /./ or /../"),
]
RepoPath = Annotated[
    str,
    StringConstraints(pattern=r"^(\./)?[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$"),
    Form("a path inside the app's repository, such as build.sh"),
]

_GIT_URL = re.compile(
    r"^((https|http|ssh|git)://[A-Za-z0-9][A-Za-z0-9.@:_-]*/[A-Za-z0-9._~/-]+"
    r"|[A-Za-z0-9_][A-Za-z0-9_-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9._~/-]+"
    r"|file:///[A-Za-z0-9._~/-]+)$"
)
_HTTP_USER = re.compile(r"https?://[^/]*@")
_DURATION = re.compile(r"^([0-9]{1,6})(ms|s|m|h|d)$")
_LONGEST = 30 * 86400
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def without_secret(value: str) -> str:
    """A Git address that may be shown and logged. Raises `ValueError`, which does not show it, for one that may not."""
    if _HTTP_USER.match(value):
        raise ValueError("a Git address is shown and logged, so it holds no token; git's credential store keeps that")
    return value


def _git_url(value: str) -> str:
    if not _GIT_URL.fullmatch(value):
        raise ValueError(f"a Git address is {_GIT_WORDS}")
    return value


def _no_parent(value: str) -> str:
    if ".." in value.split("/"):
        raise ValueError("a path stays inside the repository, without '..'")
    return value


def _with_port(value: str) -> str:
    if not 1 <= int(value.rpartition(":")[2]) <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"a variable holds {_VARIABLE_WORDS}")
    return value


def seconds(value: object) -> object:
    """Seconds from `30s`, `5m`, `1h`, `2d`; numbers pass as they are (records keep seconds)."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            raise ValueError("a duration is a number and a unit, such as 30s, 5m or 1h")
        return int(match[1]) * _UNITS[match[2]]
    return value


_GIT_WORDS = "https://…, ssh://…, git://…, file:///… or user@host:path"
_VARIABLE_WORDS = "up to 4000 characters that can be printed, on one line; a number or a word like true in quotes"
_DURATION_WORDS = "a number and a unit (ms, s, m, h, d), such as 30s, 5m or 1h; 30 days at most"

GitUrl = Annotated[
    str,
    AfterValidator(without_secret),
    AfterValidator(_git_url),
    WithJsonSchema({"type": "string", "pattern": _GIT_URL.pattern}),
    Form(_GIT_WORDS),
]
CronLine = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9*/,-]+( [0-9*/,A-Za-z-]+){4}$", max_length=100),
    Form("five fields of cron, such as 0 8 * * mon-fri"),
]
WebAddress = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"),
    Form("an address, as https://host"),
]
BackupPlace = Annotated[
    str,
    StringConstraints(pattern=r"^(/[A-Za-z0-9._/-]*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?)$"),
    Form("a folder such as /mnt/backups, or s3://bucket/prefix"),
]
BucketRegion = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9-]{0,40}$"),
    Form("a region such as eu-central, or nothing"),
]
ServiceBackupName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][A-Za-z0-9._-]{0,199}(@[0-9]{8}T[0-9]{6}Z)?$"),
    Form("as `flstr service backups` lists it; with @ and a time where it is restored once more"),
]
EtcdUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9][A-Za-z0-9.-]*:[0-9]{1,5}$"),
    AfterValidator(_with_port),
    Form("an address and a port, such as http://10.110.0.1:2379"),
]
VariableValue = Annotated[
    str,
    AfterValidator(_printable),
    StringConstraints(max_length=4000),
    WithJsonSchema({"type": "string", "pattern": r"^[^\x00-\x1f\x7f]*$", "maxLength": 4000}),
    Form(_VARIABLE_WORDS),
]
ScriptPath = Annotated[RepoPath, AfterValidator(_no_parent)]
Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    Field(gt=0, le=_LONGEST),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _DURATION.pattern, "patternErrorMessage": _DURATION_WORDS},
                {"type": "number", "exclusiveMinimum": 0, "maximum": _LONGEST},
            ]
        }
    ),
    Form(_DURATION_WORDS),
]


def node_name(pool: str, number: int) -> str:
    """`worker` and 101 make `worker101`; numbers have at least three digits."""
    return f"{pool}{number:03d}"
