"""Redis on real machines, from Debian's packages: led, followed, changed, backed up, restored and removed."""

from collections.abc import Iterator
from typing import Any

import pytest

from lab.preconditions import why_no_lab
from tests.playbooks.hosts import PlaybookHosts, Played

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

FIRST, SECOND, THIRD = "cache101", "cache102", "cache103"
PASSWORD, REPLICATION = "a" * 64, "b" * 64
BACKUP = "/root/cache.backup"
# Until it is started again: for a moment systemd may still take the one that was killed for active.
CRASH = """
unit=redis-server@cache
before=$(systemctl show --property=MainPID --value $unit)
systemctl kill --signal=KILL $unit
timeout 60 sh -c '
    until after=$(systemctl show --property=MainPID --value $0) && [ "$after" != 0 ] && [ "$after" != "$1" ] &&
        systemctl is-active --quiet $0
    do sleep 0.1; done
' $unit "$before"
"""


class Caches:
    """Machines for a Redis called cache, and what flstr would tell of it."""

    def __init__(self, hosts: PlaybookHosts) -> None:
        self.hosts = hosts
        self.nodes: list[str] = [FIRST, SECOND]
        self.leaving: list[str] = []
        self.leader = FIRST
        self.variables: dict[str, object] = {}

    def play(self, action: str = "apply", check: bool = False, fails: bool = False, **more: object) -> Played:
        told = {
            "flstr_action": action,
            "flstr_service": "cache",
            "flstr_port": 6379,
            "flstr_leader": self.leader,
            "flstr_secrets": {"password": PASSWORD, "replication": REPLICATION},
            "flstr_users": {},
            "flstr_network_units": ["network-online.target"],
            "flstr_backup_node": self.leader,
            "flstr_backup_file": BACKUP,
        }
        return self.hosts.play("redis", told | self.variables | more, self.nodes, self.leaving, check, fails)

    def ask(self, node: str, words: str, port: int = 6379) -> str:
        """What an app is answered, in the app's network."""
        address = self.hosts.addresses[node]
        return self.hosts.on(node, f"REDISCLI_AUTH={PASSWORD} redis-cli -h {address} -p {port} {words}")

    def started(self, node: str) -> str:
        return self.hosts.on(node, "systemctl show --property=MainPID redis-server@cache")

    def state(self, node: str) -> str:
        return self.hosts.on(
            node,
            "find /etc /var/lib/redis /usr/local -type f -printf '%p %T@ %m\\n' | sort;"
            "systemctl show --property=MainPID,ActiveState redis-server@cache",
        )


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caches]:
    """Three fresh machines; the tests follow one another."""
    if (reason := why_no_lab()) is not None:
        pytest.skip(reason)
    hosts = PlaybookHosts(tmp_path_factory.mktemp("caches"), (FIRST, SECOND, THIRD), (6379, 6380))
    yield Caches(hosts)
    hosts.stop()


def test_a_plan_says_what_would_be_installed_and_touches_nothing(caches: Caches) -> None:
    state = {
        node: caches.hosts.on(node, "find /etc /var/lib /usr -xdev -newer /proc/1 -type f | sort")
        for node in (FIRST, SECOND)
    }
    played = caches.play(check=True)
    assert "redis-server, redis-tools would be installed" in played.output
    assert all(played.changed.values())
    assert {
        node: caches.hosts.on(node, "find /etc /var/lib /usr -xdev -newer /proc/1 -type f | sort") for node in state
    } == state


def test_what_the_leader_is_told_its_replica_knows(caches: Caches) -> None:
    caches.play()
    assert caches.ask(FIRST, "SET greeting hello") == "OK"
    assert caches.ask(FIRST, "WAIT 1 60000") == "1"
    assert caches.ask(SECOND, "GET greeting") == "hello"
    assert caches.ask(SECOND, "SET greeting bye").startswith("READONLY")


