"""The watch over leaders beside whoever tells it things meanwhile; that it has them move is in test_leading."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from executors.conversation import Conversation
from executors.services import leader_watch
from executors.services.leader_watch import LeaderWatch
from gitops.service_failover import Watched
from model.cluster import Cluster
from model.errors import StepFailed
from model.registered import Registered

SECONDS = 10.0
CACHE = Watched("cache", "service101", {"service101": "10.0.0.1:6379"})
CLUSTER = Cluster.model_validate({"cluster": "small", "pools": {"worker": {"role": "worker", "count": 1}}})


class Interrupted(threading.Event):
    """An event beside whose clearing something else happens."""

    def __init__(self, before: Callable[[], None], after: Callable[[], None]) -> None:
        super().__init__()
        self._before, self._after = before, after

    def clear(self) -> None:
        self._before()
        super().clear()
        self._after()


def silent(node: str, command: str) -> Conversation:
    raise StepFailed(f"{node}: no SSH connection")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_it_is_told_while_it_looks_is_looked_at_next(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    watch = LeaderWatch(silent, print)
    monkeypatch.setattr(leader_watch, "watched_services", lambda cluster, registered: (CACHE,))
    told = [lambda: watch.know(CLUSTER, Registered()), lambda: None]
    looking = Interrupted(*(told if moment == "before" else reversed(told)))
    monkeypatch.setattr(watch, "_looking", looking)
    watch.look()
    assert looking.is_set()
    watch.stop()
    watch.run()


def test_it_rests_while_there_is_nothing_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = LeaderWatch(silent, print)
    looking = threading.Event()
    monkeypatch.setattr(watch, "_looking", looking)
    looking.set()
    watch.look()
    assert not looking.is_set()


class Talk:
    """A program on a machine that answers nothing until it is closed."""

    def __init__(self) -> None:
        self.asked, self.closed = threading.Event(), threading.Event()

    def ask(self, line: str, within: float) -> str:
        self.asked.set()
        assert self.closed.wait(SECONDS)
        raise StepFailed("the connection broke")

    def close(self) -> None:
        self.closed.set()


class LettingGo(leader_watch._Machine):
    """A machine whose thread lets go of its program just when somebody has looked at it."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name == "_conversation" and threading.current_thread() is threading.main_thread():
            self._conversation = None
        return found


def test_a_machine_is_let_go_of_while_its_own_thread_does_so() -> None:
    talk = Talk()
    machine = LettingGo("service101", lambda node, command: cast("Conversation", talk), lambda: 0.0, lambda name: name)
    assert talk.asked.wait(SECONDS)
    machine.stop()
    assert talk.closed.is_set()
