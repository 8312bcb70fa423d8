"""A service's data go to a place and come back, over a real sshd on loopback, by a playbook that the test plays."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from executors.backups.folder import FolderPlace
from executors.services import backing_up
from executors.services.backing_up import BackingUp
from executors.services.kept import Keeping, KeptService, kept_file
from executors.services.playbooks import Playbooks
from executors.services.told import PlaybookRun
from executors.ssh import Ssh
from gitops.backups.service_names import of_service, parse
from gitops.backups.service_notes import read_note
from gitops.executor import HostFence, StepContext
from gitops.operations import Operations
from gitops.plan.rollout import StepList
from gitops.plan.service_removal import add_restoration
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.errors import Cancelled, StepFailed
from model.operation import Origin
from model.registered import NodeRecord, ServiceRecord
from model.service import Service
from model.service_steps import BackUpService, RestoreService
from model.steps import Plan
from tests.executors.sshd import LoopbackSshd
from tests.identity import IDENTITIES

A, B = "service101", "service102"
SERVICE = Service.model_validate(
    {
        "service": "cache",
        "playbook": "redis",
        "nodes": [A, B],
        "publish": {"port": 6379},
        "env_prefix": "CACHE",
        "backup": {"keep": 2},
    }
)
SECRET = b"what the cache holds " * 1000


@dataclass
class Played:
    """What a playbook does: writes the data to the file, or takes them from there."""

    data: bytes = SECRET
    ran: list[tuple[str, str | None]] = field(default_factory=list)
    on: tuple[str, ...] = ()
    before: Callable[[], None] = lambda: None

    def run(self, run: PlaybookRun, context: StepContext) -> None:
        del context
        self.ran.append((run.action, run.backup_node))
        self.on = run.nodes
        self.before()
        file = Path(run.backup_file)
        if run.action == "back_up":
            file.write_bytes(self.data)
        else:
            self.data = file.read_bytes()


class Field:
    """A cache on two machines, and a place for its backups."""

    def __init__(self, sshd: LoopbackSshd, store: Store, folder: Path) -> None:
        self.store, self.registry, self.folder = store, Registry(store), folder
        self.mount = folder / "mount"
        self.mount.mkdir()
        cluster = Cluster.model_validate(
            {
                "cluster": "small",
                "pools": {
                    "service": {"role": "service", "count": 2},
                    "ingress": {"role": "ingress", "count": 1, "first": 16},
                },
                "backups": {"to": "/mnt/backups"},
            }
        )
        store.put(keys.CLUSTER, cluster.to_json())
        self.registry.put_service(ServiceRecord(service=SERVICE, nodes=(A, B), leader=B))
        for node in (A, B):
            self.registry.put_host(sshd.record(node))
            self.registry.put_node(NodeRecord(name=node, ip="127.0.0.1", services=(), role="service", pool="service"))
        self.ssh = Ssh(self.registry.host, sshd.client_key, sshd.port, str(folder / "state"))
        self.played = Played()
        self.now = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
        self.context = StepContext("op", self.registry, HostFence(1), lambda _: None)
        self.executor = BackingUp(
            self.ssh,
            cast("Playbooks", self.played),
            Keeping(self.ssh, str(folder / "state")),
            lambda _: FolderPlace(self.mount),
            IDENTITIES,
            folder / "made",
            self._time,
        )

    def _time(self) -> float:
        return self.now.timestamp()

    def back_up(self) -> str:
        """The name of a new one, a minute later."""
        self.now += timedelta(minutes=1)
        self.executor.back_up(BackUpService(service="cache"), self.context)
        return read_note(self.store, "cache").name

    def restore(self, backup: str) -> None:
        self.executor.restore(RestoreService(service="cache", backup=backup), self.context)

    def ask_for(self, backup: str) -> None:
        """An operation that is to restore it, and waits."""
        steps = StepList()
        add_restoration(steps, "cache", backup)
        Operations(self.store).create(Plan(title="restore", steps=steps.all()), "r", Origin())

    def kept(self) -> list[str]:
        return [str(one) for one in of_service((path.name for path in self.mount.iterdir()), "small", "cache")]

    def left(self) -> list[Path]:
        """What stands on the machine, or on that of flstr."""
        there = Path(backing_up.file_there("cache"))
        return [path for path in (there, *(self.folder / "made").glob("*")) if path.exists()]


@pytest.fixture
def at(sshd: LoopbackSshd, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    monkeypatch.setattr(backing_up, "file_there", lambda service: str(tmp_path / "on the machine" / service))
    field = Field(sshd, store, tmp_path)
    yield field
    field.ssh.close()


def test_the_data_of_the_leader_are_kept_encrypted_and_nothing_is_left_elsewhere(at: Field) -> None:
    name = at.back_up()
    assert at.played.ran == [("back_up", B)]
    assert at.kept() == [name]
    kept = (at.mount / name).read_bytes()
    found = parse(name)
    assert found is not None
    assert (found.service, found.size, found.at) == ("cache", len(kept), at.now)
    assert b"what the cache holds" not in kept
    assert at.left() == []
    note = read_note(at.store, "cache")
    assert (note.at, note.size, note.failure) == (at.now.timestamp(), len(kept), "")


def test_so_many_of_the_newest_stay_and_others_are_not_touched(at: Field) -> None:
    other = at.mount / f"small.service-queue.20200101T000000Z.5.{'0' * 64}.service.age"
    other.write_bytes(b"other")
    names = [at.back_up() for _ in range(4)]
    assert at.kept() == [names[3], names[2]]
    assert other.exists()


def test_one_that_somebody_asked_for_stays_however_old_it_is(at: Field) -> None:
    names = [at.back_up() for _ in range(2)]
    at.ask_for(f"{names[0]}@20261127T030500Z")
    at.played.data = b"newer"
    # As one is made before it is restored, and others while leave is waited for.
    names += [at.back_up() for _ in range(2)]
    assert at.kept() == [names[3], names[2], names[0]]
    at.restore(names[0])
    assert at.played.data == SECRET


def test_it_comes_back_and_which_one_it_was_is_noted(at: Field) -> None:
    name = at.back_up()
    at.played.data = b"nothing any more"
    at.restore(name)
    assert at.played.data == SECRET
    assert at.played.ran[-1] == ("restore", B)
    assert at.left() == []
    record = at.registry.read().services["cache"].record
    assert record is not None
    assert record.restored == name
    kept = KeptService.model_validate_json(Path(kept_file("cache", str(at.folder / "state"))).read_text())
    assert kept.record == record


def test_a_playbook_that_fails_leaves_no_backup_and_no_file_and_is_noted(at: Field) -> None:
    def fail() -> None:
        Path(backing_up.file_there("cache")).write_bytes(b"half of")
        raise StepFailed("service102: BGSAVE failed: no space left")

    at.played.before = fail
    with pytest.raises(StepFailed, match="no space left"):
        at.back_up()
    assert (at.kept(), at.left()) == ([], [])
    note = read_note(at.store, "cache")
    assert (note.failure, note.failing_since) == ("service102: BGSAVE failed: no space left", at.now.timestamp())
    at.played.before = lambda: None
    at.back_up()
    assert read_note(at.store, "cache").failure == ""


def test_a_place_that_is_away_is_a_fault_of_the_step(at: Field) -> None:
    at.mount.rmdir()
    with pytest.raises(StepFailed, match="is its storage mounted"):
        at.back_up()
    assert at.left() == []


def test_a_backup_that_is_not_what_its_name_says_is_not_restored(at: Field) -> None:
    name = at.back_up()
    (at.mount / name).write_bytes(b"damaged")
    with pytest.raises(StepFailed, match="is not what its name says"):
        at.restore(name)
    assert ("restore", B) not in at.played.ran
    assert at.left() == []


def test_one_that_is_gone_is_not_restored(at: Field) -> None:
    name = at.back_up()
    at.back_up()
    (at.mount / name).unlink()
    with pytest.raises(StepFailed, match="there is no backup"):
        at.restore(name)


def test_a_leader_that_is_silent_is_not_backed_up(at: Field) -> None:
    at.store.put(keys.dead(B), "1000.0")
    with pytest.raises(StepFailed, match="cache: service102 does not answer"):
        at.back_up()


@pytest.mark.parametrize("away", [keys.dead(A), keys.not_ready(A)])
def test_a_replica_that_does_not_answer_holds_up_no_backup(at: Field, away: str) -> None:
    at.store.put(away, "1000.0")
    name = at.back_up()
    assert (at.kept(), at.played.on) == ([name], (B,))


def test_neither_does_one_that_was_destroyed(at: Field) -> None:
    at.registry.put_service(ServiceRecord(service=SERVICE.model_copy(update={"playbook": "mongodb"}), nodes=(A, B)))
    at.registry.forget_node(A)
    at.registry.forget_host(A)
    at.back_up()
    assert (at.played.ran, at.played.on) == ([("back_up", B)], (B,))


def test_one_that_somebody_gave_up_is_not_noted_as_failing(at: Field) -> None:
    def give_up() -> None:
        raise Cancelled("its end is not wanted any more")

    at.played.before = give_up
    with pytest.raises(Cancelled):
        at.back_up()
    assert read_note(at.store, "cache").failure == ""
