"""When a service is backed up by the clock."""

from datetime import UTC, datetime

import pytest

from gitops.backups.place import Place
from gitops.backups.service_making import ServiceBackups
from gitops.backups.service_notes import change_note, read_note
from gitops.backups.service_schedule import ServiceSchedule
from gitops.registry import Registry
from gitops.services import meta_data_of
from gitops.store import Store
from model import service_keys
from model.cluster import Backups
from model.errors import Refused
from model.operation import Operation
from model.registered import ServiceRecord
from model.service import Service
from tests.gitops.flstr import Flstr

SERVICE = {"service": "cache", "playbook": "redis", "pool": "service", "publish": {"port": 6379}, "env_prefix": "CACHE"}
MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86400.0


def no_place(_: Backups) -> Place:
    raise Refused("no test gets as far as this")


class Scene:
    """A cache with a schedule, and a clock that tests set; nothing that is begun is ever carried out."""

    def __init__(self, flstr: Flstr) -> None:
        flstr.settle()
        self.flstr, self.now = flstr, MONDAY
        self.wanted: dict[str, Service] = {}
        backups = ServiceBackups(
            flstr.registry, flstr.operations, flstr.worker.dispatch, no_place, lambda: "0" * 40, lambda: None
        )
        self.schedule = ServiceSchedule(flstr.registry, backups, lambda: self.wanted, lambda: self.now)
        self.want("0 3 * * *")
        self.install()
        self.serve()

    @property
    def store(self) -> Store:
        return self.flstr.store

    def want(self, at: str | None, **more: object) -> None:
        service = Service.model_validate({**SERVICE, "backup": {"at": at}, **more})
        self.wanted = {"cache": service}

    def install(self) -> None:
        Registry(self.store).put_service(ServiceRecord(service=self.wanted["cache"], nodes=("service101",)))

    def serve(self) -> None:
        meta_data = meta_data_of(self.wanted["cache"])
        self.store.put(service_keys.meta_data("cache"), meta_data.to_json())

    def look_at(self, now: float) -> int:
        """How many are under way after a look then."""
        self.now = now
        self.schedule.look()
        return len(self.made())

    def made(self) -> list[Operation]:
        return [one for one in self.flstr.operations.under_way() if one.plan.locks == ("service-cache",)]

    def end(self) -> None:
        for operation in self.made():
            self.flstr.operations.end(operation, "failed", "the place is away")


@pytest.fixture
def scene(flstr: Flstr) -> Scene:
    return Scene(flstr)


def test_none_is_begun_of_one_that_has_not_served_yet(scene: Scene) -> None:
    """What it holds may be nothing still, and its older backups would give way to that."""
    scene.store.delete(service_keys.meta_data("cache"))
    assert scene.look_at(MONDAY) == scene.look_at(MONDAY + 15 * HOUR) == 0


def test_one_is_begun_when_it_is_due_and_nothing_before(scene: Scene) -> None:
    assert scene.look_at(MONDAY) == scene.look_at(MONDAY + 14 * HOUR) == 0
    assert scene.look_at(MONDAY + 15 * HOUR) == 1
    (operation,) = scene.made()
    assert (operation.plan.title, operation.origin.place) == ("back up cache", "by itself")


def test_it_is_begun_once_and_what_failed_again_at_the_next_time(scene: Scene) -> None:
    scene.look_at(MONDAY)
    assert scene.look_at(MONDAY + 15 * HOUR) == scene.look_at(MONDAY + 16 * HOUR) == 1
    scene.end()
    assert scene.look_at(MONDAY + 20 * HOUR) == 0
    assert scene.look_at(MONDAY + 15 * HOUR + DAY) == 1


def test_of_several_that_were_missed_one_is_made(scene: Scene) -> None:
    scene.look_at(MONDAY)
    assert scene.look_at(MONDAY + 9 * DAY) == 1
    scene.end()
    assert scene.look_at(MONDAY + 9 * DAY + HOUR) == 0


def test_a_new_line_is_not_due_for_what_was_before_it(scene: Scene) -> None:
    scene.look_at(MONDAY)
    scene.want("0 15 * * *")
    assert scene.look_at(MONDAY + 20 * HOUR) == 0
    assert scene.look_at(MONDAY + 27 * HOUR) == 1


@pytest.mark.parametrize(
    "more", [{"at": None}, {"at": "0 3 * * *", "playbook": "playbooks/queue.yml", "port": 1, "env": {"PROTOCOL": "x"}}]
)
def test_one_without_a_schedule_or_of_a_playbook_that_is_not_ours_has_none(
    scene: Scene, more: dict[str, object]
) -> None:
    scene.want(**more)  # type: ignore[arg-type]
    assert scene.look_at(MONDAY) == scene.look_at(MONDAY + 9 * DAY) == 0


def test_one_that_is_not_installed_yet_is_not_backed_up(scene: Scene) -> None:
    scene.store.delete_prefix("flstr/service/")
    assert scene.look_at(MONDAY) == scene.look_at(MONDAY + 9 * DAY) == 0


def test_looks_at_which_nothing_is_due_write_nothing(scene: Scene) -> None:
    scene.look_at(MONDAY)
    before = scene.store.revision()
    for hours in range(14):
        scene.look_at(MONDAY + hours * HOUR)
    assert scene.store.revision() == before


def test_how_the_last_one_went_is_kept(scene: Scene) -> None:
    change_note(scene.store, "cache", lambda note: note.model_copy(update={"name": "a", "at": 7.0}))
    scene.look_at(MONDAY)
    note = read_note(scene.store, "cache")
    assert (note.name, note.at, note.followed) == ("a", 7.0, MONDAY)