def test_a_second_run_changes_nothing(caches: Caches) -> None:
    before = caches.started(FIRST), caches.started(SECOND)
    played = caches.play()
    assert played.changed == {FIRST: 0, SECOND: 0}, played.changed_tasks
    assert (caches.started(FIRST), caches.started(SECOND)) == before
    checked = caches.play(check=True)
    assert checked.changed == {FIRST: 0, SECOND: 0}, checked.changed_tasks


def test_it_listens_in_the_apps_network_alone_and_lets_nobody_in_without_a_password(caches: Caches) -> None:
    address = caches.hosts.addresses[FIRST]
    assert caches.hosts.on(FIRST, "ss -Hltn | awk '/:6379/ { print $4 }'") == f"{address}:6379"
    assert caches.hosts.on(FIRST, "systemctl is-active redis-server || true") == "inactive"
    assert "NOAUTH" in caches.hosts.on(FIRST, f"redis-cli -h {address} GET greeting")
    health = f"redis-cli -h {address} --user flstr-health --pass none --no-auth-warning"
    assert caches.hosts.on(FIRST, f"{health} ROLE").splitlines()[0] == "master"
    assert caches.hosts.on(FIRST, f"{health} PING") == "PONG"
    assert "NOPERM" in caches.hosts.on(FIRST, f"{health} GET greeting")
    for refused in ("CONFIG GET masterauth", "ACL LIST", "SHUTDOWN", "REPLICAOF NO ONE", "MONITOR"):
        assert "NOPERM" in caches.ask(FIRST, refused)


def test_its_secrets_are_read_by_root_and_redis_alone(caches: Caches) -> None:
    for node in (FIRST, SECOND):
        holding = f"grep -rlE '{PASSWORD}|{REPLICATION}' /etc /var/lib/redis /var/lib/flstr /usr/local /root /tmp /var/tmp /run"
        files = caches.hosts.on(node, f"{{ {holding} || true; }} | xargs stat -c '%n %U:%G %a'").splitlines()
        assert sorted(files) == [
            "/etc/redis/flstr-cache-admin root:root 600",
            "/etc/redis/redis-cache.conf root:redis 640",
        ]
        assert caches.hosts.on(node, f"journalctl | grep -cE '{PASSWORD}|{REPLICATION}' || true") == "0"


def test_a_changed_setting_interrupts_nobody(caches: Caches) -> None:
    before = caches.started(FIRST), caches.started(SECOND)
    caches.variables = {"redis_memory": "64mb", "redis_persistence": "both", "redis_replicas_to_write": 1}
    checked = caches.play(check=True)
    assert "maxmemory 64mb" in checked.output
    caches.play()
    assert caches.ask(FIRST, "INFO memory | grep -o 'maxmemory:67108864'") == "maxmemory:67108864"
    assert (caches.started(FIRST), caches.started(SECOND)) == before
    played = caches.play()
    assert played.changed == {FIRST: 0, SECOND: 0}, played.changed_tasks
    assert caches.ask(SECOND, "GET greeting") == "hello"


def test_a_replica_that_is_silent_holds_up_no_change_of_the_others(caches: Caches) -> None:
    caches.nodes = [FIRST]
    caches.play(redis_memory="65mb")
    assert caches.ask(FIRST, "INFO memory | grep -o 'maxmemory:68157440'") == "maxmemory:68157440"
    caches.nodes = [FIRST, SECOND]
    caches.play()


@pytest.mark.parametrize("persistence", ["rdb", "aof"])
def test_another_persistence_keeps_the_data_through_a_crash(caches: Caches, persistence: str) -> None:
    caches.variables = {"redis_persistence": persistence}
    caches.play()
    caches.hosts.on(SECOND, "systemctl stop redis-server@cache")
    caches.hosts.on(FIRST, CRASH)
    assert caches.ask(FIRST, "GET greeting") == "hello"
    caches.hosts.on(SECOND, "systemctl start redis-server@cache")


