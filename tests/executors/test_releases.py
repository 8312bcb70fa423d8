"""Releases: the script that builds one, and what comes of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.host_paths import release_paths
from executors.instances import Instances
from executors.releases import Releases, build_script, parse_built
from executors.script import FAULTY_RELEASE_STATUS, wrapped
from gitops.executor import Cancellation, HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model.app import App
from model.errors import ReleaseFailed, StepFailed
from model.registered import Registered, RegisteredApp, Stable
from model.steps import BuildRelease, StopInstance
from tests.executors.example import influencer, no_pack
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote
from tests.identity import IDENTITIES

APPS = {
    "built": influencer(),
    "small": influencer(build_memory="512M", build_within="90s", keep_releases=7),
    "not-built": influencer(build=None, kind="frontend", app="shop", repo="git@git.example.com:shop.git"),
}


@pytest.mark.parametrize("name", APPS)
def test_the_script_that_builds(name: str) -> None:
    script = build_script(APPS[name])
    check(FIXTURES / "releases" / f"{name}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_a_release_is_a_commit_built_by_one_script() -> None:
    def name(app: App) -> str:
        return release_paths(app).name

    assert name(influencer()).startswith("1" * 40)
    assert name(influencer()) == name(influencer(run="other.sh", instances=5))
    assert name(influencer()) != name(influencer(build="other.sh"))
    assert name(influencer()) != name(influencer(build=None))


def test_apps_of_both_kinds_stand_apart() -> None:
    assert release_paths(influencer()).folder != release_paths(influencer(kind="frontend")).folder


class Worker:
    """A machine that answers a build as a test says, and what came of it."""

    def __init__(self, store: Store, answer: Answer) -> None:
        self.remote = ScriptedRemote(answer)
        self.told: list[str] = []
        self.reports: list[str] = []
        self.cancellation = Cancellation()
        self.context = StepContext(
            "op", Registry(store), HostFence(1), self.reports.append, self.told.append, self.cancellation
        )

    def build(self, **changes: object) -> None:
        step = BuildRelease(node="worker101", app=influencer(**changes))
        Releases(self.remote, no_pack).build(step, self.context)


def test_the_thread_hears_how_long_a_build_took_and_its_last_lines(store: Store) -> None:
    worker = Worker(store, lambda node, script: "built 12340 2\nChecking server.py\nWrote build-info.json\n")
    worker.build()
    assert worker.told == ["built in 12 s on worker101\nChecking server.py\nWrote build-info.json"]
    assert worker.reports == ["building", "built in 12 s on worker101"]


@pytest.mark.parametrize(("printed", "build"), [("already built\n", "build.sh"), ("built 800 0\n", None)])
def test_the_thread_hears_nothing_where_no_script_ran(store: Store, printed: str, build: str | None) -> None:
    worker = Worker(store, lambda node, script: printed)
    worker.build(build=build)
    assert worker.told == []
    assert len(worker.reports) == 2


@given(st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=400), max_size=9), st.integers(0, 10**7))
def test_what_is_told_of_a_build_is_short_and_readable(lines: list[str], took: int) -> None:
    built, rest = parse_built("\n".join([f"built {took} {len(lines)}", *lines, "healthy", "last"]))
    assert built is not None
    assert rest == "healthy\nlast"
    told = built.told("worker101")
    assert len(told) < 1500
    assert all(line.isprintable() for line in told.split("\n"))
    assert len(told.split("\n")) <= 6


def test_a_build_that_fails_is_the_fault_of_the_release_where_its_script_says_so(store: Store) -> None:
    def fails(status: int) -> Answer:
        def answer(node: str, script: str) -> str:
            raise StepFailed("worker101: build.sh of influencer ended with status 3", "its last lines", status)

        return answer

    with pytest.raises(ReleaseFailed) as failed:
        Worker(store, fails(FAULTY_RELEASE_STATUS)).build()
    assert (failed.value.sentence, failed.value.output) == (
        "worker101: build.sh of influencer ended with status 3",
        "its last lines",
    )
    with pytest.raises(StepFailed) as failed_otherwise:
        Worker(store, fails(1)).build()
    assert not isinstance(failed_otherwise.value, ReleaseFailed)


def test_a_build_that_nobody_wants_any_more_is_not_waited_for(store: Store) -> None:
    worker = Worker(store, lambda node, script: "built 1 0\n")
    worker.build()
    assert worker.remote.cancellations == [worker.cancellation]


class Knowing(Registry):
    """A registry in which an app has served as a whole."""

    stable = Stable(app=influencer(commit="2" * 40), spec="0a1b2c3d", revision="r", at=0, before="1" * 40)

    def read(self) -> Registered:
        """As `Registry.read`."""
        return Registered(apps={("backend", "influencer"): RegisteredApp(stable=self.stable)})


def test_a_build_and_a_stop_keep_what_a_rollback_needs(store: Store) -> None:
    worker = Worker(store, lambda node, script: "built 1 0\n")
    context = replace(worker.context, registry=Knowing(store))
    Releases(worker.remote, no_pack).build(BuildRelease(node="worker101", app=influencer(commit="3" * 40)), context)
    stop = StopInstance(app_kind="backend", app="influencer", instance="1-0a1b2c3d", node="worker101")
    Instances(worker.remote, IDENTITIES.decrypt, Releases(worker.remote, no_pack)).stop(stop, context)
    for _, script in worker.remote.ran:
        assert f"in {'2' * 40}-*) return 0" in script
        assert f"in {'1' * 40}-*) return 0" in script
