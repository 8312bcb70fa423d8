"""The systemd unit of an instance, from the app, its place and what is registered."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from executors.host_paths import credentials_folder, release_paths, unit_name
from executors.needed import where, where_needed
from executors.overlay_files import DRIVER_UNITS
from executors.script import STATE_FOLDER
from executors.templates import render
from model.app import App
from model.hardening import settings
from model.names import InstanceId, NodeName
from model.networks import OVERLAY
from model.registered import MetaData, Registered


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
    """The variables an instance is given: the manifest's, its own, and where it finds its app and all it needs."""
    own = MetaData(publish=app.publish, env_prefix=app.env_prefix, env=app.env)
    variables = dict(app.variables) | {
        "HOST": place.address,
        "PORT": str(place.port),
        "HOME": "/tmp",  # noqa: S108 - the unit has a /tmp of its own
        "FLSTR_APP": app.app,
        "FLSTR_COMMIT": app.commit,
        "FLSTR_INSTANCE": instance,
    }
    return variables | where_needed(app, registered) | where(own)


def unit_file(
    app: App, instance: InstanceId, place: Place, variables: Mapping[str, str], of_services: Collection[str] = ()
) -> str:
    """The unit that runs an instance from its release; `of_services` are the credentials besides the app's secrets."""
    return render(
        "app/instance.service.j2",
        app=app,
        instance=instance,
        network_units=network_units(place.network),
        paths=release_paths(app),
        state_folder=STATE_FOLDER,
        sandbox=settings(app.hardening),
        credentials=credentials_folder(unit_name(app.kind, app.app, instance)),
        credential_names=[*app.secrets, *of_services],
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
