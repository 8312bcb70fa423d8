"""One script that builds a release and starts an instance of it, and what may come between the two."""

import threading
from pathlib import Path

import pytest

from executors.host_paths import unit_path
from executors.instances import start_script, stop_script
from executors.releases import build_script
from executors.script import FENCED_STATUS
from executors.unit_files import Place
from model.registered import Registered
from tests.executors.build_machine import BuildMachine
from tests.executors.example import influencer
from tests.gitops.remote import Remote

INSTANCE = "1-0a1b2c3d"
STOP = stop_script("backend", "influencer", INSTANCE)


class Slow:
    """A machine whose build waits in the middle until it is let go, and the script that builds and starts there."""

    def __init__(self, folder: Path) -> None:
        self.machine = BuildMachine(folder / "machine")
        self.begun, self.go = folder / "begun", folder / "go"
        waiting = f"touch {self.begun}; until [ -e {self.go} ]; do sleep 0.02; done"
        self.machine.install("git", f'{waiting}; exec /usr/bin/git "$@"')
        (folder / "git").mkdir()
        remote = Remote(folder / "git")
        (remote.work / "run.sh").touch(0o755)
        (remote.work / "run.sh").chmod(0o755)
        app = influencer(repo=remote.url, commit=remote.push({}), build=None)
        place = Place("worker101", "vpn_ingr", "127.0.0.1", 9)
        self._script = start_script(app, INSTANCE, place, Registered(), {}, build_script(app))
        self.said: tuple[int, str] | None = None
        self._running = threading.Thread(target=self._run)

    def __enter__(self) -> "Slow":
        self._running.start()
        while not self.begun.exists():
            assert self._running.is_alive()
        return self

    def __exit__(self, *_: object) -> None:
        self.go.touch()
        self._running.join(60)

    def _run(self) -> None:
        self.said = self.machine.run(self._script)

    def has_unit(self) -> bool:
        return (self.machine.units / unit_path("backend", "influencer", INSTANCE).rpartition("/")[2]).exists()


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    return Slow(tmp_path)


def test_an_instance_that_was_stopped_during_its_build_is_not_started(slow: Slow) -> None:
    with slow:
        assert slow.machine.run(STOP)[0] == 0
    assert slow.said == (1, "this instance is not wanted any more")
    assert not slow.has_unit()


def test_a_controller_that_was_replaced_during_a_build_starts_nothing(slow: Slow) -> None:
    with slow:
        assert slow.machine.run("true", token=2)[0] == 0
    assert slow.said is not None
    assert slow.said[0] == FENCED_STATUS
    assert not slow.has_unit()


def test_nobody_who_is_not_disturbed_is_refused(slow: Slow) -> None:
    with slow:
        pass
    assert slow.has_unit()
    assert slow.said is not None
    assert "not wanted" not in slow.said[1]
