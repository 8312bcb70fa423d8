"""Elasticsearch's playbook on real machines, against a stand-in for its package, which records what is done to it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.preconditions import why_no_lab
from tests.playbooks.authority import made_authority
from tests.playbooks.hosts import PlaybookHosts, Played
from tests.playbooks.recorded import all_records, records

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

FIRST, SECOND, THIRD = "search101", "search102", "search103"
ADMIN, AUTHORITY = "a" * 64, made_authority()
PASSWORDS = {"influencer": "b" * 64, "viewer": "c" * 64, "changed": "d" * 64}
BACKUP = "/root/search.backup"
# As long as the stand-in says that a node which was restarted lacks its copies of shards.
RECOVERS_SECONDS = 8


class Search:
    """Machines for an Elasticsearch called search, and what flstr would tell of it."""

    def __init__(self, hosts: PlaybookHosts) -> None:
        self.hosts = hosts
        self.nodes: list[str] = [FIRST, SECOND]
        self.leaving: list[str] = []
        self.users: dict[str, object] = {
            "influencer": {
                "password": PASSWORDS["influencer"],
                "roles": [{"role": "write", "db": "influencer"}, {"role": "read", "db": "influencer"}],
            },
            "viewer": {"password": PASSWORDS["viewer"], "roles": [{"role": "viewer", "db": "viewer"}]},
        }
        self.variables: dict[str, object] = {}

    def play(self, action: str = "apply", check: bool = False, fails: bool = False) -> Played:
        archive = f"http://{self.hosts.lab.machines.router.address}/elasticsearch"
        told = {
            "flstr_action": action,
            "flstr_service": "search",
            "flstr_port": 9200,
            "flstr_leader": "",
            "flstr_secrets": {"admin": ADMIN, "authority": AUTHORITY},
            "flstr_users": self.users,
            "flstr_network_units": ["network-online.target"],
            "flstr_backup_node": self.nodes[0],
            "flstr_backup_file": BACKUP,
            "elasticsearch_repository": archive,
            "elasticsearch_signing_key_url": f"{archive}/key.asc",
        }
        return self.hosts.play("elasticsearch", told | self.variables, self.nodes, self.leaving, check, fails)

    def ask(self, node: str, method: str, path: str, body: object = None, user: str = f"elastic:{ADMIN}") -> Any:
        """What a node answers to who comes from the network."""
        url = f"http://{self.hosts.addresses[node]}:9200{path}"
        data = "" if body is None else f"--data '{json.dumps(body)}'"
        return json.loads(
            self.hosts.on(node, f"curl -s -u '{user}' -X {method} -H 'Content-Type: application/json' {data} '{url}'")
        )

    def names(self, node: str) -> list[str]:
        return sorted(one["name"] for one in self.ask(node, "GET", "/_nodes")["nodes"].values())

    def users_there(self, node: str) -> dict[str, list[str]]:
        return {name: user["roles"] for name, user in self.ask(node, "GET", "/_security/user").items()}

    def documents(self, node: str, index: str) -> dict[str, Mapping[str, object]]:
        point = self.ask(node, "POST", f"/{index}/_pit?keep_alive=1m")["id"]
        hits = self.ask(node, "POST", "/_search", {"size": 1000, "pit": {"id": point}})["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    """Three fresh machines; the tests follow one another."""
    if (reason := why_no_lab()) is not None:
        pytest.skip(reason)
    hosts = PlaybookHosts(Path(tmp_path_factory.mktemp("search")), (FIRST, SECOND, THIRD), (9200, 9300))
    yield Search(hosts)
    hosts.stop()


def test_a_plan_says_what_would_be_installed_and_touches_nothing(search: Search) -> None:
    played = search.play(check=True)
    assert "elasticsearch would be installed" in played.output
    assert search.hosts.on(FIRST, "ls /etc/apt/sources.list.d /etc/apt/keyrings") == (
        "/etc/apt/keyrings:\n\n/etc/apt/sources.list.d:\nlab.list"
    )


def test_both_machines_are_one_cluster_that_one_of_them_founded(search: Search) -> None:
    search.play()
    assert search.names(FIRST) == search.names(SECOND) == [FIRST, SECOND]
    configs = [one for one in records(search.hosts, SECOND, "elasticsearch") if "config" in one]
    assert configs[0]["config"]["cluster.initial_master_nodes"] == [FIRST]
    assert configs[0]["jvm"] == ["-Xms1g", "-Xmx1g"]
    assert configs[0]["keystore"] == ["bootstrap.password"]
    for node in (FIRST, SECOND):
        assert "initial_master_nodes" not in search.hosts.on(node, "cat /etc/elasticsearch/elasticsearch.yml")


def test_users_have_the_roles_of_the_manifest(search: Search) -> None:
    assert search.users_there(SECOND) == {
        "elastic": ["superuser"],
        "influencer": ["flstr-influencer"],
        "viewer": ["viewer"],
    }
    role = search.ask(FIRST, "GET", "/_security/role")["flstr-influencer"]
    assert role["indices"] == [{"names": ["influencer", "influencer-*"], "privileges": ["read", "write"]}]
    comes = search.ask(FIRST, "GET", "/_security/_authenticate", user=f"influencer:{PASSWORDS['influencer']}")
    assert comes["username"] == "influencer"
    assert search.ask(FIRST, "GET", "/_security/_authenticate", user="influencer:guessed")["status"] == 401


def test_a_second_run_changes_nothing(search: Search) -> None:
    played = search.play()
    assert played.changed == {FIRST: 0, SECOND: 0}, played.changed_tasks
    checked = search.play(check=True)
    assert checked.changed == {FIRST: 0, SECOND: 0}, checked.changed_tasks
    starts = [one for one in records(search.hosts, FIRST, "elasticsearch") if "config" in one]
    assert len(starts) == 1


def test_it_listens_in_the_apps_network_alone_and_lets_nobody_in_without_a_password(search: Search) -> None:
    address = search.hosts.addresses[FIRST]
    listens = search.hosts.on(FIRST, "ss -Hltn | awk '/:9[23]00/ { print $4 }' | sort").splitlines()
    assert listens == [f"{address}:9200", f"{address}:9300"]
    assert search.hosts.on(FIRST, f"curl -s -o /dev/null -w '%{{http_code}}' http://{address}:9200/") == "401"


def test_its_certificate_is_of_the_services_authority_and_the_authoritys_key_stays_nowhere(search: Search) -> None:
    address = search.hosts.addresses[FIRST]
    folder = "/etc/elasticsearch/flstr"
    said = search.hosts.on(FIRST, f"openssl x509 -in {folder}/node.crt -noout -ext subjectAltName -issuer")
    assert f"IP Address:{address}" in said
    assert "CN = search" in said
    assert search.hosts.on(FIRST, f"stat -c '%a %U:%G' {folder}/node.key") == "640 root:elasticsearch"
    secret = AUTHORITY.split("PRIVATE KEY-----\n")[1].splitlines()[0]
    assert search.hosts.on(FIRST, f"grep -rlF '{secret}' /etc /var/lib /root /tmp /run /var/tmp || true") == ""


def test_no_password_is_an_argument_or_readable(search: Search) -> None:
    for node in (FIRST, SECOND):
        assert [one for one in records(search.hosts, node, "elasticsearch-keystore") if "argv" in one]
        recorded = all_records(search.hosts, node)
        for secret in (ADMIN, *PASSWORDS.values()):
            assert secret not in recorded
        holding = f"grep -rlE '{ADMIN}|{PASSWORDS['influencer']}' /etc /var/lib /usr/local /root /tmp /var/tmp /run"
        files = search.hosts.on(node, f"{{ {holding} || true; }} | xargs stat -c '%n %U %a'").splitlines()
        assert files == ["/etc/flstr-elasticsearch/wanted.json root 600"]


def test_users_change_with_the_manifest_and_others_stay(search: Search) -> None:
    search.ask(FIRST, "PUT", "/_security/user/byhand", {"password": "by-hand", "roles": []})
    search.users = {"influencer": {"password": PASSWORDS["changed"], "roles": [{"role": "all", "db": "posts"}]}}
    search.play()
    assert search.users_there(FIRST) == {
        "byhand": [],
        "elastic": ["superuser"],
        "influencer": ["flstr-influencer"],
    }
    role = search.ask(FIRST, "GET", "/_security/role")["flstr-influencer"]
    assert role["indices"] == [{"names": ["posts", "posts-*"], "privileges": ["all"]}]
    comes = search.ask(FIRST, "GET", "/_security/_authenticate", user=f"influencer:{PASSWORDS['changed']}")
    assert comes["username"] == "influencer"


def test_another_heap_takes_a_restart_and_keeps_the_data(search: Search) -> None:
    search.ask(FIRST, "PUT", "/posts", {"mappings": {"properties": {"text": {"type": "text"}}}})
    search.ask(FIRST, "PUT", "/posts/_doc/1", {"text": "hello"})
    search.hosts.on(SECOND, "systemctl --quiet disable elasticsearch")
    search.variables = {"elasticsearch_heap": "512m"}
    search.play()
    assert search.hosts.on(SECOND, "systemctl is-enabled elasticsearch") == "enabled"
    started = [one for one in records(search.hosts, SECOND, "elasticsearch") if "config" in one]
    assert [one["jvm"] for one in started] == [["-Xms1g", "-Xmx1g"], ["-Xms512m", "-Xmx512m"]]
    assert search.documents(SECOND, "posts") == {"1": {"text": "hello"}}


def test_a_node_has_its_copies_again_before_the_next_one_is_restarted(search: Search) -> None:
    first, second = (
        [one["at"] for one in records(search.hosts, node, "elasticsearch") if "config" in one][-1]
        for node in (FIRST, SECOND)
    )
    assert second - first > RECOVERS_SECONDS


def test_a_heap_that_is_no_size_is_refused(search: Search) -> None:
    search.variables = {"elasticsearch_heap": "lots"}
    played = search.play(fails=True)
    assert "elasticsearch_heap is 'lots': write a number with m or g, such as 512m or 4g" in played.output
    search.variables = {"elasticsearch_heap": "512m"}


def test_a_backup_is_restored(search: Search) -> None:
    search.ask(FIRST, "PUT", "/_ingest/pipeline/stamp", {"processors": []})
    about = {"default_pipeline": "stamp", "final_pipeline": "gone"}
    search.ask(FIRST, "PUT", "/old", {"settings": {"index": {"default_pipeline": "stamp"}}})
    search.ask(FIRST, "PUT", "/old/_doc/1", {"text": "kept"})
    search.ask(FIRST, "PUT", "/old/_settings", {"index": {**about, "blocks": {"read_only": "true"}}})
    search.ask(FIRST, "PUT", "/aside", {"settings": {"index": {"hidden": "true"}}})
    search.play("back_up")
    assert search.hosts.on(FIRST, f"stat -c '%a %U' {BACKUP}; gzip --test {BACKUP}") == "600 root"
    search.ask(FIRST, "PUT", "/posts/_doc/1", {"text": "spoiled"})
    search.ask(FIRST, "PUT", "/later/_doc/1", {"text": "later"})
    search.ask(FIRST, "POST", "/later/_close")
    search.variables |= {"flstr_backup_file": "/root/refused.backup"}
    assert "later: closed indices cannot be backed up" in search.play("back_up", fails=True).output
    del search.variables["flstr_backup_file"]
    search.play("restore")
    assert search.documents(SECOND, "posts") == {"1": {"text": "hello"}}
    indices = search.ask(FIRST, "GET", "/_all?expand_wildcards=open,closed,hidden")
    assert sorted(indices) == ["aside", "old", "posts"]
    assert search.documents(SECOND, "old") == {"1": {"text": "kept", "stamp": 1}}
    settings = indices["old"]["settings"]["index"]
    assert settings["blocks"] == {"read_only": "true"}
    assert settings["default_pipeline"] == "stamp"
    assert "final_pipeline" not in settings
    assert indices["posts"]["mappings"] == {"properties": {"text": {"type": "text"}}}


def test_a_backup_that_is_cut_off_is_refused_before_anything_goes(search: Search) -> None:
    search.hosts.on(FIRST, f"head --bytes=-20 {BACKUP} >{BACKUP}.cut && mv {BACKUP}.cut {BACKUP}")
    assert "is no whole backup of Elasticsearch" in search.play("restore", fails=True).output
    assert search.documents(SECOND, "posts") == {"1": {"text": "hello"}}


def test_a_node_that_leaves_has_given_its_shards_to_the_others(search: Search) -> None:
    search.nodes, search.leaving = [SECOND, THIRD], [FIRST]
    search.play()
    shards = search.ask(SECOND, "GET", "/_cat/shards?format=json")
    assert {shard["node"] for shard in shards} == {SECOND, THIRD}
    coordination = search.ask(SECOND, "GET", "/_cluster/state/metadata")["metadata"]["cluster_coordination"]
    assert [one["node_name"] for one in coordination["voting_config_exclusions"]] == [FIRST]
    again = search.play()
    assert sum(again.changed.values()) == 0, again.changed_tasks


def test_it_is_removed_from_the_machine_that_left_alone(search: Search) -> None:
    search.play("remove")
    left = "ls -d /etc/elasticsearch /etc/flstr-elasticsearch /var/lib/elasticsearch /etc/apt/*/flstr-* || true"
    assert search.hosts.on(FIRST, f"{{ {left}; }} 2>/dev/null") == ""
    assert search.hosts.on(FIRST, "dpkg-query -W -f '${Package}\\n' | grep elastic || true") == ""
    # What nothing needs any more may be somebody else's.
    assert search.hosts.on(FIRST, "dpkg-query -W -f '${db:Status-Status}' standin-common") == "installed"
    assert search.names(SECOND) == [SECOND, THIRD]
    assert search.documents(THIRD, "posts") == {"1": {"text": "hello"}}
    again = search.play("remove")
    assert again.changed[FIRST] == 0, again.changed_tasks


def test_once_it_has_left_nothing_is_kept_from_its_name(search: Search) -> None:
    search.leaving = []
    search.play()
    assert search.ask(SECOND, "GET", "/_cluster/settings")["persistent"] == {}
    assert sum(search.play().changed.values()) == 0


def test_a_node_may_leave_where_too_few_stay_for_every_copy(search: Search) -> None:
    search.nodes, search.leaving = [THIRD], [SECOND]
    search.play()
    shards = search.ask(THIRD, "GET", "/_cat/shards?format=json")
    assert {shard["node"] for shard in shards} == {SECOND, THIRD}
