"""The steps after an app's instances: its public addresses, and the routing to it.

Each app has its own, so that one that fails holds up no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gitops import desired
from gitops.manifests import Manifests
from gitops.plan.rollout import AppId, StepList
from gitops.routed import wrongly_routed
from model import keys
from model.registered import IngressRecord, Registered
from model.steps import ApplyRouting, StartInstance, WriteKeys


@dataclass(frozen=True)
class Rolled:
    """What becomes of an app's instances: those that are started beside the others, and the ids of the last steps."""

    started: tuple[StartInstance, ...]
    last: tuple[str, ...]


def add_routes(steps: StepList, manifests: Manifests, registered: Registered, rolled: Mapping[AppId, Rolled]) -> None:
    """Publish each changed address once its apps serve, and route to each app that starts instances."""
    held = frozenset(desired.unwanted_apps(manifests.apps, registered))
    wanted = desired.with_held_apps(desired.ingress_records(manifests.apps.values()), registered.ingress, held)
    put = {address: record for address, record in wanted.items() if registered.ingress.get(address) != record}
    published = {_publish(steps, address, record, rolled): _apps_of(record) for address, record in put.items()}
    starting = {app_id: one for app_id, one in rolled.items() if one.started}
    for app_id, one in starting.items():
        mine = [step_id for step_id, apps in published.items() if app_id in apps]
        serving = tuple((step.app.kind, step.app.app, step.instance) for step in one.started)
        name = app_id[1]
        after = [*one.last, "join", "overlay", "register", *mine]
        steps.add(f"route-{name}", f"route to {name}", ApplyRouting(serving=serving), after)
    alone = [step_id for step_id, apps in published.items() if not apps & starting.keys()]
    gone = sorted(registered.ingress.keys() - wanted.keys())
    if gone:
        write = WriteKeys(delete=tuple(f"{keys.INGRESSES}{address}" for address in gone))
        alone.append(steps.add("unpublish", f"publish {', '.join(gone)} no more", write))
    prepared = not starting and (steps.has("join") or steps.has("register"))
    overdue = bool(wrongly_routed(registered))
    if alone or prepared or overdue:
        # What an earlier operation left undone waits for nobody who joins.
        after = ["register", *alone, *([] if overdue else ["join", "overlay"])]
        steps.add("route", "bring HAProxy and nginx up to date", ApplyRouting(), after)


def _publish(steps: StepList, address: str, record: IngressRecord, rolled: Mapping[AppId, Rolled]) -> str:
    # An address that moves stays with its old app until the new one serves.
    after = [step_id for app_id in _apps_of(record) if app_id in rolled for step_id in rolled[app_id].last]
    return steps.add(
        f"publish-{address}", f"publish {address}", WriteKeys(put=desired.ingress_keys({address: record})), after
    )


def _apps_of(record: IngressRecord) -> frozenset[AppId]:
    return frozenset((location.type, location.name) for location in record.location)
