"""MongoDB's playbook on real machines, against stand-ins for its packages, which record what is done to them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.preconditions import why_no_lab
from tests.playbooks.hosts import PlaybookHosts, Played
from tests.playbooks.recorded import all_records, records

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

FIRST, SECOND, THIRD = "docs101", "docs102", "docs103"
ADMIN, KEYFILE = "a" * 64, "k" * 100
PASSWORDS = {"influencer": "b" * 64, "reader": "c" * 64, "changed": "d" * 64}
BACKUP = "/root/docs.backup"
ROLES = [{"role": "readWrite", "db": "influencer"}, {"role": "dbAdmin", "db": "influencer"}]


class Documents:
    """Machines for a MongoDB called docs, and what flstr would tell of it."""

    def __init__(self, hosts: PlaybookHosts) -> None:
        self.hosts = hosts
        self.nodes: list[str] = [FIRST, SECOND]
        self.leaving: list[str] = []
        self.users: dict[str, object] = {
            "influencer": {"password": PASSWORDS["influencer"], "roles": ROLES},
            "reader": {"password": PASSWORDS["reader"], "roles": [{"role": "read", "db": "influencer"}]},
        }
        self.variables: dict[str, object] = {}

    def play(self, action: str = "apply", check: bool = False, fails: bool = False) -> Played:
        archive = f"http://{self.hosts.lab.machines.router.address}/mongodb"
        told = {
            "flstr_action": action,
            "flstr_service": "docs",
            "flstr_port": 27017,
            "flstr_leader": "",
            "flstr_secrets": {"admin": ADMIN, "keyfile": KEYFILE},
            "flstr_users": self.users,
            "flstr_network_units": ["network-online.target"],
            "flstr_backup_node": self.nodes[0],
            "flstr_backup_file": BACKUP,
            "mongodb_repository": archive,
            "mongodb_signing_key_url": f"{archive}/key.asc",
        }
        return self.hosts.play("mongodb", told | self.variables, self.nodes, self.leaving, check, fails)

    def member(self, node: str) -> str:
        return f"{self.hosts.addresses[node]}:27017"

    def ask(
        self, node: str, command: Mapping[str, object], db: str = "admin", user: tuple[str, str, str] | None = None
    ) -> dict[str, Any]:
        """What a member answers to who comes from the network, as flstr's own user or as another one."""
        request = {"auth": user or ("flstr", ADMIN, "admin"), "db": db, "command": command}
        asked = json.dumps({"address": self.member(node), "request": request})
        return dict(json.loads(self.hosts.on(node, f"/usr/lib/standin/mongo-request <<'END'\n{asked}\nEND")))

    def members(self, node: str) -> dict[str, str]:
        status = self.ask(node, {"replSetGetStatus": 1})
        return {member["name"]: member["stateStr"] for member in status["members"]}

    def users_there(self, node: str) -> dict[str, list[dict[str, str]]]:
        found = self.ask(node, {"usersInfo": {"forAllDBs": True}})["users"]
        return {user["_id"]: user["roles"] for user in found}

    def documents(self, node: str, collection: str) -> list[dict[str, Any]]:
        return list(self.ask(node, {"find": collection}, "influencer")["cursor"]["firstBatch"])


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documents]:
    """Three fresh machines; the tests follow one another."""
    if (reason := why_no_lab()) is not None:
        pytest.skip(reason)
    hosts = PlaybookHosts(Path(tmp_path_factory.mktemp("docs")), (FIRST, SECOND, THIRD), (27017,))
    yield Documents(hosts)
    hosts.stop()


def test_a_plan_says_what_would_be_installed_and_touches_nothing(docs: Documents) -> None:
    played = docs.play(check=True)
    assert "mongodb-org-server, mongodb-mongosh, mongodb-database-tools would be installed" in played.output
    assert docs.hosts.on(FIRST, "ls /etc/apt/sources.list.d /etc/apt/keyrings") == (
        "/etc/apt/keyrings:\n\n/etc/apt/sources.list.d:\nlab.list"
    )


