"""The systemd unit of an instance, from the app, its place and what is registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from executors.host_paths import credentials_folder, release_paths, unit_name
from executors.overlay_files import DRIVER_UNITS
from executors.script import STATE_FOLDER
from executors.templates import render
from model.app import App
from model.errors import StepFailed
from model.hardening import settings
from model.names import AppName, InstanceId, NodeName
from model.networks import OVERLAY
from model.registered import MetaData, Registered

# Every node's own HAProxy offers every app here.
LOCAL_HAPROXY = "127.0.0.1"


@dataclass(frozen=True)
class Place:
    """Where an instance listens: an address of a mesh or of the overlay, on a machine."""

    node: NodeName
    network: str
    address: str
    port: int

    def health(self, app: App) -> "HealthUrl":
        """Where the instance says that it can serve, as its users in the network ask for it."""
        return HealthUrl("https" if app.env.protocol == "https" else "http", self.address, self.port, app.health.path)


@dataclass(frozen=True)
class HealthUrl:
    """An address that answers 200 when an instance can serve."""

    scheme: Literal["http", "https"]
    address: str
    port: int
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.address}:{self.port}{self.path}"


def environment(app: App, instance: InstanceId, place: Place, registered: Registered) -> dict[str, str]:
    """The variables an instance is given: the manifest's, its own, and where it finds its app and each it needs."""
    own = MetaData(publish=app.publish, env_prefix=app.env_prefix, env=app.env)
    variables = dict(app.variables) | {
        "HOST": place.address,
        "PORT": str(place.port),
        "HOME": "/tmp",  # noqa: S108 - the unit has a /tmp of its own
        "FLSTR_APP": app.app,
        "FLSTR_COMMIT": app.commit,
        "FLSTR_INSTANCE": instance,
    }
    for needed in app.needs:
        variables |= _where(_meta_data(app.app, needed, registered))
    return variables | _where(own)


def unit_file(app: App, instance: InstanceId, place: Place, variables: Mapping[str, str]) -> str:
    """The unit that runs an instance from its release."""
    return render(
        "app/instance.service.j2",
        app=app,
        instance=instance,
        network_units=network_units(place.network),
        paths=release_paths(app),
        state_folder=STATE_FOLDER,
        sandbox=settings(app.hardening),
        credentials=credentials_folder(unit_name(app.kind, app.app, instance)),
        environment=[systemd_word(f"{name}={value}") for name, value in variables.items()],
    )


def network_units(network: str) -> tuple[str, ...]:
    """The units that carry a network: that of its mesh, or those of the overlay's drivers."""
    if network == OVERLAY:
        return tuple(f"{unit}.service" for unit in DRIVER_UNITS.values())
    return (f"tinc@{network}.service",)


def systemd_word(text: str) -> str:
    """One word of a unit file, whatever the text holds; systemd.syntax(7) and systemd.unit(5), specifiers."""
    if not text.isprintable():
        raise ValueError(f"a unit file cannot hold {text!r}")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _where(meta: MetaData) -> dict[str, str]:
    return {
        f"{meta.env_prefix}_PROTOCOL": meta.env.protocol,
        f"{meta.env_prefix}_HOST": LOCAL_HAPROXY,
        f"{meta.env_prefix}_PORT": str(meta.publish.port),
        f"{meta.env_prefix}_PATH": meta.env.path,
    }


def _meta_data(app: AppName, needed: AppName, registered: Registered) -> MetaData:
    for (_, name), found in registered.apps.items():
        if name == needed and found.meta_data is not None:
            return found.meta_data
    raise StepFailed(f"{app} needs {needed}, which is not registered; add apps/{needed}.yaml")
