"""Backups of a real etcd, kept in a folder that may break."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyrage
import pytest

from executors.backups.folder import FolderPlace
from gitops.backups.backups import Backups, fetch, newest, read_record
from gitops.backups.snapshot import check_hash, opened
from gitops.registry import Registry
from gitops.secrets import Identities, read_identities
from gitops.store import Store
from model import keys
from model.errors import Refused, Unreadable
from model.operation import Notice
from tests.gitops.scene import manifests


class Vault(FolderPlace):
    """A folder that can spoil what it keeps."""

    spoil: Callable[[bytes], bytes] = staticmethod(lambda piece: piece)

    def read(self, name: str) -> Iterator[bytes]:
        yield from (self.spoil(piece) for piece in super().read(name))


class Scene:
    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.now = store, 1_800_000_000.0
        self.state, self.mount = folder / "state", folder / "mount"
        self.mount.mkdir()
        self.place = Vault(self.mount)
        self.identities = read_identities(self.state / "identity")
        self.other = pyrage.x25519.Identity.generate()
        self.backups = Backups(
            Registry(store), lambda _: self.place, self.identities.recipient, self.state / "made", lambda: self.now
        )
        cluster = manifests().cluster.model_dump(mode="json", by_alias=True)
        cluster["backups"] = {"to": str(self.mount), "every": 3600, "keep": 2}
        cluster["secrets"] = {"recipients": [str(self.other.to_public())]}
        store.put(keys.CLUSTER, type(manifests().cluster).model_validate(cluster).to_json())

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.backups.look()

    def said(self) -> list[str]:
        return [Notice.model_validate_json(text).text for text in self.store.prefix(keys.NOTICES).values()]


@pytest.fixture
def scene(store: Store, tmp_path: Path) -> Scene:
    return Scene(store, tmp_path)


def test_a_backup_is_made_when_it_is_due_and_no_sooner(scene: Scene) -> None:
    scene.backups.look()
    scene.later(3599)
    assert len(scene.place.names()) == 1
    scene.later(1)
    assert len(scene.place.names()) == 2
    record = read_record(scene.store)
    assert (record.at, record.failure, record.name) == (scene.now, "", scene.place.names()[-1])


def test_only_the_newest_are_kept_and_what_is_not_flstrs_is_left_alone(scene: Scene) -> None:
    (scene.mount / "a note").write_text("mine")
    for _ in range(4):
        scene.later(3600)
    names = scene.place.names()
    assert len(names) == 3
    assert "a note" in names
    assert str(newest(scene.place, "flstr-lab")) == read_record(scene.store).name


def test_it_is_encrypted_and_everybody_it_is_for_can_open_it(scene: Scene, tmp_path: Path) -> None:
    scene.store.put("secret", "the-plain-value")
    record = scene.backups.make()
    assert b"the-plain-value" not in (scene.mount / record.name).read_bytes()
    fetch(scene.place, newest(scene.place, "flstr-lab"), tmp_path / "sealed")
    for identities in (scene.identities, Identities([str(scene.other)])):
        opened(tmp_path / "sealed", tmp_path / "plain.db", identities)
        assert b"the-plain-value" in (tmp_path / "plain.db").read_bytes()
    with pytest.raises(Refused, match="cannot decrypt"):
        opened(tmp_path / "sealed", tmp_path / "no.db", read_identities(tmp_path / "stranger"))
    assert not (tmp_path / "no.db").exists()


def test_nothing_of_it_is_left_where_it_was_made_nor_of_one_that_was_cut_short(scene: Scene) -> None:
    (scene.state / "made/backup-old").mkdir(parents=True)
    (scene.state / "made/backup-old/snapshot.db").write_text("plain")
    scene.backups.make()
    assert list((scene.state / "made").iterdir()) == []


def test_a_failure_is_told_once_and_that_it_works_again_once(scene: Scene) -> None:
    scene.backups.look()
    scene.mount.rename(scene.mount.with_name("gone"))
    for _ in range(3):
        scene.later(3600)
    assert [text for text in scene.said() if text.startswith(":warning: No backup")] == scene.said()
    assert len(scene.said()) == 1
    assert "is its storage mounted" in read_record(scene.store).failure
    scene.mount.with_name("gone").rename(scene.mount)
    scene.later(300)
    scene.later(3600)
    assert sorted(scene.said())[1:] == [":white_check_mark: Backups of etcd are made again."]
    assert read_record(scene.store).failure == ""


def test_one_that_cannot_be_read_back_counts_for_nothing_and_no_older_one_goes(scene: Scene) -> None:
    for _ in range(2):
        scene.later(3600)
    good = scene.place.names()
    scene.place.spoil = lambda piece: piece[:-1]
    with pytest.raises(Refused, match="is not what its name says"):
        scene.backups.make()
    assert scene.place.names() == good
    assert read_record(scene.store).name == good[-1]


def test_a_cluster_without_a_place_is_told_what_to_write(store: Store, tmp_path: Path) -> None:
    scene = Scene(store, tmp_path)
    store.put(keys.CLUSTER, manifests().cluster.to_json())
    scene.backups.look()
    assert store.get(keys.BACKUP) is None
    with pytest.raises(Refused, match="the field `to` under `backups`"):
        scene.backups.make()


def test_a_snapshot_that_was_cut_short_is_told_from_a_whole_one(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "snapshot.db"
    store.snapshot(path)
    check_hash(path)
    whole = path.read_bytes()
    for spoilt in (whole[:-1], whole[:-512], whole[:100] + b"!" + whole[101:], b""):
        path.write_bytes(spoilt)
        with pytest.raises(Unreadable, match="hash is wrong"):
            check_hash(path)
