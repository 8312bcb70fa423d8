"""The names of services' backups, which nobody takes for copies of etcd, nor the other way round."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gitops.backups import names
from gitops.backups.names import BackupName
from gitops.backups.service_names import ServiceBackup, of_service, parse, superfluous

AT = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
ONE = ServiceBackup("small", "cache", AT, 10, "a" * 64)
OF_ETCD = BackupName("small", AT, 7, 10, "a" * 64)


def test_a_name_says_all_and_is_read_back() -> None:
    assert str(ONE) == f"small.service-cache.20261127T030000Z.10.{'a' * 64}.service.age"
    assert parse(str(ONE)) == ONE


def test_the_longest_name_fits_into_a_manifest() -> None:
    assert len(str(ServiceBackup("c" * 31, "s" * 30, AT, 10**15 - 1, "a" * 64))) <= 200


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".unfinished-" + str(ONE),
        str(ONE) + ".part",
        str(ONE).replace("20261127", "20261327"),
        str(ONE).replace("small.", "../small."),
        str(ONE) + "\n",
        str(OF_ETCD),
    ],
)
def test_what_is_none_is_not_taken_for_one(name: str) -> None:
    assert parse(name) is None


def test_a_copy_of_etcd_and_a_services_backup_are_never_mistaken() -> None:
    kept = [str(ONE), str(OF_ETCD)]
    assert names.of_cluster(kept, "small") == (OF_ETCD,)
    assert names.superfluous([*kept, str(ONE)], OF_ETCD, 1) == ()
    assert of_service(kept, "small", "cache") == (ONE,)
    assert superfluous(kept, ONE, 1) == ()


def test_those_of_others_are_left_alone_and_the_new_one_stays() -> None:
    def at(minutes: int, service: str = "cache", cluster: str = "small") -> ServiceBackup:
        return replace(ONE, at=AT + timedelta(minutes=minutes), service=service, cluster=cluster)

    old = [at(1), at(2), at(3), at(0, "cache-2"), at(0, cluster="large")]
    assert superfluous(map(str, old), at(4), 2) == (at(2), at(1))
    # By a clock that was ahead others are newer; the one that was made now stays.
    assert superfluous(map(str, old), at(-9), 2) == (at(2), at(1))
