"""Releases: a commit, fetched and built on a machine."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass

from executors.host_paths import build_unit, release_paths
from executors.kept_releases import pruning, rollback_commits
from executors.remote import Remote
from executors.script import FAULTY_RELEASE_STATUS, STATE_FOLDER
from executors.templates import render
from gitops.executor import StepContext
from model.app import App
from model.errors import ReleaseFailed, StepFailed
from model.names import CommitHash, NodeName
from model.steps import BuildRelease

FETCH_SECONDS = 300.0
TOLD_LINES = 5
TOLD_CHARACTERS = 250  # a line

_BUILT = re.compile(r"built (\d+)\Z")


@dataclass(frozen=True)
class Built:
    """A release that was built just now, in so many seconds; `last` holds what its script printed last."""

    seconds: float
    last: tuple[str, ...] = ()

    def told(self, node: NodeName) -> str:
        """What the thread hears: one line, and under it those of the script."""
        took = f"{self.seconds:.1f}" if self.seconds < 10 else f"{self.seconds:.0f}"
        return "\n".join([f"built in {took} s on {node}", *self.last])


def build_script(app: App, needed: Collection[CommitHash] = ()) -> str:
    """The script that builds a release on a machine, or finds it built; releases of commits that are needed stay."""
    of_machine = app.build_memory.endswith("%")
    return render(
        "app/build-release.sh.j2",
        app=app,
        paths=release_paths(app),
        unit=build_unit(app.kind, app.app),
        build_seconds=math.ceil(app.build_within),
        memory_words=f"{app.build_memory} of the machine's" if of_machine else app.build_memory,
        fetch_seconds=math.ceil(FETCH_SECONDS),
        fault_status=FAULTY_RELEASE_STATUS,
        last_lines=TOLD_LINES,
        state_folder=STATE_FOLDER,
        **pruning(needed),
    )


def parse_built(printed: str) -> Built | None:
    """What the script prints; None where the release was built before."""
    first, *last = printed.splitlines() or [""]
    match = _BUILT.match(first)
    return None if match is None else Built(int(match[1]) / 1000, tuple(_shown(line) for line in last[-TOLD_LINES:]))


class Releases:
    """Carries `BuildRelease` out."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def build(self, step: BuildRelease, context: StepContext) -> None:
        """Fetch a commit and build it; a release that is complete stays as it is.

        Raises `ReleaseFailed` where its script fails, is not done in time or needs too much memory.
        """
        app = step.app
        context.report("building")
        script = build_script(app, rollback_commits(app.kind, app.app, context.registry.read()))
        # A build of the same release that a former controller began is waited for.
        seconds = 2 * (app.build_within + FETCH_SECONDS)
        try:
            printed = self._remote.run(step.node, script, context.fence, seconds, cancellation=context.cancellation)
        except StepFailed as error:
            if error.status == FAULTY_RELEASE_STATUS:
                raise ReleaseFailed(error.sentence, error.output, error.status) from error
            raise
        built = parse_built(printed)
        if built is None:
            context.report("already built")
            return
        told = built.told(step.node)
        context.report(told.partition("\n")[0])
        if app.build is not None:
            context.tell(told)


def _shown(line: str) -> str:
    readable = "".join(letter if letter.isprintable() else " " for letter in line).rstrip()
    return readable if len(readable) <= TOLD_CHARACTERS else readable[: TOLD_CHARACTERS - 1] + "…"
