"""`services/<name>.yaml`: Redis and the like, installed by an Ansible playbook on machines of role `service`."""

import json
from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, Tag, field_validator, model_validator

from model.app import Publish, ServiceEnv
from model.base import Frozen
from model.names import (
    AnsibleVariable,
    AppName,
    CronLine,
    DatabaseName,
    DatabaseRoleName,
    EnvPrefix,
    NodeName,
    PasswordName,
    PlaybookName,
    PoolName,
    Port,
    Seconds,
    ServiceBackupName,
    UserName,
)
from model.playbooks import OURS, Playbook
from model.schema import AS_FIELDS, AS_NAME


class DatabaseRole(Frozen):
    """A role in one database, as MongoDB's createUser takes it."""

    role: DatabaseRoleName = Field(description="Name of the role, such as readWrite")
    db: DatabaseName = Field(description="The database that it is good for")


def _written_as(role: object) -> str:
    return AS_NAME if isinstance(role, str) else AS_FIELDS


# By what it is written as, so that what is wrong is said of that alone.
UserRole = Annotated[
    Annotated[DatabaseRoleName, Tag(AS_NAME)] | Annotated[DatabaseRole, Tag(AS_FIELDS)], Discriminator(_written_as)
]


class ServicePublish(Publish):
    """The port at which every machine's own HAProxy offers the service, at 127.0.0.1 alone."""

    port: Port = Field(description="Port at 127.0.0.1 of each machine, the same everywhere; one service only, no app")


class ServiceUser(Frozen):
    """A user inside the service; flstr makes the password, and gives it to the apps named here alone."""

    roles: tuple[UserRole, ...] = Field(
        (), description="What the user may do; a role by itself is good for the database of the user's name"
    )
    apps: tuple[AppName, ...] = Field((), description="Apps that come as this user; each lists the service under needs")


class ServiceBackups(Frozen):
    """Backups of a service, which are kept where the cluster's own backups are."""

    at: CronLine | None = Field(None, description="When one is made, in five fields of cron; only when asked, without")
    keep: int = Field(7, ge=1, le=1000, description="How many of the newest are kept")


class Service(Frozen):
    """The whole of `services/<name>.yaml`."""

    service: AppName = Field(description="Name; the file is named after it")
    playbook: PlaybookName = Field(
        description="redis, mongodb, elasticsearch or nginx, or a playbook of the cluster repo: playbooks/queue.yml"
    )
    pool: PoolName | None = Field(None, description="Pool of role service; it runs on all of its machines")
    nodes: tuple[NodeName, ...] = Field((), description="Machines of role service, where it is not a whole pool")
    port: Port | None = Field(
        None, description="Where it listens in the apps' network; the usual one of our playbooks where it is left out"
    )
    publish: ServicePublish = Field(description="Where every node's own HAProxy offers it")
    env_prefix: EnvPrefix = Field(description="Prefix of the variables that tell apps where it is")
    env: ServiceEnv = Field(
        ServiceEnv(), description="What apps are told about reaching it; our playbooks have their usual PROTOCOL"
    )
    variables: dict[AnsibleVariable, JsonValue] = Field(
        default_factory=dict, description="What the playbook is told, by the names of its role's options"
    )
    users: dict[UserName, ServiceUser] = Field(
        default_factory=dict, description="Users inside the service, of playbooks that make some"
    )
    passwords: tuple[PasswordName, ...] = Field(
        (),
        description="Passwords that flstr makes for a playbook of the cluster repo; apps that need it get them all, "
        "but for those that come as one of its `users`, which get that user's alone",
    )
    health: Literal["tcp", "http"] = Field(
        "tcp",
        description="How HAProxy sees that a playbook of the cluster repo serves: a connection, or GET env.PATH; "
        "of ours it is known",
    )
    keeps_data: bool = Field(
        False,
        description="Whether a playbook of the cluster repo has data, and backs them up and restores them when told",
    )
    backup: ServiceBackups = Field(ServiceBackups(), description="When backups are made, and how many are kept")
    restored: ServiceBackupName | None = Field(
        None, description="The backup that its data comes from, as `flstr service restore` writes it"
    )
    within: Seconds = Field(900.0, description="How long a run of the playbook may take")

    @field_validator("variables")
    @classmethod
    def _as_json_has_them(cls, variables: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Plans are kept as JSON, which has neither of these."""
        try:
            json.dumps(variables, allow_nan=False)
        except ValueError as error:
            raise ValueError("a number is infinite, or none at all; write one with digits") from error
        return variables

    @model_validator(mode="before")
    @classmethod
    def _speaks_as_usual(cls, data: object) -> object:
        """What is told of our playbooks where the manifest does not say it."""
        if not isinstance(data, dict):
            return data
        ours, env = OURS.get(str(data.get("playbook"))), data.get("env", {})
        return {**data, "env": {"PROTOCOL": ours.speaks, **env}} if ours and isinstance(env, dict) else data

    @model_validator(mode="after")
    def _somewhere_and_complete(self) -> "Service":
        if (self.pool is None) == (not self.nodes):
            raise ValueError("a service runs on a pool or on nodes: name one of the two")
        if self.ours is None and self.port is None:
            raise ValueError("a playbook of the cluster repo needs a field 'port', at which its service listens")
        if self.ours is not None and self.passwords:
            raise ValueError("passwords are for playbooks of the cluster repo; ours have theirs made by themselves")
        if self.ours is not None and self.keeps_data:
            raise ValueError("keeps_data is for playbooks of the cluster repo; of ours it is known")
        return self

    @property
    def ours(self) -> Playbook | None:
        """What flstr knows of its playbook; None of one of the cluster repo."""
        return OURS.get(self.playbook)

    @property
    def listens_at(self) -> int:
        """The port of its instances, in the apps' network."""
        if self.port is not None:
            return self.port
        assert self.ours is not None  # noqa: S101 - the manifest was validated
        return self.ours.port

    @property
    def has_data(self) -> bool:
        """Whether it holds data that its playbook copies away and puts back."""
        return self.keeps_data if self.ours is None else self.ours.keeps_data

    @property
    def leads(self) -> bool:
        """Whether one instance leads and the others follow it, as flstr says."""
        return self.ours is not None and self.ours.leads

    def user_of(self, app: AppName) -> UserName | None:
        """The user that an app comes as, or None."""
        return next((name for name, user in sorted(self.users.items()) if app in user.apps), None)

    def told_where(self, app: AppName) -> tuple[str, ...]:
        """The names of the variables that tell an app where it is, and as whom to come if there is a user for it."""
        user = ("USER",) if self.user_of(app) is not None else ()
        return tuple(f"{self.env_prefix}_{end}" for end in ("PROTOCOL", "HOST", "PORT", "PATH", *user))

    def credentials_for(self, app: AppName) -> dict[str, str]:
        """What an app that needs it finds in its credentials, by file name: the name of the service's secret."""
        user = self.user_of(app)
        if user is not None:
            return {f"{self.env_prefix}_PASSWORD": user_secret(user)}
        if self.ours is None:
            return {f"{self.env_prefix}_{name.upper()}": name for name in self.passwords}
        return {f"{self.env_prefix}_PASSWORD": self.ours.password} if self.ours.password else {}

    def for_app(self, app: AppName) -> dict[str, object]:
        """What an app that needs it is told; its instances are replaced where any of it changes."""
        told = self.model_dump(mode="json", include={"publish", "env_prefix", "env"})
        return {**told, "user": self.user_of(app), "credentials": self.credentials_for(app)}


def user_secret(user: UserName) -> str:
    """The secret that holds a user's password."""
    return f"user-{user}"
