"""What is wrong with the manifest of a service is said with its file and line, and what would be right."""

from collections.abc import Mapping
from typing import Any

import pytest

from gitops import lint_playbooks
from gitops.lint import check
from gitops.manifests import FaultyManifests
from gitops.standing import check_standing
from model import service_keys
from model.registered import MetaData, Registered
from model.service import DatabaseRole, Service
from tests.gitops.service_faults import MONGO, QUEUE, faults
from tests.gitops.service_scene import BACKUP, ONE, TWO, Fleet, cache_yaml, cluster_yaml, files, wants

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "redis_memory": {"type": "str"},
    "redis_persistence": {"type": "str", "choices": ["aof", "none"]},
    "redis_replicas": {"type": "int"},
    "redis_active": {"type": "bool"},
    "redis_points": {"type": "list"},
    "redis_more": {"type": "dict"},
    "redis_share": {"type": "float"},
}


@pytest.fixture(autouse=True)
def options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint_playbooks, "options_of", lambda _: OPTIONS)


def test_a_service_that_is_right_has_no_faults() -> None:
    assert faults(cache_yaml((ONE, TWO)), needs="cache") == []
    assert faults(cache_yaml().replace(f"nodes: [{ONE}]", "pool: service")) == []
    assert faults(QUEUE, more={"playbooks/queue.yml": "- hosts: service:leaving\n"}) == []
    assert faults(MONGO + "users: {site: {apps: [influencer]}}\n", needs="db") == []


@pytest.mark.parametrize(
    ("text", "cluster", "sentence"),
    [
        (
            cache_yaml(("service109",)),
            None,
            "services/cache.yaml:3: cache is to run on service109, which is in no pool; raise a count in cluster.yaml",
        ),
        (
            cache_yaml(("worker101",)),
            None,
            "services/cache.yaml:3: worker101 has the role worker; cache needs machines of role service",
        ),
        (
            cache_yaml((ONE,)),
            cluster_yaml(without=(ONE,)),
            "services/cache.yaml:3: pool service leaves service101 out; "
            "name another machine in nodes, or take it out of `without`",
        ),
        (cache_yaml((ONE, ONE)), None, "services/cache.yaml:3: service101 is there twice; take it out once"),
        (
            cache_yaml().replace(f"nodes: [{ONE}]", "pool: caches"),
            None,
            "services/cache.yaml:3: cache is to run on pool caches, which is not in cluster.yaml; add it there",
        ),
        (
            cache_yaml().replace(f"nodes: [{ONE}]", "pool: worker"),
            None,
            "services/cache.yaml:3: pool worker has the role worker; cache needs one of role service",
        ),
        (
            cache_yaml().replace(f"nodes: [{ONE}]", "pool: service"),
            cluster_yaml(0),
            "services/cache.yaml:3: pool service has no machine for cache; give it a count above 0",
        ),
        (
            cache_yaml(),
            cluster_yaml().replace("network: 10.5.0.0/16", "network: 10.5.0.0/16\n  members: [worker, ingress]"),
            "services/cache.yaml:1: apps reach cache through overlay, where no service is; give overlay the role service",
        ),
        (
            cache_yaml(more="variables: {redis_databases: .inf}\n"),
            None,
            "services/cache.yaml:6: variables: a number is infinite, or none at all; write one with digits",
        ),
        (
            cache_yaml(more="users: {site: {}}\n"),
            None,
            "services/cache.yaml:6: redis makes no users; take them out, its apps get its own password",
        ),
        (
            cache_yaml(more="backup:\n  at: 0 0 31 2 *\n"),
            None,
            "services/cache.yaml:7: '0 0 31 2 *' is no time for backups of cache: ",
        ),
        (
            cache_yaml(more="backup:\n  at: 0 3 * * *\n"),
            cluster_yaml(more=""),
            "services/cache.yaml:7: cache is to be backed up, and there is no place for backups; "
            "write `backups` with its `to` in cluster.yaml",
        ),
        (
            cache_yaml(more="restored: flstr-lab.service-store.20261126T120000Z.10.abc.age\n"),
            None,
            "services/cache.yaml:6: flstr-lab.service-store.20261126T120000Z.10.abc.age is no backup of cache; "
            "`flstr service backups cache` lists them",
        ),
        (
            cache_yaml(more=f"restored: {BACKUP}\n"),
            cluster_yaml(more=""),
            "services/cache.yaml:6: cache is to have its data from a backup, and there is no place for backups",
        ),
        (
            cache_yaml(name="influencer"),
            None,
            "services/influencer.yaml:1: there is an app called influencer as well; give one another name",
        ),
        (
            QUEUE + "backup: {at: 0 3 * * *}\n",
            None,
            "services/queue.yaml:8: queue has no data; where playbooks/queue.yml backs some up, write keeps_data: true",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, cluster: str | None, sentence: str) -> None:
    found = faults(text, cluster=cluster)
    assert any(fault.startswith(sentence) for fault in found), found


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("redis_memry: 64mb", "'redis_memry' is no variable of redis; did you mean redis_memory?"),
        ("frobnicate: 1", "'frobnicate' is no variable of redis; there are redis_active, "),
        ("redis_memory: 64", "redis_memory cannot be '64'; write a number with kb, mb or gb, such as 256mb"),
        ("redis_persistence: some", "redis_persistence cannot be 'some'; write one of aof, none"),
        ("redis_replicas: true", "redis_replicas cannot be 'True'; write a whole number"),
        ("redis_active: 1", "redis_active cannot be '1'; write true or false"),
        ("redis_points: 3", "redis_points cannot be '3'; write a list"),
        ("redis_more: [1]", "redis_more cannot be '[1]'; write fields and values"),
        ("redis_share: much", "redis_share cannot be 'much'; write a number"),
    ],
)
def test_variables_are_the_roles_options(variable: str, sentence: str) -> None:
    (fault,) = faults(cache_yaml(more=f"variables:\n  {variable}\n"))
    assert fault.startswith(f"services/cache.yaml:7: {sentence}")


