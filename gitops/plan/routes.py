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
    wanted = desired.with_plain_until_certified(wanted, registered)
    put = {
        address: record
        for address, record in wanted.items()
        if registered.ingress.get(address) != record and _changing(registered.ingress.get(address), record) & apps
    }
    gone = {
        address: record
        for address, record in sorted(registered.ingress.items())
        if address not in wanted and _apps_of(record) & apps
    }
    published = {_publish(steps, address, record, rolled): _apps_of(record) for address, record in put.items()}
    published |= {
        _unpublish(steps, address, record, rolled, published): _apps_of(record) for address, record in gone.items()
    }
    starting = {app_id: one for app_id, one in rolled.items() if one.started}
    for app_id, one in starting.items():
        mine = [step_id for step_id, of in published.items() if app_id in of]
        serving = tuple((step.app.kind, step.app.app, step.instance) for step in one.started)
        after = [*one.last, "join", "overlay", "register", *mine]
        name = app_id[1]
        route = steps.add(f"route-{name}", f"route to {name}", ApplyRouting(serving=serving), after)
        one.rollout.watch(one.new, [route])
    alone = [step_id for step_id, of in published.items() if not of & starting.keys()]
    prepared = not starting and (steps.has("join") or steps.has("register"))
    if alone or prepared or overdue:
        # What an earlier operation left undone waits for nobody who joins.
        after = ["register", *alone, *([] if overdue else ["join", "overlay"])]
        steps.add("route", "bring HAProxy and nginx up to date", ApplyRouting(), after)
    return {app_id for of in published.values() for app_id in of & apps}


def _publish(steps: StepList, address: str, record: IngressRecord, rolled: Mapping[AppId, Rolled]) -> str:
    """An address that moves stays with its old app until the new one serves."""
    write = WriteKeys(put=desired.ingress_keys({address: record}))
    return steps.add(f"publish-{address}", f"publish {address}", write, _last_of(record, rolled))


def _unpublish(
    steps: StepList,
    address: str,
    record: IngressRecord,
    rolled: Mapping[AppId, Rolled],
    published: Mapping[str, frozenset[AppId]],
) -> str:
    """An address that is given up stays until its app serves at those that it gets instead."""
    after = [*_last_of(record, rolled), *(step_id for step_id, of in published.items() if of & _apps_of(record))]
    write = WriteKeys(delete=(f"{keys.INGRESSES}{address}",))
    return steps.add(f"unpublish-{address}", f"publish {address} no more", write, after)


def _last_of(record: IngressRecord, rolled: Mapping[AppId, Rolled]) -> list[str]:
    return [step_id for app_id in _apps_of(record) if app_id in rolled for step_id in rolled[app_id].last]


def _changing(old: IngressRecord | None, new: IngressRecord) -> frozenset[AppId]:
    """Whose plan changes an address: those that come to it; where none does, those that leave it, or all."""
    before = frozenset() if old is None else frozenset(old.location)
    after = frozenset(new.location)
    concerned = after - before or before - after or after
    return frozenset((location.type, location.name) for location in concerned)


def _apps_of(record: IngressRecord) -> frozenset[AppId]:
    return frozenset((location.type, location.name) for location in record.location)
