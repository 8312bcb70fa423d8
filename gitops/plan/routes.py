"""The steps after an app's instances: its public addresses, the routing to it, and a look at how it serves.

Each app has its own, so that one that fails holds up no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gitops import desired
from gitops.manifests import Manifests
from gitops.placement import Placed
from gitops.plan.rollout import Rollout, StepList
from model import keys
from model.names import AppId
from model.registered import IngressRecord, Registered
from model.steps import ApplyRouting, StartInstance, WriteKeys


@dataclass(frozen=True)
class Rolled:
    """What becomes of an app's instances: those that are started beside the others, and the ids of the last steps."""

    rollout: Rollout
    started: tuple[StartInstance, ...]
    new: tuple[Placed, ...]
    last: tuple[str, ...]


def add_routes(
    steps: StepList,
    manifests: Manifests,
    registered: Registered,
    rolled: Mapping[AppId, Rolled],
    apps: frozenset[AppId],
    *,
    overdue: bool,
) -> set[AppId]:
    """Publish each changed address of these apps once they serve, and route to each app that starts instances.

    `overdue` says that the routing of some machine was left behind. Returns the apps whose addresses change.
    """
    held = frozenset(desired.unwanted_apps(manifests.apps, registered))
    wanted = desired.with_held_apps(desired.ingress_records(manifests.apps.values()), registered.ingress, held)
    put = {
        address: record
        for address, record in wanted.items()
        if registered.ingress.get(address) != record and _changing(registered.ingress.get(address), record) & apps
    }
    published = {_publish(steps, address, record, rolled): _apps_of(record) for address, record in put.items()}
    starting = {app_id: one for app_id, one in rolled.items() if one.started}
    for app_id, one in starting.items():
        mine = [step_id for step_id, of in published.items() if app_id in of]
        serving = tuple((step.app.kind, step.app.app, step.instance) for step in one.started)
        after = [*one.last, "join", "overlay", "register", *mine]
        name = app_id[1]
        route = steps.add(f"route-{name}", f"route to {name}", ApplyRouting(serving=serving), after)
        one.rollout.watch(one.new, [route])
    alone = [step_id for step_id, of in published.items() if not of & starting.keys()]
    gone = {
        address: _apps_of(record)
        for address, record in sorted(registered.ingress.items())
        if address not in wanted and _apps_of(record) & apps
    }
    if gone:
        write = WriteKeys(delete=tuple(f"{keys.INGRESSES}{address}" for address in gone))
        alone.append(steps.add("unpublish", f"publish {', '.join(gone)} no more", write))
    prepared = not starting and (steps.has("join") or steps.has("register"))
    if alone or prepared or overdue:
        # What an earlier operation left undone waits for nobody who joins.
        after = ["register", *alone, *([] if overdue else ["join", "overlay"])]
        steps.add("route", "bring HAProxy and nginx up to date", ApplyRouting(), after)
    return {app_id for of in (*published.values(), *gone.values()) for app_id in of & apps}


def _publish(steps: StepList, address: str, record: IngressRecord, rolled: Mapping[AppId, Rolled]) -> str:
    # An address that moves stays with its old app until the new one serves.
    after = [step_id for app_id in _apps_of(record) if app_id in rolled for step_id in rolled[app_id].last]
    return steps.add(
        f"publish-{address}", f"publish {address}", WriteKeys(put=desired.ingress_keys({address: record})), after
    )


def _changing(old: IngressRecord | None, new: IngressRecord) -> frozenset[AppId]:
    """Whose plan changes an address: those that come to it; where none does, those that leave it, or all."""
    before = frozenset() if old is None else frozenset(old.location)
    after = frozenset(new.location)
    concerned = after - before or before - after or after
    return frozenset((location.type, location.name) for location in concerned)


def _apps_of(record: IngressRecord) -> frozenset[AppId]:
    return frozenset((location.type, location.name) for location in record.location)