def test_right_variables_are_taken() -> None:
    right = "{redis_memory: 64mb, redis_persistence: aof, redis_replicas: 1, redis_active: true, redis_share: 1}"
    assert faults(cache_yaml(more=f"variables: {right}\n")) == []


def test_how_it_shows_that_it_serves_is_known_of_our_playbooks() -> None:
    assert faults(cache_yaml(more="health: http\n")) == [
        "services/cache.yaml:6: health is for playbooks of the cluster repo; of redis it is known, take it out"
    ]
    assert faults(f"{QUEUE}health: http\n", more={"playbooks/queue.yml": "- hosts: service:leaving\n"}) == []
    # What is locked is looked at as etcd has it, with every field.
    kept = {"services/cache.yaml": wants(cache_yaml()).services["cache"].to_json()}
    assert faults(cache_yaml(), more=kept) == []


def test_an_app_is_one_user_where_there_are_users() -> None:
    assert faults(MONGO + "users: {site: {apps: [influencer]}}\n") == [
        "services/db.yaml:6: influencer is to come as site, and does not need db; write db under its needs"
    ]
    (fault,) = faults(MONGO, needs="db")
    assert fault.endswith("influencer needs db and comes as no user; list it under the apps of one of its users")
    (fault,) = faults(MONGO + "users:\n  site: {apps: [influencer]}\n  other: {apps: [influencer]}\n", needs="db")
    assert fault == "services/db.yaml:8: influencer comes as site already; let it be one of site and other"
    (fault,) = faults(MONGO + "users: {site: {apps: [nobody]}}\n")
    assert fault.endswith("nobody is to come as site, and no manifest describes it")


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ("[5]", ".0 cannot be '5'; write 1 to 63 of letters, digits, _ and -, or fields and their values"),
        ("[a b]", ".0 cannot be 'a b'; write 1 to 63 of letters, digits, _ and -, or fields and their values"),
        ("[{role: x, db: a b}]", ".0.db cannot be 'a b'; write 1 to 63 of letters, digits, _ and -"),
        (
            "read",
            " cannot be 'read'; write a list, each 1 to 63 of letters, digits, _ and -, or fields and their values",
        ),
    ],
)
def test_a_role_of_a_user_is_a_name_or_fields(roles: str, sentence: str) -> None:
    users = f"users:\n  site:\n    apps: [influencer]\n    roles: {roles}\n"
    assert faults(MONGO + users, needs="db") == [f"services/db.yaml:9: users.site.roles{sentence}"]


