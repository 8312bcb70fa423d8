"""What an operation says of the releases that it brought out: one serves now, one has failed. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model import keys
from model.app import App
from model.names import AppId
from model.operation import Operation, StepState
from model.registered import Quarantine, RegisteredApp, Stable
from model.steps import (
    ApplyRouting,
    BuildRelease,
    DrainInstance,
    PlannedStep,
    StartInstance,
    StopInstance,
    WatchInstances,
)


@dataclass(frozen=True)
class Brought:
    """A release that an operation starts or watches instances of; `steps` are those that say how it serves."""

    app: App
    spec: str
    steps: tuple[PlannedStep, ...]

    @property
    def id(self) -> AppId:
        """The app's kind and name."""
        return self.app.kind, self.app.app


def brought(operation: Operation) -> tuple[Brought, ...]:
    """The releases that an operation brings out, one an app."""
    found: dict[AppId, tuple[App, str]] = {}
    for planned in operation.plan.steps:
        match planned.step:
            case StartInstance(app=app, instance=instance):
                found[app.kind, app.app] = (app, instance.partition("-")[2])
            case WatchInstances(app=app, instances=instances):
                found.setdefault((app.kind, app.app), (app, next(iter(instances)).partition("-")[2]))
    return tuple(
        Brought(app, spec, tuple(step for step in operation.plan.steps if app_id in apps_of(step) and _tells(step)))
        for app_id, (app, spec) in found.items()
    )


def _tells(planned: PlannedStep) -> bool:
    """Whether a step says anything of the release that comes; how an old instance goes does not."""
    return not isinstance(planned.step, DrainInstance | StopInstance)


def apps_of(planned: PlannedStep) -> frozenset[AppId]:
    """The apps that a step is about."""
    match planned.step:
        case BuildRelease(app=app) | StartInstance(app=app) | WatchInstances(app=app):
            return frozenset({(app.kind, app.app)})
        case DrainInstance(app_kind=kind, app=name) | StopInstance(app_kind=kind, app=name):
            return frozenset({(kind, name)})
        case ApplyRouting(serving=serving):
            return frozenset((kind, name) for kind, name, _ in serving)
        case _:
            return frozenset()


def failed_release(release: Brought, states: Mapping[str, StepState]) -> StepState | None:
    """The step that failed by a fault of the release, or None."""
    return next((states[step.id] for step in release.steps if states[step.id].release_failed), None)


def records(operation: Operation, apps: Mapping[AppId, RegisteredApp], now: float) -> dict[str, str]:
    """The keys to write with an operation's end: releases that serve now, and those that have failed."""
    return dict(_records(operation, apps, now))


def _records(operation: Operation, apps: Mapping[AppId, RegisteredApp], now: float) -> Iterator[tuple[str, str]]:
    for release in brought(operation):
        stable = apps.get(release.id, RegisteredApp()).stable
        failed = failed_release(release, operation.steps)
        if failed is not None and (stable is None or stable.spec != release.spec):
            bad = Quarantine(commit=release.app.commit, reason=failed.detail, operation=operation.id, at=now)
            yield keys.quarantine(*release.id, release.spec), bad.to_json()
        elif all(operation.steps[step.id].status == "done" for step in release.steps):
            yield keys.stable(*release.id), _stable(release, stable, operation, now).to_json()


def _stable(release: Brought, old: Stable | None, operation: Operation, now: float) -> Stable:
    if old is not None and old.spec == release.spec:
        return old
    before = None if old is None else old.app.commit if old.app.commit != release.app.commit else old.before
    return Stable(app=release.app, spec=release.spec, revision=operation.revision, at=now, before=before)