def test_both_machines_are_one_replica_set(docs: Documents) -> None:
    docs.play()
    assert docs.members(FIRST) == {docs.member(FIRST): "PRIMARY", docs.member(SECOND): "SECONDARY"}
    initiated = [one for one in records(docs.hosts, FIRST, "mongod") if one.get("command") == "replSetInitiate"]
    assert [(one["local"], one["user"]) for one in initiated] == [(True, "")]
    assert not [one for one in records(docs.hosts, SECOND, "mongod") if one.get("command") == "replSetInitiate"]


def test_users_have_the_roles_of_the_manifest(docs: Documents) -> None:
    assert docs.users_there(SECOND) == {
        "admin.flstr": [{"role": "root", "db": "admin"}],
        "influencer.influencer": ROLES,
        "influencer.reader": [{"role": "read", "db": "influencer"}],
    }
    comes = ("influencer", PASSWORDS["influencer"], "influencer")
    assert docs.ask(FIRST, {"connectionStatus": 1}, "influencer", comes)["ok"] == 1
    refused = docs.ask(FIRST, {"connectionStatus": 1}, "influencer", ("influencer", "guessed", "influencer"))
    assert refused["codeName"] == "AuthenticationFailed"


def test_a_second_run_changes_nothing(docs: Documents) -> None:
    played = docs.play()
    assert played.changed == {FIRST: 0, SECOND: 0}, played.changed_tasks
    checked = docs.play(check=True)
    assert checked.changed == {FIRST: 0, SECOND: 0}, checked.changed_tasks


def test_it_listens_in_the_apps_network_alone(docs: Documents) -> None:
    address = docs.hosts.addresses[FIRST]
    assert docs.hosts.on(FIRST, "ss -Hltn | awk '/:27017/ { print $4 }'") == f"{address}:27017"
    assert docs.hosts.on(FIRST, "stat -c '%a %U' /run/flstr-mongodb /run/flstr-mongodb/*.sock").splitlines() == [
        "700 mongodb",
        "600 mongodb",
    ]


def test_no_password_is_an_argument_or_readable(docs: Documents) -> None:
    for node in (FIRST, SECOND):
        arguments = [
            one["argv"] for name in ("mongosh", "mongod") for one in records(docs.hosts, node, name) if "argv" in one
        ]
        assert arguments
        recorded = all_records(docs.hosts, node)
        for secret in (ADMIN, KEYFILE, *PASSWORDS.values()):
            assert secret not in recorded
        holding = (
            f"grep -rlE '{ADMIN}|{KEYFILE}|{PASSWORDS['influencer']}' /etc /var/lib /usr/local /root /tmp /var/tmp /run"
        )
        files = docs.hosts.on(node, f"{{ {holding} || true; }} | xargs stat -c '%n %U %a'").splitlines()
        assert sorted(files) == [
            "/etc/flstr-mongodb/tools.yml root 600",
            "/etc/flstr-mongodb/wanted.json root 600",
            "/etc/mongod.keyfile mongodb 400",
        ]


def test_users_change_with_the_manifest_and_others_stay(docs: Documents) -> None:
    by_hand = {"createUser": "byhand", "pwd": "byhand", "roles": []}
    assert docs.ask(FIRST, by_hand, "influencer")["ok"] == 1
    docs.users = {"influencer": {"password": PASSWORDS["changed"], "roles": ROLES[:1]}}
    docs.play()
    assert docs.users_there(FIRST) == {
        "admin.flstr": [{"role": "root", "db": "admin"}],
        "influencer.byhand": [],
        "influencer.influencer": ROLES[:1],
    }
    comes = ("influencer", PASSWORDS["changed"], "influencer")
    assert docs.ask(FIRST, {"connectionStatus": 1}, "influencer", comes)["ok"] == 1


def test_what_takes_a_restart_is_restarted_and_keeps_its_data(docs: Documents) -> None:
    docs.ask(FIRST, {"insert": "posts", "documents": [{"_id": 1, "text": "hello"}]}, "influencer")
    docs.hosts.on(SECOND, "systemctl --quiet disable mongod")
    docs.variables = {"mongodb_cache_gb": 0.5, "mongodb_oplog_mb": 2048}
    docs.play()
    assert docs.hosts.on(SECOND, "systemctl is-enabled mongod") == "enabled"
    config = [one["config"] for one in records(docs.hosts, SECOND, "mongod") if "config" in one][-1]
    assert config["storage"]["wiredTiger"] == {"engineConfig": {"cacheSizeGB": 0.5}}
    assert config["replication"] == {"replSetName": "docs", "oplogSizeMB": 2048}
    assert docs.documents(SECOND, "posts") == [{"_id": 1, "text": "hello"}]


