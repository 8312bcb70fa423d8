"""The steps that change an app's instances."""

from collections.abc import Iterable, Mapping, Sequence

from gitops.placement import Placed
from model.app import App
from model.names import AppKind, AppName, NodeName
from model.steps import (
    ApplyRouting,
    BuildRelease,
    DrainInstance,
    PlannedStep,
    StartInstance,
    Step,
    StopInstance,
)

AppId = tuple[AppKind, AppName]


class StepList:
    """The steps of a plan as they are put together; an `after` that names no step of the plan is left out."""

    def __init__(self) -> None:
        self._steps: dict[str, PlannedStep] = {}

    def add(self, step_id: str, title: str, step: Step, after: Iterable[str] = (), *, tolerant: bool = False) -> str:
        """Add a step behind those it waits for; returns its id."""
        known = tuple(sorted({name for name in after if name in self._steps}))
        self._steps[step_id] = PlannedStep(id=step_id, title=title, step=step, after=known, tolerant=tolerant)
        return step_id

    def has(self, step_id: str) -> bool:
        """Whether there is such a step."""
        return step_id in self._steps

    def all(self) -> tuple[PlannedStep, ...]:
        """The steps, in the order they were added."""
        return tuple(self._steps.values())


class Rollout:
    """The steps that change one app's instances."""

    def __init__(self, steps: StepList, app: App, waits: Mapping[NodeName, Sequence[str]] | None = None) -> None:
        self._steps = steps
        self._app = app
        self._waits = waits or {}

    def start(self, new: Iterable[Placed]) -> tuple[StartInstance, ...]:
        """Start instances side by side; they are routed to together."""
        started = []
        for placed in new:
            step = StartInstance(node=placed.node, app=self._app, instance=placed.instance)
            title = f"start {self._app.app} {placed.instance} on {placed.node}"
            self._steps.add(start_id(self._app, placed), title, step, [self._build(placed.node), "register"])
            started.append(step)
        return tuple(started)

    def replace(self, pairs: Iterable[tuple[Placed, Placed]]) -> list[str]:
        """One after another: start the new, route to it, take the old out, stop it."""
        last: list[str] = []
        for old, new in pairs:
            step = StartInstance(node=new.node, app=self._app, instance=new.instance)
            title = f"start {self._app.app} {new.instance} on {new.node}"
            start = self._steps.add(start_id(self._app, new), title, step, [self._build(new.node), "register", *last])
            serving = ((self._app.kind, self._app.app, new.instance),)
            route = self._steps.add(
                f"route-{self._app.app}-{new.instance}",
                f"route to {self._app.app} {new.instance}",
                ApplyRouting(serving=serving),
                [start],
            )
            last = [self._take_out(old, [route])]
        return last

    def remove(self, surplus: Iterable[Placed]) -> list[str]:
        """Take instances out of the routing and stop them."""
        return [self._take_out(placed, ["register"]) for placed in surplus]

    def _build(self, node: NodeName) -> str:
        app = self._app
        step_id = f"build-{app.app}-{node}"
        if not self._steps.has(step_id):
            title = f"build {app.app}@{app.commit[:8]} on {node}"
            # A machine that is in its networks does not wait for those that are not.
            self._steps.add(step_id, title, BuildRelease(node=node, app=app), self._waits.get(node, ()))
        return step_id

    def _take_out(self, placed: Placed, after: list[str]) -> str:
        return take_out(self._steps, (self._app.kind, self._app.app), placed, after)


def take_out(steps: StepList, app_id: AppId, placed: Placed, after: list[str]) -> str:
    """Drain an instance, then stop it; returns the id of the last step."""
    kind, name = app_id
    of = {"app_kind": kind, "app": name, "instance": placed.instance, "node": placed.node}
    drain = steps.add(
        f"drain-{name}-{placed.instance}",
        f"take {name} {placed.instance} out of the routing",
        DrainInstance.model_validate(of),
        after,
    )
    return steps.add(
        f"stop-{name}-{placed.instance}",
        f"stop {name} {placed.instance} on {placed.node}",
        StopInstance.model_validate(of),
        [drain],
    )


def start_id(app: App, placed: Placed) -> str:
    """The id of the step that starts an instance."""
    return f"start-{app.app}-{placed.instance}"