def test_what_takes_a_restart_is_restarted_the_leader_last_and_keeps_its_data(caches: Caches) -> None:
    before = caches.started(FIRST), caches.started(SECOND)
    caches.hosts.on(FIRST, "systemctl --quiet disable redis-server@cache")
    caches.variables = {"redis_databases": 4}
    played = caches.play()
    assert caches.hosts.on(FIRST, "systemctl is-enabled redis-server@cache") == "enabled"
    assert caches.started(FIRST) != before[0]
    assert caches.started(SECOND) != before[1]
    restarts = [line for line in played.changed_tasks if "restarted with its configuration" in line]
    assert [line.partition("[")[2].rstrip("]") for line in restarts] == [SECOND, FIRST]
    assert caches.ask(FIRST, "GET greeting") == "hello"
    assert caches.ask(SECOND, "GET greeting") == "hello"


def test_a_leader_is_not_restarted_while_a_replica_does_not_follow(caches: Caches) -> None:
    before = caches.started(FIRST), caches.started(SECOND)
    caches.hosts.on(FIRST, "flstr-redis-cache ACL SETUSER flstr-replica off")
    caches.variables = {"redis_databases": 5}
    for _ in range(2):
        caches.play(fails=True, redis_sync_tries=3)
        assert caches.started(FIRST) == before[0]
    assert caches.started(SECOND) != before[1]
    caches.hosts.on(FIRST, "flstr-redis-cache ACL SETUSER flstr-replica on")
    caches.play()
    assert caches.started(FIRST) != before[0]


@pytest.mark.parametrize("port", [6380, 6379])
def test_another_port_is_served_with_the_same_data(caches: Caches, port: int) -> None:
    checked = caches.play(check=True, flstr_port=port)
    assert "restarted with its configuration" in str(checked.changed_tasks)
    played = caches.play(flstr_port=port)
    assert str(played.changed_tasks).count("restarted with its configuration") == 2
    for node in (FIRST, SECOND):
        assert caches.ask(node, "GET greeting", port) == "hello"
    assert caches.ask(FIRST, "SET port new", port) == "OK"
    assert caches.ask(FIRST, "WAIT 1 60000", port) == "1"
    assert caches.ask(SECOND, "GET port", port) == "new"
    played = caches.play(flstr_port=port)
    assert played.changed == {FIRST: 0, SECOND: 0}, played.changed_tasks


def test_another_port_is_served_though_a_run_ended_before_that(caches: Caches) -> None:
    caches.hosts.on(FIRST, "sed -i 's/-p 6379/-p 6380/' /usr/local/sbin/flstr-redis-cache")
    caches.play(flstr_port=6380)
    assert caches.ask(FIRST, "GET greeting", 6380) == "hello"
    caches.play()
    assert caches.ask(SECOND, "GET greeting") == "hello"


def test_a_leader_named_meanwhile_is_found_as_it_was_left(caches: Caches) -> None:
    first, second = (caches.hosts.addresses[node] for node in (FIRST, SECOND))
    caches.hosts.on(SECOND, ": >/etc/redis/flstr-cache-leader.conf; flstr-redis-cache REPLICAOF NO ONE")
    caches.hosts.on(
        FIRST,
        f"echo 'replicaof {second} 6379' >/etc/redis/flstr-cache-leader.conf; flstr-redis-cache REPLICAOF {second} 6379",
    )
    caches.leader = SECOND
    played = caches.play()
    assert played.changed == {FIRST: 0, SECOND: 0}, played.changed_tasks
    caches.leader = FIRST
    caches.play()
    assert caches.ask(FIRST, "ROLE").splitlines()[0] == "master"
    assert caches.ask(SECOND, "ROLE").splitlines()[:2] == ["slave", first]


