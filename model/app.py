"""`apps/<name>.yaml`: a backend or frontend, deployed from a commit."""

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from model.base import Frozen
from model.hardening import Hardening
from model.names import (
    AppKind,
    AppName,
    CertificateHost,
    CommitHash,
    Encrypted,
    EnvPrefix,
    GitUrl,
    LocationPath,
    MemoryLimit,
    MemoryShare,
    NodeName,
    PoolName,
    Port,
    ProtocolName,
    ScriptPath,
    Seconds,
    SecretName,
    Timestamp,
    UrlPath,
    VariableName,
    VariableValue,
)

# Long for a request, short for a roll-out; websockets are cut then, and their clients connect anew.
DRAIN_SECONDS = 30.0

HTTP_PORT, HTTPS_PORT = 80, 443
NOTHING: Mapping[str, object] = MappingProxyType({})

# How variables end that say where an app is; they begin with its env_prefix.
WHERE = ("PROTOCOL", "HOST", "PORT", "PATH")
# What an instance is told beside that, so that no app can tell it otherwise.
OWN_PREFIX = "FLSTR_"
OWN_VARIABLES = frozenset({"HOST", "PORT", "HOME", "CREDENTIALS_DIRECTORY"})


class Health(Frozen):
    """How an instance shows that it can serve."""

    path: UrlPath = Field("/health", description="Path that answers 200 when the instance can serve")


class Update(Frozen):
    """How a new release takes the place of the one that serves."""

    max_parallel: int = Field(1, ge=1, le=100, description="How many instances are replaced at once")
    canary: int = Field(
        0, ge=0, le=100, description="How many are replaced first, and watched before the others; 0 for max_parallel"
    )
    min_healthy_time: Seconds = Field(
        2.0, description="How long a new instance has to serve without a fault before an old one goes"
    )
    healthy_deadline: Seconds = Field(60.0, description="How long a new instance may take until it first answers")
    drain: Seconds = Field(DRAIN_SECONDS, description="How long an old instance's connections are waited for at most")
    auto_revert: bool = Field(True, description="Whether a release that fails gives way to the one before")


class Publish(Frozen):
    """The port on which HAProxy offers the app on every node."""

    # What a service says of itself is registered in this form.
    model_config = ConfigDict(revalidate_instances="subclass-instances")

    port: Port = Field(description="Port on each node, the same everywhere; one app only")


class ServiceEnv(Frozen):
    """What apps are told about reaching a service; HOST and PORT are the node's own HAProxy."""

    # What an app says of itself is registered in this form.
    model_config = ConfigDict(revalidate_instances="subclass-instances")

    protocol: ProtocolName = Field("tcp", alias="PROTOCOL", description="What it speaks, such as redis or http")
    path: UrlPath = Field("/", alias="PATH", description="Path under which it is asked")


class Env(ServiceEnv):
    """What others are told about reaching this app; HOST and PORT are the node's own HAProxy."""

    protocol: Literal["http", "https", "tcp"] = Field("http", alias="PROTOCOL", description="What the app speaks")


class IngressBinding(Frozen):
    """A public address that leads to this app."""

    host: CertificateHost = Field(description="Public host name; *. at its beginning stands for one label")
    port: Port | None = Field(None, description="Public port, where it is not 443 with `ssl` and 80 without")
    ssl: bool = Field(False, description="Whether it is served by https, with a certificate that flstr gets and renews")
    hsts: bool = Field(True, description="With `ssl`: whether browsers are told to come by https only from then on")
    location: LocationPath = Field("/", description="Path under which the app answers")
    pool: PoolName | None = Field(None, description="Pool of the ingresses that serve it, where not all of them do")
    nodes: tuple[NodeName, ...] = Field((), description="The ingresses that serve it, where it is not a whole pool")

    @model_validator(mode="after")
    def _one_place_and_a_port_for_it(self) -> "IngressBinding":
        if self.pool is not None and self.nodes:
            raise ValueError("an address is served by the ingresses of a pool or by named ones, not by both")
        if self.ssl and self.port == HTTP_PORT:
            raise ValueError("port 80 is for plain http, over which certificates are got; leave it out for 443")
        return self

    @property
    def public_port(self) -> int:
        """Where it is served."""
        return self.port or (HTTPS_PORT if self.ssl else HTTP_PORT)


