"""What `flstr` is told by its environment. `docs/settings.md` lists the same."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from model.errors import Refused
from model.names import without_secret

HETZNER_API = "https://api.hetzner.cloud/v1"


class Settings(BaseSettings):
    """The environment, read once. Secrets print as stars."""

    model_config = SettingsConfigDict(env_prefix="FLSTR_", extra="ignore", populate_by_name=True)

    cluster_repo: str = Field("", description="Git address of the cluster repo")
    branch: str = Field("main", description="Branch that says what is desired")
    state: Path = Field(Path("/var/lib/flstr"), description="Where flstr keeps its SSH key, its clones and its etcd")
    etcd_endpoints: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="A real etcd, as http://host:port,…; without it flstr runs one of its own"
    )
    poll_seconds: float = Field(15.0, ge=0.2, description="How often the cluster repo is looked at")
    log_format: str = Field("text", pattern="^(text|json)$", description="text for people, json for machines")
    email: str = Field("", description="Who you are in a shell; without it, Git's user.email")
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

    @field_validator("cluster_repo")
    @classmethod
    def _no_token(cls, value: str) -> str:
        return without_secret(value)

    @field_validator("etcd_endpoints", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    def require(self, *names: str) -> None:
        """Raise `Refused` naming the variables that must be set for this command and are not."""
        missing = [_VARIABLES[name] for name in names if not _plain(getattr(self, name))]
        if missing:
            raise Refused(f"set {' and '.join(missing)} first; docs/settings.md says what each is for")


_VARIABLES = {
    "cluster_repo": "FLSTR_CLUSTER_REPO",
    "hcloud_token": "HCLOUD_TOKEN",
    "slack_bot_token": "SLACK_BOT_TOKEN",
    "slack_app_token": "SLACK_APP_TOKEN",
}


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
        name = "_".join(str(part) for part in first["loc"]).upper()
        variable = name if name.startswith(("HCLOUD", "SLACK")) else f"FLSTR_{name}"
        if first["type"] == "value_error":
            raise Refused(f"{variable}: {first['ctx']['error']}") from None
        raise Refused(f"{variable} cannot be '{first.get('input')}': {first['msg']}") from error
    for secret in ("HCLOUD_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        os.environ.pop(secret, None)
    return settings
