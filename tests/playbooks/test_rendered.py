"""The files of Redis and nginx as machines get them, compared to those in `fixtures/`."""

from pathlib import Path

import pytest

from tests.executors.expected import check
from tests.playbooks.rendered import rendered

FIXTURES = Path(__file__).parent / "fixtures"
ADDRESSES = {"cache101": "10.110.0.5", "cache102": "10.110.0.6"}
PASSWORD, REPLICATION = "a" * 64, "b" * 64
REDIS = ("redis.conf.j2", "settings.conf.j2", "leader.conf.j2", "users.acl.j2", "unit.conf.j2", "ask.sh.j2")
TOLD = {
    "flstr_service": "cache",
    "flstr_port": 6379,
    "flstr_leader": "cache101",
    "flstr_secrets": {"password": PASSWORD, "replication": REPLICATION},
    "flstr_network_units": ["tinc@vpn_ctrl.service", "flstr-overlay.service"],
}
# Of the role's files these alone are for root and Redis only; an app's password is in none.
PRIVATE = ("redis.conf.j2",)


@pytest.mark.parametrize(
    ("case", "node", "told"),
    [
        ("redis-leader", "cache101", {}),
        ("redis-replica", "cache102", {}),
        ("redis-rdb", "cache101", {"redis_persistence": "rdb"}),
        ("redis-both", "cache101", {"redis_persistence": "both", "redis_save_points": [{"seconds": 60, "changes": 1}]}),
        ("redis-none", "cache101", {"redis_persistence": "none", "redis_memory_policy": "allkeys-lru"}),
    ],
)
def test_redis(case: str, node: str, told: dict[str, object], tmp_path: Path) -> None:
    files = rendered("redis", REDIS, TOLD | told, ADDRESSES, node, tmp_path)
    for name, text in files.items():
        check(FIXTURES / case / name.removesuffix(".j2"), text)
        assert PASSWORD not in text
        assert (REPLICATION in text) == (name in PRIVATE)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("nginx", {}),
        ("nginx-app", {"nginx_spa_fallback": "/index.html", "nginx_headers": {"X-Frame-Options": "DENY"}}),
        ("nginx-uploads", {"nginx_uploads": True, "nginx_max_body": "100m"}),
    ],
)
def test_nginx(case: str, told: dict[str, object], tmp_path: Path) -> None:
    files = rendered("nginx", ("site.conf.j2", "unit.conf.j2"), TOLD | told, ADDRESSES, "cache101", tmp_path)
    for name, text in files.items():
        check(FIXTURES / case / name.removesuffix(".j2"), text)
