"""The files of the services as machines get them, compared to those in `fixtures/`."""

from pathlib import Path

import pytest

from tests.executors.expected import check
from tests.playbooks.rendered import Case, rendered

FIXTURES = Path(__file__).parent / "fixtures"
FIRST, SECOND = "cache101", "cache102"
ADDRESSES = {FIRST: "10.110.0.5", SECOND: "10.110.0.6"}
PASSWORD, REPLICATION = "a" * 64, "b" * 64
TOLD = {
    "flstr_service": "cache",
    "flstr_port": 6379,
    "flstr_leader": FIRST,
    "flstr_users": {},
    "flstr_secrets": {
        "password": PASSWORD, "replication": REPLICATION, "admin": PASSWORD, "keyfile": PASSWORD, "authority": PASSWORD
    },
    "flstr_network_units": ["tinc@vpn_ctrl.service", "flstr-overlay.service"],
}  # fmt: skip


def redis(name: str, node: str = FIRST, **told: object) -> Case:
    written = ("redis.conf", "settings.conf", "leader.conf", "users.acl", "unit.conf", "restart.conf", "ask.sh")
    return Case(name, "redis", tuple(f"{file}.j2" for file in written), node, {**TOLD, **told})


def nginx(name: str, **told: object) -> Case:
    return Case(name, "nginx", ("site.conf.j2", "unit.conf.j2"), FIRST, {**TOLD, **told})


def mongodb(name: str, **told: object) -> Case:
    files = ("mongod.conf.j2", "unit.conf.j2")
    return Case(name, "mongodb", files, FIRST, {**TOLD, "flstr_port": 27017, "flstr_leader": "", **told})


def elasticsearch(name: str, **told: object) -> Case:
    files = ("elasticsearch.yml.j2", "unicast_hosts.txt.j2", "jvm.options.j2", "unit.conf.j2")
    return Case(name, "elasticsearch", files, SECOND, {**TOLD, "flstr_port": 9200, "flstr_leader": "", **told})


CASES = (
    redis("redis-leader"),
    redis("redis-replica", SECOND),
    redis("redis-rdb", redis_persistence="rdb"),
    redis("redis-both", redis_persistence="both", redis_save_points=[{"seconds": 60, "changes": 1}]),
    redis("redis-none", redis_persistence="none", redis_memory_policy="allkeys-lru"),
    nginx("nginx"),
    nginx("nginx-app", nginx_spa_fallback="/index.html", nginx_headers={"X-Frame-Options": "DENY"}),
    nginx("nginx-uploads", nginx_uploads=True, nginx_max_body="100m"),
    mongodb("mongodb"),
    mongodb("mongodb-sized", mongodb_cache_gb=0.5, mongodb_oplog_mb=2048, mongodb_max_connections=500),
    elasticsearch("elasticsearch-founding", elasticsearch_founding=True, elasticsearch_heap="4g"),
    elasticsearch("elasticsearch"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    return rendered(CASES, ADDRESSES, tmp_path_factory.mktemp("rendered"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_machine_gets(case: Case, files: dict[str, dict[str, str]]) -> None:
    for name, text in files[case.name].items():
        check(FIXTURES / case.name / name.removesuffix(".j2"), text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_password_can_be_read_in_it(case: Case, files: dict[str, dict[str, str]]) -> None:
    for name, text in files[case.name].items():
        assert PASSWORD not in text
        assert (REPLICATION in text) == (case.role == "redis" and name == "redis.conf.j2")
