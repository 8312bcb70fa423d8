"""Which release of an app is to run: the manifest's, or the one before where that one failed. Pure."""

from dataclasses import dataclass, replace

from gitops.manifests import Manifests
from model.app import App
from model.names import AppId
from model.registered import Quarantine, Registered, RegisteredApp


@dataclass(frozen=True)
class Wanted:
    """What is to run once releases that failed are left out.

    `reverted` are the apps that run what was stable before, with why; `held` stay as they are, whatever that is.
    """

    manifests: Manifests
    reverted: dict[AppId, Quarantine]
    held: dict[AppId, Quarantine]


def wanted(manifests: Manifests, registered: Registered) -> Wanted:
    """The manifests with the stable release of each app whose own has failed."""
    apps, reverted, held = dict(manifests.apps), {}, {}
    for app_id, app in manifests.apps.items():
        found = registered.apps.get(app_id, RegisteredApp())
        failed = found.quarantine.get(manifests.spec(app))
        if failed is None:
            continue
        before = None if found.stable is None else as_now(found.stable.app, app)
        again = before is not None and manifests.spec(before) in found.quarantine
        if before is None or again or not app.update.auto_revert or not _fits(before, app_id, manifests):
            held[app_id] = failed
        else:
            reverted[app_id] = failed
            apps[app_id] = before
    return Wanted(replace(manifests, apps=apps), reverted, held)


def _fits(before: App, app_id: AppId, manifests: Manifests) -> bool:
    """Whether what served before can serve beside the others as they are now."""
    others = [other for other_id, other in manifests.apps.items() if other_id != app_id]
    ports = {other.publish.port for other in others} | {one.publish.port for one in manifests.services.values()}
    known = {other.app for other in others} | manifests.services.keys()
    return before.publish.port not in ports and set(before.needs) <= known


def as_now(before: App, app: App) -> App:
    """An earlier release with what the manifest says now of everything that is not a matter of a release."""
    return app.model_copy(update={name: getattr(before, name) for name in before.runs()})


def fallback_spec(manifests: Manifests, app: App, registered: RegisteredApp) -> str:
    """What the instances of an app's stable release end with; empty where there is none."""
    return "" if registered.stable is None else manifests.spec(as_now(registered.stable.app, app))