def test_what_is_wrong_inside_a_role_is_said_once() -> None:
    users = "users:\n  site:\n    roles:\n      - {role: read}\n      - {role: read, dbs: x, db: y}\n"
    assert faults(MONGO + users) == [
        "services/db.yaml:10: 'users.site.roles.1.dbs' is not a known field; did you mean db?",
        "services/db.yaml:9: the field 'users.site.roles.0.db' is missing",
    ]
    right = wants(MONGO + "users: {site: {roles: [read, {role: read, db: x}]}}\n").services["db"]
    assert Service.model_validate_json(right.to_json()) == right
    assert right.users["site"].roles == ("read", DatabaseRole(role="read", db="x"))


def test_a_playbook_of_the_repo_is_there_and_is_one() -> None:
    (fault,) = faults(QUEUE)
    assert fault.startswith("services/queue.yaml:2: there is no playbooks/queue.yml in the cluster repo; write it, or")
    for text in ("hosts: all\n", "[]\n", "- name: nothing\n", ""):
        (fault,) = faults(QUEUE, more={"playbooks/queue.yml": text})
        assert fault.startswith("services/queue.yaml:2: playbooks/queue.yml is no playbook, which is a list of plays")
    (fault,) = faults(QUEUE, more={"playbooks/queue.yml": "- hosts: [\n"})
    assert "playbooks/queue.yml:" in fault
    assert "this is not YAML" in fault


def test_what_an_app_needs_has_a_prefix_of_its_own() -> None:
    same = cache_yaml().replace("CACHE", "INFLUENCER")
    (fault,) = faults(same, needs="cache")
    assert fault.endswith("cache and influencer have the same env_prefix INFLUENCER; give one another")
    assert "needs other, and no manifest describes it" in faults(needs="other")[0]


def standing(fleet: Fleet, *services: str) -> list[str]:
    revision = files(*services)
    manifests = check(revision)
    try:
        check_standing(revision, manifests, fleet.tree(manifests), None)
    except FaultyManifests as error:
        return [str(fault) for fault in error.faults]
    return []


def test_what_stands_is_not_something_else_all_at_once() -> None:
    fleet = Fleet()
    fleet.follow(check(files(cache_yaml())))
    assert standing(fleet, cache_yaml()) == []
    assert standing(fleet, cache_yaml().replace("redis", "nginx")) == [
        "services/cache.yaml:2: cache was installed by redis; remove it first, or give this another name"
    ]
    assert standing(fleet, cache_yaml(name="store")) == [
        "services/store.yaml:2: port 6379 of service101 belongs to service cache until that is removed; "
        "let store listen at another",
        "services/store.yaml:4: port 6380 belongs to service cache until that is removed; publish store on another",
    ]


def test_where_machines_of_a_service_that_goes_talk_to_one_another_nobody_listens_yet() -> None:
    fleet = Fleet()
    fleet.follow(check(files(cache_yaml().replace("redis", "elasticsearch"))))
    store = cache_yaml(name="store", more="port: 9300\n").replace("6380", "6390")
    assert standing(fleet, store) == [
        "services/store.yaml:6: port 9300 of service101 belongs to service cache until that is removed; "
        "let store listen at another",
    ]


def test_a_name_that_was_registered_by_hand_stays_whose_it_is() -> None:
    fleet = Fleet()
    meta = MetaData.model_validate({"publish": {"port": 6399}, "env_prefix": "OTHER", "env": {"PROTOCOL": "tcp"}})
    fleet.found[service_keys.meta_data("cache")] = meta.to_json()
    (fault,) = standing(fleet, cache_yaml())
    assert fault.startswith("services/cache.yaml:1: somebody has registered a service cache by hand")
    assert isinstance(fleet.tree(check(files())), Registered)
