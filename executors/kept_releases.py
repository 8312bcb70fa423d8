"""Which releases a machine keeps."""

from collections.abc import Collection

from executors.host_paths import UNITS_FOLDER
from model.app import App
from model.names import AppKind, AppName, CommitHash
from model.registered import Registered, RegisteredApp


def rollback_commits(kind: AppKind, app: AppName, registered: Registered) -> tuple[CommitHash, ...]:
    """The commits that an app may go back to: the one that last served as a whole, and the one before it."""
    stable = registered.apps.get((kind, app), RegisteredApp()).stable
    if stable is None:
        return ()
    return (stable.app.commit,) if stable.before is None else (stable.app.commit, stable.before)


def pruning(needed: Collection[CommitHash]) -> dict[str, object]:
    """What `app/prune-releases.sh.j2` has to be told; how many are kept a build has left on the machine."""
    return {"needed": tuple(needed), "units_folder": UNITS_FOLDER, "keep": App.model_fields["keep_releases"].default}
