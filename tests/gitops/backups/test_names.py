"""What backups are called, which of them stay, and when one is due."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gitops.backups.due import failed, is_due, status_line, succeeded
from gitops.backups.names import BackupName, of_cluster, parse, superfluous
from model.backups import BackupRecord
from model.cluster import Backups
from tests.gitops.scene import manifests

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
DIGEST = "ab" * 32
WANTED = Backups(to="/mnt/backups", every=3600.0, keep=3)


def name(minutes: int = 0, cluster: str = "example", revision: int = 7) -> BackupName:
    return BackupName(cluster, NOON + timedelta(minutes=minutes), revision, 1000, DIGEST)


def test_a_name_says_everything() -> None:
    assert str(name()) == f"example.20261126T120000Z.r7.1000.{DIGEST}.etcd.age"


@given(
    st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True),
    st.datetimes(datetime(2020, 1, 1), datetime(2999, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),
    st.integers(0, 2**62),
    st.integers(0, 10**14),
)
def test_a_name_is_read_as_it_was_written(cluster: str, at: datetime, revision: int, size: int) -> None:
    made = BackupName(cluster, at, revision, size, DIGEST)
    assert parse(str(made)) == made


@given(st.text(max_size=120))
def test_what_is_no_backup_has_no_name(text: str) -> None:
    assert parse(text) is None
    assert parse(f"example.20261399T120000Z.r7.1000.{DIGEST}.etcd.age") is None


def test_names_of_one_cluster_sort_by_time_and_others_are_left_alone() -> None:
    there = [str(name(5)), "somebody's file", str(name(1)), str(name(9, "other")), str(name(3))]
    assert of_cluster(there, "example") == (name(5), name(3), name(1))


def test_the_newest_stay() -> None:
    there = [str(name(minute)) for minute in range(6)]
    assert superfluous(there, name(5), keep=3) == (name(2), name(1), name(0))
    assert superfluous(there, name(5), keep=10) == ()


def test_a_new_one_stays_whatever_its_clock_said() -> None:
    there = [str(name(minute)) for minute in range(6)]
    assert superfluous(there, name(0), keep=1) == tuple(name(minute) for minute in (5, 4, 3, 2, 1))


def test_one_is_due_when_there_is_none_and_again_after_a_while() -> None:
    assert is_due(WANTED, BackupRecord(), 1_000_000.0)
    made = succeeded(BackupRecord(), str(name()), 1000, 1_000_000.0)
    assert not is_due(WANTED, made, 1_003_599.0)
    assert is_due(WANTED, made, 1_003_600.0)


def test_a_clock_that_was_ahead_keeps_no_backup_from_being_made() -> None:
    ahead = succeeded(BackupRecord(), "name", 1, 1_000_000.0)
    assert is_due(WANTED, ahead, 900_000.0)
    assert is_due(WANTED, failed(ahead, "no room", 1_000_000.0), 900_000.0)


def test_one_that_failed_is_tried_again_sooner_but_not_at_once() -> None:
    record = failed(succeeded(BackupRecord(), str(name()), 1000, 0.0), "no way", 10_000.0)
    assert not is_due(WANTED, record, 10_299.0)
    assert is_due(WANTED, record, 10_300.0)


def test_status_says_how_old_the_last_one_is_and_what_is_wrong() -> None:
    cluster = manifests().cluster
    assert "no backups" in status_line(cluster, BackupRecord(), 0.0)
    cluster = cluster.model_copy(update={"backups": WANTED})
    made = succeeded(BackupRecord(), str(name()), 1000, 6000.0)
    assert status_line(cluster, made, 7200.0) == "last backup 20 minutes ago"
    broken = failed(failed(made, "first", 6600.0), "the disk is full", 7000.0)
    assert status_line(cluster, broken, 7200.0) == (
        ":warning: last backup 20 minutes ago; none comes to be since 10 minutes: the disk is full"
    )
    assert "no backup yet" in status_line(cluster, BackupRecord(), 7200.0)
