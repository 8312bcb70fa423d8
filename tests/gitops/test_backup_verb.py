"""The verb that makes a backup, and what status says of backups, asked at a real desk."""

from dataclasses import replace
from pathlib import Path

import pytest

from executors.backups.folder import FolderPlace
from gitops.backups.backups import Backups
from gitops.verbs.desk import Desk
from gitops.verbs.handlers import handlers
from tests.gitops.flstr import DEVELOPER, Flstr
from tests.gitops.scene import CLUSTER_YAML
from tests.identity import IDENTITIES


@pytest.fixture
def mount(flstr: Flstr, tmp_path: Path) -> Path:
    """Where a cluster keeps its backups, and has a desk that makes them."""
    mount = tmp_path / "mount"
    mount.mkdir()
    made = Backups(flstr.registry, lambda _: FolderPlace(mount), IDENTITIES.recipient, tmp_path / "made")
    flstr.desk = Desk(flstr.store, flstr.registry, handlers(replace(flstr.parts, backups=made)), flstr.parts.rights)
    flstr.cluster.push({"cluster.yaml": f"{CLUSTER_YAML}backups:\n  to: {mount}\n"})
    flstr.settle()
    return mount


def test_a_backup_is_made_when_somebody_says_so_and_status_knows(flstr: Flstr, mount: Path) -> None:
    assert "no backup yet" in flstr.ask("status")
    said = flstr.ask("backup")
    (kept,) = mount.iterdir()
    assert f"`{kept.name}`" in said
    assert "\nlast backup " in flstr.ask("status")


def test_whoever_may_not_sync_may_not_back_up(flstr: Flstr, mount: Path) -> None:
    assert "may" in flstr.ask("backup", DEVELOPER)
    assert list(mount.iterdir()) == []


def test_what_goes_wrong_is_the_answer_and_stays_in_status(flstr: Flstr, mount: Path) -> None:
    mount.rmdir()
    assert "is its storage mounted?" in flstr.ask("backup")
    assert ":warning: no backup yet; none comes to be since" in flstr.ask("status")


def test_without_backups_status_has_no_line_of_them(flstr: Flstr) -> None:
    flstr.settle()
    assert "backup" not in flstr.ask("status")
    assert "no backups" in flstr.ask("backup")
