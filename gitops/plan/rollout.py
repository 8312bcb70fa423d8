"""The steps that change an app's instances, in the order in which nobody notices."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gitops.placement import Placed
from model.app import DRAIN_SECONDS, App, Update
from model.names import AppId, NodeName
from model.registered import RegisteredApp
from model.steps import (
    ApplyRouting,
    BuildRelease,
    DrainInstance,
    PlannedStep,
    StartInstance,
    Step,
    StopInstance,
    WatchInstances,
)

Pair = tuple[Placed, Placed]


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
        """Start instances side by side; they are routed to and watched together."""
        placed = list(new)
        on = Counter(one.node for one in placed)
        return tuple(self._start(one, (), at_once=on[one.node] == 1)[1] for one in placed)

    def watch(self, new: Sequence[Placed], after: Iterable[str]) -> str:
        """See that instances serve without a fault for a while; returns the step's id."""
        names = ", ".join(placed.instance for placed in new)
        step = WatchInstances(app=self._app, instances={placed.instance: placed.node for placed in new})
        return self._steps.add(watch_id(self._app, new), f"watch {self._app.app} {names}", step, after)

    def prove(self, unproven: Sequence[Placed]) -> list[str]:
        """Watch instances that an operation left behind before it had seen how they serve; what waits for that."""
        return [self.watch(unproven, [self._route(unproven, ["register"])])] if unproven else []

    def replace(self, pairs: Sequence[Pair], after: Iterable[str] = ()) -> list[str]:
        """Wave after wave: start the new ones, route to them, watch them, take the old ones out, stop them."""
        last = list(after)
        for wave in waves(pairs, self._app.update):
            new = [placed for _, placed in wave]
            started = [self._start(placed, last) for placed in new]
            watch = self.watch(new, [self._route(new, [start for start, _ in started])])
            last = [self._take_out(old, [watch]) for old, _ in wave]
        return last if pairs else []

    def remove(self, surplus: Iterable[Placed], after: Iterable[str] = ()) -> list[str]:
        """Take instances out of the routing and stop them."""
        return [self._take_out(placed, ["register", *after]) for placed in surplus]

    def _route(self, new: Sequence[Placed], after: Iterable[str]) -> str:
        names = ", ".join(placed.instance for placed in new)
        serving = tuple((self._app.kind, self._app.app, placed.instance) for placed in new)
        step_id = f"route-{self._app.app}-{new[0].instance}"
        return self._steps.add(step_id, f"route to {self._app.app} {names}", ApplyRouting(serving=serving), after)

    def _start(self, placed: Placed, after: Iterable[str], *, at_once: bool = False) -> tuple[str, StartInstance]:
        """`at_once`: no other instance waits for the same build, so that one script builds and starts."""
        app, node = self._app, placed.node
        build = at_once and not self._waits.get(node) and not self._steps.has(build_id(app, node))
        step = StartInstance(node=node, app=app, instance=placed.instance, build=build)
        title = f"start {app.app} {placed.instance} on {node}"
        if build:
            title = f"build {app.app}@{app.commit[:8]} and {title}"
        before = [*(() if build else (self._build(node),)), "register", *after]
        return self._steps.add(start_id(app, placed), title, step, before), step

    def _build(self, node: NodeName) -> str:
        app = self._app
        step_id = build_id(app, node)
        if not self._steps.has(step_id):
            title = f"build {app.app}@{app.commit[:8]} on {node}"
            # A machine that is in its networks does not wait for those that are not.
            self._steps.add(
                step_id, title, BuildRelease(node=node, app=_without_secrets(app)), self._waits.get(node, ())
            )
        return step_id

    def _take_out(self, placed: Placed, after: list[str]) -> str:
        app = self._app
        return take_out(self._steps, (app.kind, app.app), placed, after, app.update.drain)


def waves(pairs: Sequence[Pair], update: Update) -> Iterator[Sequence[Pair]]:
    """The replacements that go together: the canaries first, then `max_parallel` at a time."""
    first = update.canary or update.max_parallel
    yield from (pairs[:first],) if pairs else ()
    for start in range(first, len(pairs), update.max_parallel):
        yield pairs[start : start + update.max_parallel]


def take_out(steps: StepList, app_id: AppId, placed: Placed, after: Iterable[str], within: float) -> str:
    """Drain an instance, then stop it; returns the id of the last step."""
    kind, name = app_id
    drain = steps.add(
        f"drain-{name}-{placed.instance}",
        f"take {name} {placed.instance} out of the routing",
        DrainInstance(app_kind=kind, app=name, instance=placed.instance, node=placed.node, within=within),
        after,
    )
    return steps.add(
        f"stop-{name}-{placed.instance}",
        f"stop {name} {placed.instance} on {placed.node}",
        StopInstance(app_kind=kind, app=name, instance=placed.instance, node=placed.node),
        [drain],
    )


def drain_seconds(registered: RegisteredApp | None) -> float:
    """How long an app that no manifest describes any more is drained: as its last release said."""
    return DRAIN_SECONDS if registered is None or registered.stable is None else registered.stable.app.update.drain


def build_id(app: App, node: NodeName) -> str:
    """The id of the step that builds a release on a machine."""
    return f"build-{app.app}-{node}"


def start_id(app: App, placed: Placed) -> str:
    """The id of the step that starts an instance."""
    return f"start-{app.app}-{placed.instance}"


def _without_secrets(app: App) -> App:
    """The app for steps that need none of its secrets, so that operations stay small."""
    return app.model_copy(update={"secrets": {}})


def watch_id(app: App, new: Sequence[Placed]) -> str:
    """The id of the step that watches instances."""
    return f"watch-{app.app}-{new[0].instance}"
