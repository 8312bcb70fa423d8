"""The verbs about a service's data, asked at a real desk."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from executors.backups.folder import FolderPlace
from gitops.backups.service_making import ServiceBackups
from gitops.backups.service_names import ServiceBackup
from gitops.backups.service_notes import change_note
from gitops.verbs.desk import Desk
from gitops.verbs.handlers import handlers
from model import keys, service_keys
from model.registered import MetaData
from tests.gitops.flstr import DEVELOPER, OPERATOR, Flstr
from tests.gitops.service_scene import ONE, TWO, cache_yaml, cluster_yaml


def name(day: int, service: str = "cache") -> str:
    at = datetime(2026, 11, day, 3, 0, tzinfo=UTC)
    return str(ServiceBackup("flstr-lab", service, at, 10, f"{day:064x}"))


@pytest.fixture
def mount(flstr: Flstr, tmp_path: Path) -> Path:
    """Where backups are kept of a cluster that has a cache."""
    mount = tmp_path / "mount"
    mount.mkdir()
    parts = flstr.parts
    backups = ServiceBackups(
        flstr.registry, flstr.operations, flstr.worker.dispatch, lambda _: FolderPlace(mount),
        lambda: flstr.worker.state().revision, flstr.worker.wake,
    )  # fmt: skip
    flstr.desk = Desk(flstr.store, flstr.registry, handlers(replace(parts, service_backups=backups)), parts.rights)
    flstr.cluster.push({"cluster.yaml": cluster_yaml(), "services/cache.yaml": cache_yaml((ONE, TWO))})
    assert {operation.status for operation in flstr.settle()} == {"done"}
    return mount


def keep(mount: Path, *names: str) -> None:
    for one in names:
        (mount / one).write_bytes(b"encrypted.")


def test_a_backup_is_an_operation_of_whoever_asked(flstr: Flstr, mount: Path) -> None:
    assert flstr.ask("service backup cache", DEVELOPER) == (
        "A backup of cache begins; its thread says what comes of it."
    )
    (operation,) = flstr.operations.under_way()
    assert (operation.plan.title, operation.plan.locks) == ("back up cache", ("service-cache",))
    assert (operation.origin.words, operation.origin.place) == ("/flstr service backup cache", "slack #flstr")
    assert flstr.settle()[-1].status == "done"
    assert list(mount.iterdir()) == []


def test_whoever_asks_while_one_is_under_way_follows_that_one(flstr: Flstr, mount: Path) -> None:
    flstr.ask("service backup cache")
    (operation,) = flstr.operations.under_way()
    answered = flstr.answered("service backup cache")
    assert answered.answer == "A backup of cache is under way already; you will be told of its end."
    assert answered.operation == operation.id
    assert flstr.operations.under_way() == [operation]
    assert flstr.store.get(keys.follower(operation.id, OPERATOR)) is not None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("service backup cahce", "There is no service called cahce; did you mean cache?"),
        ("service backup queue", "There is no service called queue. There are cache."),
        ("service backups queue", "There is no service called queue. There are cache."),
        ("service restore queue", "There is no service called queue. There are cache."),
        ("service restore cache", "there is no backup of cache where cluster.yaml keeps backups"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(flstr: Flstr, mount: Path, words: str, sentence: str) -> None:
    assert flstr.answer(words) == sentence


def test_one_that_was_registered_by_hand_is_not_backed_up(flstr: Flstr, mount: Path) -> None:
    service = flstr.registry.read().services["cache"].meta_data
    assert service is not None
    flstr.store.put(service_keys.meta_data("queue"), MetaData.model_validate(service.model_dump()).to_json())
    assert flstr.answer("service backup queue").startswith("queue was registered by hand")


def test_without_a_place_there_is_no_backup(flstr: Flstr, mount: Path) -> None:
    flstr.cluster.push({"cluster.yaml": cluster_yaml(more="")})
    flstr.settle()
    assert flstr.answer("service backup cache").startswith("cluster.yaml names no place for backups")
    assert flstr.answer("service backups cache").startswith("cluster.yaml names no place for backups")


def test_while_flstr_is_suspended_none_begins(flstr: Flstr, mount: Path) -> None:
    flstr.ask("suspend somebody works on the machines --yes")
    assert flstr.answer("service backup cache").startswith("flstr is suspended")
    assert flstr.operations.under_way() == []


def test_the_backups_are_listed_newest_first_with_what_is_wrong(flstr: Flstr, mount: Path) -> None:
    assert flstr.ask("service backups cache") == "*Backups of cache*\nnone"
    keep(mount, name(24), name(26), name(25, "other"))
    failing = {"failure": "the place is away", "failing_since": 1.0, "at": 1.0}
    change_note(flstr.store, "cache", lambda note: note.model_copy(update=failing))
    lines = flstr.ask("service backups cache").splitlines()
    assert lines[1:3] == [
        f"• `{name(26)}`: 2026-11-26 03:00 UTC, 10 bytes",
        f"• `{name(24)}`: 2026-11-24 03:00 UTC, 10 bytes",
    ]
    assert lines[3].endswith(": the place is away")


def test_those_of_a_service_that_is_gone_are_listed_too(flstr: Flstr, mount: Path) -> None:
    keep(mount, name(25, "queue"))
    assert name(25, "queue") in flstr.ask("service backups queue")
    assert flstr.answer("service backups other") == "There is no service called other. There are cache, queue."


def test_services_says_when_one_was_last_backed_up(flstr: Flstr, mount: Path) -> None:
    assert "not backed up yet" in flstr.ask("services")
    made = datetime(2026, 11, 24, 3, 0, tzinfo=UTC).timestamp()
    change_note(flstr.registry.store, "cache", lambda note: note.model_copy(update={"at": made}))
    assert "backed up 2026-11-24 03:00 UTC, needed by no app" in flstr.ask("services")


def test_a_restore_is_a_commit_that_waits_for_an_approval(flstr: Flstr, mount: Path) -> None:
    keep(mount, name(24), name(26))
    said = flstr.ask("service restore cache", DEVELOPER)
    assert f"cache is to hold what `{name(26)}` does: committed as" in said
    assert said.endswith("; it keeps what it has until somebody approves.")
    assert flstr.cluster.file("services/cache.yaml").startswith(f'restored: "{name(26)}"\n')
    waiting = flstr.settle()[-1]
    assert waiting.status == "awaiting_approval"
    assert "service.restore" in [planned.step.kind for planned in waiting.plan.steps]


def test_one_that_does_not_serve_yet_has_nothing_to_back_up_and_begins_with_a_restore(
    flstr: Flstr, mount: Path
) -> None:
    keep(mount, name(24))
    flstr.store.delete(service_keys.meta_data("cache"))
    assert flstr.answer("service backup cache") == "cache does not serve yet, so there is nothing to back up."
    assert flstr.ask("service restore cache").endswith("; it begins with that as it is installed.")


def test_the_same_backup_is_wanted_once_more_with_the_time(flstr: Flstr, mount: Path) -> None:
    keep(mount, name(24))
    flstr.ask("service restore cache", DEVELOPER)
    said = flstr.ask("service restore cache", DEVELOPER)
    assert f"cache is to hold what `{name(24)}@" in said
    restored = flstr.cluster.file("services/cache.yaml").splitlines()[0]
    assert re.fullmatch(rf'restored: "{re.escape(name(24))}@[0-9]{{8}}T[0-9]{{6}}Z"', restored)
    waiting = flstr.settle()[-1]
    assert waiting.status == "awaiting_approval"


def test_the_beginning_of_a_name_is_enough(flstr: Flstr, mount: Path) -> None:
    keep(mount, name(24), name(26))
    assert name(24) in flstr.ask("service restore cache flstr-lab.service-cache.20261124")
    assert "there is no backup nonsense of cache" in flstr.ask("service restore cache nonsense")


def test_plan_shows_a_restore_and_commits_nothing(flstr: Flstr, mount: Path) -> None:
    keep(mount, name(26))
    said = flstr.ask("plan service restore cache")
    assert f"restore cache from {name(26)}" in said
    assert "restored" not in flstr.cluster.file("services/cache.yaml")
