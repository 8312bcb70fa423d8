"""Manifests from the files of a revision, with every fault named by file and line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from gitops.fault_sentences import sentence, without_values
from model.app import App
from model.base import Frozen
from model.cluster import Cluster
from model.errors import Refused
from model.names import AppKind, AppName
from model.schema import WRITTEN_AS, json_schema
from model.service import Service

CLUSTER_FILE = "cluster.yaml"
APPS_FOLDER = "apps/"
SERVICES_FOLDER = "services/"
PLAYBOOKS = "playbooks"

M = TypeVar("M", bound=Frozen)


@dataclass(frozen=True)
class Fault:
    """Something wrong in a manifest; `line` counts from 1."""

    path: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}"


_NO_CLUSTER = Fault(CLUSTER_FILE, 1, "the file is missing; a cluster repo has one at its top")


class FaultyManifests(Refused):
    """A revision that cannot be used, with everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}")
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Manifests:
    """Everything a revision says; `playbooks` is Git's id of its folder of playbooks, empty where it has none."""

    cluster: Cluster
    apps: Mapping[tuple[AppKind, AppName], App] = field(default_factory=dict)
    services: Mapping[AppName, Service] = field(default_factory=dict)
    playbooks: str = ""

    def app_named(self, name: str) -> App | None:
        """The app of this name, of whatever kind."""
        return next((app for app in self.apps.values() if app.app == name), None)

    def spec(self, app: App) -> str:
        """What the names of an app's instances end with."""
        apps = [other for name in app.needs if (other := self.app_named(name))]
        services = [service for name in app.needs if (service := self.services.get(name))]
        return app.spec(apps, self.cluster.app_network() or "", {one.service: one.for_app(app.app) for one in services})


@dataclass(frozen=True)
class Document:
    """A parsed file: its plain data, and where each field stands."""

    path: str
    data: Any

    def line(self, location: Sequence[str | int]) -> int:
        """The line of a field, or of the closest thing around it that exists."""
        here, line = self.data, 1
        for part in location:
            try:
                position = here.lc.key(part) if isinstance(part, str) else here.lc.item(part)
                line, here = position[0] + 1, here[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line


def load(files: Mapping[str, str]) -> Manifests:
    """The manifests of a revision; `files` is as `ClusterRepo.files` gives it. Raises `FaultyManifests`."""
    if CLUSTER_FILE not in files:
        raise FaultyManifests([_NO_CLUSTER])
    faults: list[Fault] = []
    cluster = _read(CLUSTER_FILE, files[CLUSTER_FILE], Cluster, faults)
    apps: dict[tuple[AppKind, AppName], App] = {}
    for path in app_paths(files):
        app = _read(path, files[path], App, faults)
        if app is None:
            continue
        if path != app_path(app.app):
            faults.append(Fault(path, 1, f"the file of app {app.app} is called {app_path(app.app)}"))
        apps[app.kind, app.app] = app
    services: dict[AppName, Service] = {}
    for path in service_paths(files):
        service = _read(path, files[path], Service, faults)
        if service is None:
            continue
        if path != service_path(service.service):
            where = service_path(service.service)
            faults.append(Fault(path, 1, f"the file of service {service.service} is called {where}"))
        services[service.service] = service
    if faults or cluster is None:
        raise FaultyManifests(faults)
    return Manifests(cluster, apps, services, files.get(PLAYBOOKS, ""))


def load_app(path: str, text: str) -> App:
    """One app's manifest by itself. Raises `FaultyManifests`."""
    faults: list[Fault] = []
    app = _read(path, text, App, faults)
    if app is None:
        raise FaultyManifests(faults)
    return app


def app_paths(files: Mapping[str, str]) -> list[str]:
    """The files that describe apps, in order."""
    return sorted(path for path in files if path.startswith(APPS_FOLDER) and path.endswith(".yaml"))


def app_path(name: AppName) -> str:
    """Where an app is described."""
    return f"{APPS_FOLDER}{name}.yaml"


def service_paths(files: Mapping[str, str]) -> list[str]:
    """The files that describe services, in order."""
    return sorted(path for path in files if path.startswith(SERVICES_FOLDER) and path.endswith(".yaml"))


def service_path(name: AppName) -> str:
    """Where a service is described."""
    return f"{SERVICES_FOLDER}{name}.yaml"


def parse(path: str, text: str) -> Document:
    """A YAML file with its positions. Raises `FaultyManifests` where it is not YAML."""
    try:
        return Document(path, YAML(typ="rt").load(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = without_values(str(error.problem or "cannot be read"))
        raise FaultyManifests([Fault(path, mark.line + 1 if mark else 1, f"this is not YAML: {problem}")]) from None
    except (YAMLError, ValueError) as error:
        raise FaultyManifests([Fault(path, 1, f"this is not YAML: {without_values(str(error))[:200]}")]) from None


def read_cluster(files: Mapping[str, str]) -> Cluster:
    """The `cluster.yaml` of a revision by itself, whatever else is wrong in it. Raises `FaultyManifests`."""
    faults: list[Fault] = []
    if CLUSTER_FILE not in files:
        raise FaultyManifests([_NO_CLUSTER])
    cluster = _read(CLUSTER_FILE, files[CLUSTER_FILE], Cluster, faults)
    if cluster is None:
        raise FaultyManifests(faults)
    return cluster


def _read(path: str, text: str, model: type[M], faults: list[Fault]) -> M | None:
    try:
        document = parse(path, text)
    except FaultyManifests as error:
        faults.extend(error.faults)
        return None
    if not isinstance(document.data, dict):
        faults.append(Fault(path, 1, "the file has to hold fields and values, such as 'name: value'"))
        return None
    try:
        return model.model_validate(_plain(document.data), by_alias=True, by_name=False)
    except ValidationError as error:
        faults.extend(_faults(document, model, error))
        return None


def _plain(value: Any) -> Any:
    # ruamel's positions and comments hang on its own types; the models want plain ones.
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return next((kind(value) for kind in (int, float, str) if isinstance(value, kind)), str(value))


def _faults(document: Document, model: type[BaseModel], error: ValidationError) -> Iterator[Fault]:
    # A field that is missing was often written with a slip, which says more: that comes first.
    details = sorted(error.errors(), key=lambda detail: detail["type"] == "missing")
    for detail in details:
        if any(other["loc"] and detail["loc"] == other["loc"][:-1] for other in details):
            # What is wrong inside it was said; that it is wrong as a whole follows from that.
            continue
        location = [part for part in detail["loc"] if part not in ("[key]", *WRITTEN_AS)]
        yield Fault(document.path, document.line(location), sentence(json_schema(model), dict(detail)))