def test_a_backup_is_restored_and_replicas_follow_it(caches: Caches) -> None:
    caches.ask(FIRST, "SET kept yes")
    caches.play("back_up")
    assert caches.hosts.on(FIRST, f"stat -c '%a %U' {BACKUP}") == "600 root"
    caches.ask(FIRST, "SET kept no")
    caches.ask(FIRST, "SET later yes")
    caches.play("restore", check=True)
    assert caches.ask(FIRST, "GET kept") == "no"
    for persistence in ("aof", "rdb", "none"):
        caches.variables = {"redis_persistence": persistence}
        caches.play()
        caches.ask(FIRST, "SET later yes")
        caches.play("restore")
        for node in (FIRST, SECOND):
            assert caches.ask(node, "GET kept") == "yes"
            assert caches.ask(node, "EXISTS later") == "0"
        if persistence != "none":
            caches.hosts.on(FIRST, "systemctl restart redis-server@cache")
            assert caches.ask(FIRST, "GET kept") == "yes"
    caches.variables = {}
    caches.play()


def test_a_backup_that_cannot_be_read_replaces_nothing(caches: Caches) -> None:
    caches.hosts.on(FIRST, f"cp -p {BACKUP} /root/whole; printf 'REDIS0010 no more' >{BACKUP}")
    caches.play("restore", fails=True)
    assert caches.ask(FIRST, "GET kept") == "yes"


def test_it_moves_to_another_machine_with_its_data(caches: Caches) -> None:
    caches.nodes, caches.leaving = [SECOND, THIRD], [FIRST]
    caches.play()
    assert caches.ask(THIRD, "GET kept") == "yes"
    caches.leader = SECOND
    caches.play()
    played = caches.play("remove")
    assert played.changed[SECOND] == played.changed[THIRD] == 0
    assert (
        caches.hosts.on(
            FIRST, "ls -d /etc/redis /var/lib/redis/cache /usr/local/sbin/flstr-redis-cache 2>/dev/null || true"
        )
        == ""
    )
    assert caches.hosts.on(FIRST, "systemctl list-units --all --no-legend 'redis*'") == ""
    assert caches.ask(SECOND, "SET moved yes") == "OK"
    assert caches.play("remove").changed[FIRST] == 0
    caches.leaving = []
    assert caches.ask(THIRD, "GET moved") == "yes"


def test_what_keeps_nothing_on_disk_is_kept_where_flstr_changes_something(caches: Caches) -> None:
    caches.nodes, caches.leaving, caches.variables = [SECOND], [THIRD], {"redis_persistence": "none"}
    caches.play()
    caches.play("remove")
    caches.leaving = []
    caches.play()
    assert caches.ask(SECOND, "SET fleeting yes") == "OK"
    before = caches.started(SECOND)
    caches.nodes = [SECOND, THIRD]
    caches.play()
    assert caches.started(SECOND) == before
    assert caches.hosts.on(SECOND, "systemctl show --property=Restart --value redis-server@cache") == "no"
    for databases, port in ((6, 6379), (6, 6380)):
        caches.play(redis_databases=databases, flstr_port=port)
        assert caches.started(SECOND) != before
        before = caches.started(SECOND)
        for node in (SECOND, THIRD):
            assert caches.ask(node, "GET fleeting", port) == "yes"
            assert caches.hosts.on(node, "find /var/lib/redis/cache -type f") == ""
        played = caches.play(redis_databases=databases, flstr_port=port)
        assert played.changed == {SECOND: 0, THIRD: 0}, played.changed_tasks
    caches.play()
    assert caches.ask(SECOND, "GET fleeting") == "yes"


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"redis_memory": "lots"}, "redis_memory is 'lots': write a number with kb, mb or gb"),
    ({"redis_persistence": "disk"}, "value of redis_persistence must be one of"),
    ({"redis_max_clients": 0}, "redis_max_clients is 0: write a number from 1 to 60000"),
    ({"redis_replicas_to_write": 2}, "redis_replicas_to_write is 2, and the leader would take no writes"),
)


def test_a_wrong_value_is_refused_before_anything_changes(caches: Caches) -> None:
    before = {node: caches.state(node) for node in caches.nodes}
    for wrong, said in WRONG:
        assert said in caches.play(fails=True, **wrong).output
    assert {node: caches.state(node) for node in caches.nodes} == before
