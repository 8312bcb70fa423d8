"""Where things of an app stand on a machine."""

import hashlib
from dataclasses import dataclass

from executors.script import STATE_FOLDER
from model.app import App
from model.names import AppKind

UNITS_FOLDER = "/etc/systemd/system"


def app_folder(kind: AppKind, app: str) -> str:
    """Everything of an app on a machine: its mirror and its releases."""
    return f"{STATE_FOLDER}/apps/{kind}-{app}"


def unit_name(kind: AppKind, app: str, instance: str) -> str:
    """The systemd unit of an instance."""
    return f"flstr-{kind}-{app}-{instance}.service"


def unit_path(kind: AppKind, app: str, instance: str) -> str:
    """The file of that unit."""
    return f"{UNITS_FOLDER}/{unit_name(kind, app, instance)}"


def boot_link(unit: str) -> str:
    """The link by which a unit starts with the machine."""
    return f"{UNITS_FOLDER}/multi-user.target.wants/{unit}"


def credentials_folder(unit: str) -> str:
    """The secrets of an instance, for root alone; systemd hands them to its unit."""
    return f"{STATE_FOLDER}/credentials/{unit}"


def build_unit(kind: AppKind, app: str) -> str:
    """The transient unit in which a release of an app is built; a machine builds one of an app at a time."""
    return f"flstr-build-{kind}-{app}.service"


@dataclass(frozen=True)
class ReleasePaths:
    """A commit built by one build script; another build script of the same commit makes another release."""

    folder: str
    name: str

    @property
    def release(self) -> str:
        """The built tree, in which the instances run."""
        return f"{self.folder}/releases/{self.name}"

    @property
    def built(self) -> str:
        """The stamp, written once the release is complete."""
        return f"{self.release}.built"

    @property
    def log(self) -> str:
        """What the build script printed."""
        return f"{self.release}.build.log"

    @property
    def mirror(self) -> str:
        """The app's Git objects on this machine."""
        return f"{self.folder}/mirror.git"


def release_paths(app: App) -> ReleasePaths:
    """Where the release of an app's commit stands."""
    builder = hashlib.sha256((app.build or "").encode()).hexdigest()[:8]
    return ReleasePaths(app_folder(app.kind, app.app), f"{app.commit}-{builder}")