def test_one_is_a_member_again_before_the_next_one_is_restarted(docs: Documents) -> None:
    recorded = records(docs.hosts, FIRST, "mongod")
    restarted = max(at for at, one in enumerate(recorded) if "config" in one)
    serves = next(one["at"] for one in recorded[restarted:] if one.get("serves"))
    assert any(one.get("serves") is False for one in recorded[restarted:])
    next_one = [one["at"] for one in records(docs.hosts, SECOND, "mongod") if "config" in one][-1]
    assert serves < next_one


def test_another_key_of_the_repository_takes_the_place_of_the_old_one(docs: Documents) -> None:
    key, fetched = "/etc/apt/keyrings/flstr-mongodb.asc", "/etc/apt/keyrings/flstr-mongodb.from"
    before = docs.hosts.on(FIRST, f"cat {key} {fetched}")
    docs.hosts.on(FIRST, f"echo old >{key}; echo http://127.0.0.1:9/old.asc >{fetched}")
    assert docs.play().changed == {FIRST: 2, SECOND: 0}
    assert docs.hosts.on(FIRST, f"cat {key} {fetched}") == before


def test_a_key_of_the_repository_that_is_there_is_not_fetched_again(docs: Documents) -> None:
    fetched, nowhere = "/etc/apt/keyrings/flstr-mongodb.from", "http://127.0.0.1:9/key.asc"
    before = docs.hosts.on(FIRST, f"cat {fetched}")
    for node in (FIRST, SECOND):
        docs.hosts.on(node, f"echo {nowhere} >{fetched}")
    docs.variables |= {"mongodb_signing_key_url": nowhere}
    assert docs.play().changed == {FIRST: 0, SECOND: 0}
    del docs.variables["mongodb_signing_key_url"]
    for node in (FIRST, SECOND):
        docs.hosts.on(node, f"echo {before} >{fetched}")


def test_another_size_of_the_oplog_restarts_nobody(docs: Documents) -> None:
    docs.variables = {"mongodb_cache_gb": 0.5, "mongodb_oplog_mb": 4096}
    before = records(docs.hosts, FIRST, "mongod")
    docs.play()
    after = records(docs.hosts, FIRST, "mongod")
    assert docs.hosts.on(FIRST, "grep oplogSizeMB /etc/mongod.conf") == "oplogSizeMB: 4096"
    assert not [one for one in after[len(before) :] if "config" in one]


def test_it_does_not_move_to_another_port_in_place(docs: Documents) -> None:
    docs.variables |= {"flstr_port": 27018}
    played = docs.play(fails=True)
    told = " ".join(played.output.split())
    assert f"MongoDB is at {docs.hosts.addresses[FIRST]}:27017 on {FIRST} and cannot move to" in told
    assert "install it at the new place with `restored`" in told
    assert sum(played.changed.values()) == 0, played.changed_tasks
    del docs.variables["flstr_port"]
    assert docs.members(FIRST) == {docs.member(FIRST): "PRIMARY", docs.member(SECOND): "SECONDARY"}


def test_a_backup_is_restored_without_its_users(docs: Documents) -> None:
    docs.play("back_up")
    assert docs.hosts.on(FIRST, f"stat -c '%a %U' {BACKUP}; gzip --test {BACKUP}") == "600 root"
    docs.ask(FIRST, {"insert": "posts", "documents": [{"_id": 2, "text": "lost"}]}, "influencer")
    docs.ask(FIRST, {"insert": "drafts", "documents": [{"_id": 1}]}, "influencer")
    docs.ask(FIRST, {"insert": "posts", "documents": [{"_id": 1}]}, "later")
    before = docs.users_there(FIRST)
    docs.play("restore")
    databases = docs.ask(FIRST, {"listDatabases": 1, "nameOnly": True})["databases"]
    assert [one["name"] for one in databases] == ["admin", "config", "influencer", "local"]
    assert docs.documents(SECOND, "drafts") == []
    assert docs.documents(SECOND, "posts") == [{"_id": 1, "text": "hello"}]
    assert docs.users_there(FIRST) == before
    arguments = records(docs.hosts, FIRST, "mongorestore")[-1]["argv"]
    assert {"--drop", "--nsExclude=admin.*", "--nsExclude=config.*"} <= set(arguments)


