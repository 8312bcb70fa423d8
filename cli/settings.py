"""What `flstr` is told by its environment. `docs/settings.md` lists the same."""

import contextlib
import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from model.errors import Refused
from model.names import without_secret

_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+:[0-9]{1,5}")
_DIRECTORY = re.compile(r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9._~/-]*$")
_DOMAIN = re.compile(r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")
_WEB = re.compile(r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$")

HETZNER_API = "https://api.hetzner.cloud/v1"
CRTSH = "https://crt.sh"
CERTSPOTTER_API = "https://api.certspotter.com"
LETS_ENCRYPT_DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"


class Settings(BaseSettings):
    """The environment, read once. Secrets print as stars."""

    model_config = SettingsConfigDict(env_prefix="FLSTR_", extra="ignore", populate_by_name=True)

    cluster_repo: str = Field("", description="Git address of the cluster repo")
    branch: str = Field("main", description="Branch that says what is desired")
    state: Path = Field(Path("/var/lib/flstr"), description="Where flstr keeps its keys, its clones and its etcd")
    etcd_endpoints: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="A real etcd, as https://host:port,…; without it flstr runs one of its own"
    )
    etcd_ca: Path | None = Field(None, description="PEM file of the authority that etcd's certificates lead to")
    etcd_certificate: Path | None = Field(
        None, description="PEM file of the certificate by which etcd knows flstr; its common name is the user"
    )
    etcd_key: Path | None = Field(None, description="PEM file of the private key of that certificate")
    node: str = Field(
        "", pattern=r"^([a-z]{1,20}[0-9]{3,5})?$", description="The controller that this flstr serve runs on, if any"
    )
    poll_seconds: float = Field(
        15.0, ge=0.2, description="Seconds between two looks at the cluster repo and at the machines, 0.2 at least"
    )
    log_format: str = Field("text", pattern="^(text|json)$", description="`text` for people, `json` for machines")
    email: str = Field("", description="Who you are in a shell; without it, Git's user.email")
    cache: Path | None = Field(
        None, description="Where what was fetched for controllers is kept, if not `flstr` in the user's cache folder"
    )
    hcloud_token: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("HCLOUD_TOKEN"), description="Hetzner Cloud API token"
    )
    hcloud_endpoint: str = Field(
        HETZNER_API,
        validation_alias=AliasChoices("HCLOUD_ENDPOINT"),
        description="The cloud's API, if not Hetzner's",
    )
    slack_bot_token: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("SLACK_BOT_TOKEN"), description="Slack bot token, xoxb-…"
    )
    slack_app_token: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("SLACK_APP_TOKEN"), description="Slack app-level token, xapp-…"
    )
    slack_api_url: str = Field(
        "", validation_alias=AliasChoices("SLACK_API_URL"), description="Slack's Web API, if not Slack's own"
    )
    crtsh_url: str = Field(CRTSH, pattern=_WEB.pattern, description="Address of crt.sh, as https://host")
    certspotter_url: str = Field(
        CERTSPOTTER_API,
        pattern=_WEB.pattern,
        description="Address of Cert Spotter's API, asked where crt.sh fails, as https://host",
    )
    nameserver: str = Field("", description="IP address of the name server to ask, if not the machine's own")
    acme_directory: str = Field(
        LETS_ENCRYPT_DIRECTORY,
        pattern=_DIRECTORY.pattern,
        description="ACME directory of the certificate authority, as https://host/path",
    )
    acme_directory_ca: Path | None = Field(
        None, description="PEM file of the authority that the ACME directory is served under, if no public one"
    )
    acme_root: Path | None = Field(
        None, description="PEM file of the root that certificates have to lead to, if not the roots this machine trusts"
    )
    acme_issuer: str = Field(
        "Let's Encrypt",
        min_length=1,
        description="Organisation that issues the certificates, as Certificate Transparency names it",
    )
    acme_caa: str = Field(
        "letsencrypt.org", pattern=_DOMAIN.pattern, description="Domain by which CAA records name that authority"
    )

    s3_access_key: SecretStr = Field(
        SecretStr(""), description="Access key of the bucket of backups, where they are kept in one"
    )
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Secret key that goes with it")

    @field_validator("cluster_repo")
    @classmethod
    def _no_token(cls, value: str) -> str:
        return without_secret(value)

    @field_validator("etcd_endpoints", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("etcd_endpoints")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ENDPOINT.fullmatch(endpoint) for endpoint in value):
            raise ValueError("an endpoint is https://host:port, or http://host:port")
        return value

    @field_validator("nameserver")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return str(ip_address(value)) if value else ""

    @field_validator(
        "acme_directory_ca", "acme_root", "cache", "etcd_ca", "etcd_certificate", "etcd_key", mode="before"
    )
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return value or None

    @field_validator("acme_directory_ca", "acme_root", "etcd_ca", "etcd_certificate", "etcd_key")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        with contextlib.suppress(OSError):
            if value is None or value.is_file():
                return value
        raise ValueError("there is no such file")

    def require(self, *names: str) -> None:
        """Raise `Refused` naming the variables that must be set for this command and are not."""
        missing = [variable_of(name) for name in names if not _plain(getattr(self, name))]
        if missing:
            raise Refused(f"set {' and '.join(missing)} first; docs/settings.md says what each is for")


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"FLSTR_{name.upper()}"


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def read_settings() -> Settings:
    """The settings of this environment, and its secrets out of it: what flstr starts need not know them.

    Raises `Refused` with the variable that is wrong.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = next(name for name in Settings.model_fields if str(first["loc"][0]) in (name, variable_of(name)))
        if name == "cluster_repo":
            # What is wrong with it is a secret in it, which is not shown again.
            raise Refused(f"{variable_of(name)}: {first['ctx']['error']}") from None
        wanted = Settings.model_fields[name].description
        raise Refused(f"{variable_of(name)} cannot be '{first.get('input')}': {wanted}") from error
    for name, field in Settings.model_fields.items():
        if field.annotation is SecretStr:
            os.environ.pop(variable_of(name), None)
    return settings
