"""Releases: a commit, fetched and built on a machine."""

import base64
import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from executors.host_paths import build_unit, release_paths
from executors.kept_releases import pruning, rollback_commits
from executors.remote import Remote
from executors.script import FAULTY_RELEASE_STATUS, STATE_FOLDER
from executors.templates import render
from gitops.executor import StepContext
from model.app import App
from model.errors import ReleaseFailed, StepFailed
from model.names import CommitHash, GitUrl, NodeName
from model.registered import Registered, RegisteredApp
from model.steps import BuildRelease

FETCH_SECONDS = 300.0
TOLD_LINES = 5
TOLD_CHARACTERS = 250  # a line

_BUILT = re.compile(r"built (\d+) (\d+)\Z")

# The pack of what a commit has and another one has not, or None where it cannot be told; see `AppRepos.thin_pack`.
ThinPack = Callable[[GitUrl, CommitHash, CommitHash], bytes | None]


@dataclass(frozen=True)
class Sent:
    """What a commit has that another one, which the machine has, has not: a pack of Git."""

    base: CommitHash
    pack: bytes


@dataclass(frozen=True)
class Built:
    """A release that was built just now, in so many seconds; `last` holds what its script printed last."""

    seconds: float
    last: tuple[str, ...] = ()

    def told(self, node: NodeName) -> str:
        """What the thread hears: one line, and under it those of the script."""
        took = f"{self.seconds:.1f}" if self.seconds < 10 else f"{self.seconds:.0f}"
        return "\n".join([f"built in {took} s on {node}", *self.last])


def build_script(app: App, needed: Collection[CommitHash] = (), sent: Sent | None = None) -> str:
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
        base=None if sent is None else sent.base,
        pack="" if sent is None else base64.encodebytes(sent.pack).decode().rstrip(),
        **pruning(needed),
    )


def build_seconds(app: App) -> float:
    """How long the script may take: a build of the same release that a former controller began is waited for."""
    return 2 * (app.build_within + FETCH_SECONDS)


def parse_built(printed: str) -> tuple[Built | None, str]:
    """What the script prints, and what was printed after it; None where the release was built before."""
    first, _, rest = printed.partition("\n")
    match = _BUILT.match(first)
    if match is None:
        return None, rest
    lines = rest.split("\n")
    last, rest = lines[: int(match[2])], "\n".join(lines[int(match[2]) :])
    return Built(int(match[1]) / 1000, tuple(map(_shown, last[-TOLD_LINES:]))), rest


class Releases:
    """Carries `BuildRelease` out."""

    def __init__(self, remote: Remote, thin_pack: ThinPack) -> None:
        self._remote = remote
        self._thin_pack = thin_pack

    def build(self, step: BuildRelease, context: StepContext) -> None:
        """Fetch a commit and build it; a release that is complete stays as it is.

        Raises `ReleaseFailed` where its script fails, is not done in time or needs too much memory.
        """
        context.report("building")
        script = self.script(step.app, step.node, context.registry.read())
        within = build_seconds(step.app)
        try:
            printed = self._remote.run(step.node, script, context.fence, within, cancellation=context.cancellation)
        except StepFailed as error:
            blame(error)
            raise
        built, _ = parse_built(printed)
        tell(built, step.app, step.node, context)

    def script(self, app: App, node: NodeName, registered: Registered) -> str:
        """The script for a machine. One that runs another commit of the app is sent what changed since then."""
        found = registered.apps.get((app.kind, app.app), RegisteredApp())
        here = (record.commit for record in found.instances.values() if record.node == node)
        base = next((commit for commit in here if commit != app.commit), None)
        pack = None if base is None else self._thin_pack(app.repo, base, app.commit)
        sent = None if base is None or pack is None else Sent(base, pack)
        return build_script(app, rollback_commits(app.kind, app.app, registered), sent)


def blame(error: StepFailed) -> None:
    """Raise `ReleaseFailed` where the script says that the release itself is at fault."""
    if error.status == FAULTY_RELEASE_STATUS:
        raise ReleaseFailed(error.sentence, error.output, error.status) from error


def tell(built: Built | None, app: App, node: NodeName, context: StepContext) -> None:
    """Have the card and the thread hear of a build."""
    if built is None:
        context.report("already built")
        return
    told = built.told(node)
    context.report(told.partition("\n")[0])
    if app.build is not None:
        context.tell(told)


def _shown(line: str) -> str:
    readable = "".join(letter if letter.isprintable() else " " for letter in line).rstrip()
    return readable if len(readable) <= TOLD_CHARACTERS else readable[: TOLD_CHARACTERS - 1] + "…"