def test_a_backup_that_cannot_be_read_is_refused_before_anything_goes(docs: Documents) -> None:
    docs.hosts.on(FIRST, f"head --bytes=-10 {BACKUP} >{BACKUP}.cut && mv {BACKUP}.cut {BACKUP}")
    assert "The backup is whole" in docs.play("restore", fails=True).output
    assert docs.documents(SECOND, "posts") == [{"_id": 1, "text": "hello"}]


def test_a_silent_member_stays_one_while_a_user_is_added(docs: Documents) -> None:
    docs.nodes = [FIRST, SECOND, THIRD]
    docs.play()
    docs.hosts.on(THIRD, "systemctl stop mongod")
    docs.nodes = [FIRST, SECOND]
    docs.users |= {"reader": {"password": PASSWORDS["reader"], "roles": [{"role": "read", "db": "influencer"}]}}
    # One that is no member yet is not made one: it would count, and hold nothing.
    docs.variables |= {"flstr_silent": [docs.hosts.addresses[THIRD], "10.255.255.1"]}
    docs.play()
    there = {docs.member(FIRST): "PRIMARY", docs.member(SECOND): "SECONDARY"}
    assert docs.members(FIRST) == there | {docs.member(THIRD): "(not reachable/healthy)"}
    assert "influencer.reader" in docs.users_there(FIRST)
    again = docs.play()
    assert sum(again.changed.values()) == 0, again.changed_tasks
    # It is not wanted any more.
    docs.variables |= {"flstr_silent": []}
    docs.play()
    assert docs.members(FIRST) == there


def test_a_member_that_leaves_hands_over_once_the_new_one_has_the_data(docs: Documents) -> None:
    docs.nodes, docs.leaving = [SECOND, THIRD], [FIRST]
    docs.play()
    commands = [(one.get("command"), one.get("user")) for one in records(docs.hosts, FIRST, "mongod")]
    assert commands.count(("replSetStepDown", "flstr")) == 1
    # MongoDB had a reconfiguration of its own under way, and flstr's were tried again.
    for node in (FIRST, SECOND):
        refused = [one["refused"] for one in records(docs.hosts, node, "mongod") if "refused" in one]
        assert set(refused) == {"ConfigurationInProgress"}
    assert docs.members(THIRD) == {docs.member(SECOND): "PRIMARY", docs.member(THIRD): "SECONDARY"}
    assert docs.documents(THIRD, "posts") == [{"_id": 1, "text": "hello"}]
    again = docs.play()
    assert sum(again.changed.values()) == 0, again.changed_tasks


def test_it_is_removed_from_the_machine_that_left_alone(docs: Documents) -> None:
    docs.play("remove")
    left = (
        "ls -d /etc/mongod* /etc/flstr-mongodb /var/lib/mongodb /etc/systemd/system/mongod* /etc/apt/*/flstr-* || true"
    )
    assert docs.hosts.on(FIRST, f"{left} 2>/dev/null").splitlines() == []
    assert docs.hosts.on(FIRST, "dpkg-query -W -f '${Package}\\n' | grep mongo || true") == ""
    # What nothing needs any more may be somebody else's.
    assert docs.hosts.on(FIRST, "dpkg-query -W -f '${db:Status-Status}' standin-common") == "installed"
    assert docs.members(SECOND) == {docs.member(SECOND): "PRIMARY", docs.member(THIRD): "SECONDARY"}
    again = docs.play("remove")
    assert again.changed[FIRST] == 0, again.changed_tasks
    docs.leaving = []
    assert sum(docs.play().changed.values()) == 0