class App(Frozen):
    """The whole of `apps/<name>.yaml`."""

    app: AppName = Field(description="Name; the file is named after it")
    kind: AppKind = Field(description="What it is to the others")
    repo: GitUrl = Field(description="Git repository of the app")
    commit: CommitHash = Field(description="The exact commit that runs")
    instances: int = Field(1, ge=0, le=100, description="How many instances run")
    build: ScriptPath | None = Field(None, description="Script in the repository that builds a release")
    run: ScriptPath = Field(description="Script in the repository that runs an instance on $HOST:$PORT")
    build_within: Seconds = Field(600.0, description="How long the build may take")
    build_memory: MemoryShare = Field("50%", description="Memory the build may use")
    keep_releases: int = Field(
        3,
        ge=1,
        le=50,
        description="How many built releases a machine keeps, beside those that run or may be gone back to",
    )
    memory: MemoryLimit = Field("512M", description="Memory an instance may use")
    tasks: int = Field(1024, ge=16, le=65536, description="Processes and threads an instance may have")
    restart: Literal["always", "on-failure", "no"] = Field(
        "always", description="When an instance that has ended is started again, after 2 s"
    )
    hardening: Hardening = Field(Hardening(), description="What of its sandbox the app needs looser")
    health: Health = Field(Health(), description="How an instance shows that it can serve")
    update: Update = Field(Update(), description="How a new release takes the place of the one that serves")
    stopped: bool = Field(False, description="Whether no instance runs for now, however many there are otherwise")
    restarted: Timestamp | None = Field(
        None, description="When a restart was last asked for; another time replaces every instance"
    )
    publish: Publish = Field(description="Where every node's own HAProxy offers the app")
    env_prefix: EnvPrefix = Field(description="Prefix of the variables that tell others where this app is")
    env: Env = Field(Env(), description="What others are told about reaching the app")
    needs: tuple[AppName, ...] = Field((), description="Apps and services whose variables an instance is given")
    variables: dict[VariableName, VariableValue] = Field(
        default_factory=dict, description="Other variables that an instance is given, in plain text"
    )
    secrets: dict[SecretName, Encrypted] = Field(
        default_factory=dict,
        description="What an instance finds in files $CREDENTIALS_DIRECTORY/<name>, encrypted by `flstr secret set`",
        json_schema_extra={"writeOnly": True},
    )
    ingress: tuple[IngressBinding, ...] = Field((), description="Public addresses that lead here")

    @property
    def count(self) -> int:
        """How many instances run."""
        return 0 if self.stopped else self.instances

    def told_where(self) -> tuple[str, ...]:
        """The names of the variables that say where this app is."""
        return tuple(f"{self.env_prefix}_{end}" for end in WHERE)

    def runs(self) -> dict[str, object]:
        """What a running instance is made from; it has to be replaced where any of it changes."""
        return self.model_dump(mode="json", exclude={"instances", "stopped", "ingress", "update", "keep_releases"})

    def spec(
        self, needed: Iterable["App"] = (), network: str = "", services: Mapping[AppName, object] = NOTHING
    ) -> str:
        """Eight digits that change whenever a running instance would have to be replaced.

        An instance is told at its start where to find the apps and services it needs, and listens in one network.
        """
        runs = {**self.runs(), "network": network}
        for other in needed:
            runs[f"needs {other.app}"] = other.model_dump(mode="json", include={"publish", "env_prefix", "env"})
        runs |= {f"needs service {name}": told for name, told in services.items()}
        text = "\n".join(f"{key}={runs[key]!r}" for key in sorted(runs))
        return hashlib.sha256(text.encode()).hexdigest()[:8]
