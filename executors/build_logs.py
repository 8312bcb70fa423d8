"""`logs <app> [instance] --build`: everything that a build printed, as the machine keeps it beside the release."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from executors.asked_instances import asked_instances, asked_kinds
from executors.host_paths import ReleasePaths, app_folder, build_unit
from executors.look_fence import look_fence
from executors.remote import Remote
from executors.templates import render
from gitops.registry import Registry
from model.attachment import Attachment, Reply
from model.errors import Refused, StepFailed
from model.mrkdwn import code_block, inert
from model.names import AppKind, AppName, CommitHash, NodeName
from model.registered import Registered
from model.verbs import BUILD

LOOK_SECONDS = 20.0
# What etcd takes in one value, with room for its form.
MOST_BYTES = 1_000_000
LAST_CHARACTERS = 1500

_BUILD = re.compile(r"(\d+(?:\.\d+)?) (\d+) ([0-9a-f]{40}-[0-9a-f]{8}) (built|failed|building)")
_ENDS = {"built": "it succeeded", "failed": "it failed", "building": "it is under way"}


@dataclass(frozen=True)
class Build:
    """A build whose output a machine keeps: when it printed last (Unix seconds), how many bytes, how it ended."""

    node: NodeName
    kind: AppKind
    at: float
    size: int
    release: str
    end: str

    @property
    def commit(self) -> CommitHash:
        """What was built."""
        return self.release.partition("-")[0]


def builds_script(kind: AppKind, app: AppName) -> str:
    """The script that says which builds a machine keeps the output of, for `parse_builds`."""
    return render("app/builds.sh.j2", folder=app_folder(kind, app), unit=build_unit(kind, app))


def build_log_script(build: Build, app: AppName) -> str:
    """The script that prints what a build printed."""
    log = ReleasePaths(app_folder(build.kind, app), build.release).log
    return render("app/build-log.sh.j2", log=log, most_bytes=MOST_BYTES)


def parse_builds(node: NodeName, kind: AppKind, printed: str) -> list[Build]:
    """What a machine says; other lines say nothing."""
    matches = (_BUILD.fullmatch(line) for line in printed.splitlines())
    return [Build(node, kind, float(one[1]), int(one[2]), one[3], one[4]) for one in matches if one is not None]


def newest(builds: Iterable[Build], commit: CommitHash | None = None) -> Build | None:
    """The build that printed last, of a commit if one is given."""
    wanted = [one for one in builds if commit in (None, one.commit)]
    return max(wanted, key=lambda one: (one.at, one.node), default=None)


def told(app: AppName, build: Build, output: str) -> Reply:
    """The last lines, and everything as a file."""
    when = f"{datetime.fromtimestamp(build.at, UTC):%Y-%m-%d %H:%M:%S}"
    head = f"Build of {app}@{build.commit[:8]} on {build.node}, {when} UTC: {_ENDS[build.end]}"
    if build.size > MOST_BYTES:
        head += f"; of {build.size} bytes that it printed, the last {MOST_BYTES}"
    if not output.strip():
        return Reply(f"{head}; it printed nothing")
    name = f"{app}-{build.commit[:8]}-{build.node}.log"
    attachment = Attachment.of(name, f"Build of {app}@{build.commit[:8]} on {build.node}", head, output.encode())
    return Reply(f"{head}\n{code_block(output, LAST_CHARACTERS)}", attachment)


class BuildLogs:
    """A `HostCheck`."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def __call__(self, arguments: tuple[str, ...], registry: Registry) -> str | Reply:
        """What an app's newest build printed, or that of an instance's release. Raises `Refused` for what is not
        known."""
        words = [word for word in arguments if word != BUILD]
        app, registered = words[0], registry.read()
        places: list[tuple[NodeName, AppKind]]
        commit: CommitHash | None = None
        if len(words) > 1:
            one = asked_instances(words, registered)[0]
            places, commit = [(one.node, one.kind)], one.commit
        else:
            kinds = asked_kinds(app, registered)
            places = [(node, kind) for kind in kinds for node in _where_built(app, registered)]
        builds, silent = self._builds(app, places, registry)
        build = newest(builds, commit)
        if build is None:
            missing = "".join(f"\n:warning: {inert(sentence)}" for sentence in silent.values())
            return f"No machine keeps the output of a build of {app}.{missing}"
        try:
            script = build_log_script(build, app)
            output = self._remote.run(build.node, script, look_fence(registry), LOOK_SECONDS)
        except StepFailed as error:
            raise Refused(error.sentence) from error
        return told(app, build, output)

    def _builds(
        self, app: AppName, places: Iterable[tuple[NodeName, AppKind]], registry: Registry
    ) -> tuple[list[Build], Mapping[NodeName, str]]:
        """What the machines keep, and why others did not say it."""
        found: list[Build] = []
        silent: dict[NodeName, str] = {}
        nodes_of: dict[AppKind, list[NodeName]] = {}
        for node, kind in places:
            nodes_of.setdefault(kind, []).append(node)
        for kind, nodes in nodes_of.items():
            scripts = dict.fromkeys(nodes, builds_script(kind, app))
            for node, answer in self._remote.run_all(scripts, look_fence(registry), LOOK_SECONDS).items():
                if isinstance(answer, StepFailed):
                    silent[node] = answer.sentence
                else:
                    found += parse_builds(node, kind, answer)
        return found, silent


def _where_built(app: AppName, registered: Registered) -> list[NodeName]:
    """The workers, and wherever an instance of it is."""
    workers = {name for name, node in registered.nodes.items() if node.role == "worker"}
    serving = {
        record.node for (_, name), of in registered.apps.items() if name == app for record in of.instances.values()
    }
    return sorted(workers | serving)
