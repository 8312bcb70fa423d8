"""Releases: a commit, fetched and built on a machine."""

import math

from executors.host_paths import release_paths
from executors.remote import Remote
from executors.script import STATE_FOLDER
from executors.templates import render
from gitops.executor import StepContext
from model.app import App
from model.steps import BuildRelease

FETCH_SECONDS = 300.0


def build_script(app: App) -> str:
    """The script that builds a release on a machine, or finds it built."""
    paths = release_paths(app)
    return render(
        "app/build-release.sh.j2",
        app=app,
        paths=paths,
        unit=f"flstr-build-{app.kind}-{app.app}.service",
        build_seconds=math.ceil(app.build_within),
        state_folder=STATE_FOLDER,
    )


class Releases:
    """Carries `BuildRelease` out."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def build(self, step: BuildRelease, context: StepContext) -> None:
        """Fetch a commit and build it; a release that is complete stays as it is."""
        app = step.app
        context.report("building")
        printed = self._remote.run(step.node, build_script(app), context.fence, app.build_within + FETCH_SECONDS)
        context.report(printed.strip())
