"""A controller tells that it runs for as long as it does, and status says who runs and who leads."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from gitops import describe
from gitops.describe_controllers import controllers
from gitops.presence import Presence, present
from gitops.store import Store
from model import keys
from model.operation import SyncState
from model.registered import ControllerRecord
from tests.bot.room import eventually
from tests.gitops.scene import manifests, registered

NAMES = ("controller001", "controller002", "controller003")


def record(node: str, version: str = "") -> ControllerRecord:
    return ControllerRecord(node=node, version=version, since=1.0)


def told(store: Store, look: Callable[[str | None], bool], node: str = NAMES[0]) -> None:
    """Wait until what is told of a controller is so."""
    while not look(store.get(keys.controller(node))):
        pass


def test_a_controller_tells_that_it_runs_until_its_end(store: Store) -> None:
    presence = Presence(store, record(NAMES[0], "1a2b"))
    presence.start()
    told(store, lambda text: text is not None)
    store.put(keys.LEADER, NAMES[0])
    assert present(store) == ((record(NAMES[0], "1a2b"),), NAMES[0])
    presence.stop()
    assert present(store) == ((), NAMES[0])


def test_one_that_etcd_has_forgotten_tells_it_again(store: Store) -> None:
    presence = Presence(store, record(NAMES[0]))
    presence.start()
    store.revoke(eventually(lambda: presence._lease))
    told(store, lambda text: text is not None)
    presence.stop()


def test_one_that_was_killed_a_moment_ago_is_not_waited_for(store: Store) -> None:
    store.put_with(store.lease(60), keys.controller(NAMES[0]), record(NAMES[0], "old").to_json())
    presence = Presence(store, record(NAMES[0], "new"))
    presence.start()
    told(store, lambda text: '"new"' in (text or ""))
    presence.stop()
    assert present(store) == ((), "")


@pytest.mark.parametrize(
    ("members", "running", "leader", "line"),
    [
        ((), (), "a-laptop:4711", ""),
        (
            NAMES,
            (record(NAMES[0]), record(NAMES[1])),
            NAMES[0],
            "controllers: controller001 (leads), controller002, controller003 is silent",
        ),
        ((), (record(NAMES[1], "1a2b3c4d5e6f"),), "", "controllers: controller002"),
        (
            NAMES[:2],
            (record(NAMES[0], "1a2b3c4d5e6f"), record(NAMES[1])),
            NAMES[1],
            "controllers: controller001 (version 1a2b3c4d), controller002 (leads, a checkout)",
        ),
        (NAMES[:1], (), NAMES[0], "controllers: controller001 is silent"),
    ],
)
def test_status_says_in_one_line_which_controllers_run(
    members: tuple[str, ...], running: tuple[ControllerRecord, ...], leader: str, line: str
) -> None:
    assert controllers(members, running, leader) == line


def test_status_has_that_line_only_where_flstr_runs_on_controllers() -> None:
    cluster, tree, noon = manifests().cluster, registered(), datetime(2026, 11, 1, 12, tzinfo=UTC)
    with_line = describe.status(cluster, tree, [], SyncState(), noon, more=["controllers: controller001 (leads)"])
    without = describe.status(cluster, tree, [], SyncState(), noon)
    assert "controllers: controller001 (leads)" in with_line.splitlines()
    assert "controllers:" not in without
