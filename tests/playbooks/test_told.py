"""What roles refuse of that which they are told, and when: their own judgement, on this machine."""

import json
import os
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from gitops.playbook_files import FOLDER
from tests.playbooks.rendered import ANSIBLE

TOLD = {
    "flstr_service": "thing",
    "flstr_port": 7000,
    "flstr_address": "10.110.0.5",
    "flstr_leader": "",
    "flstr_network_units": [],
    "flstr_users": {},
}
SECRETS = {
    "flstr_secrets": {
        **{"password": "a" * 64, "replication": "b" * 64, "admin": "a" * 64, "keyfile": "a" * 64},
        "authority": "-----BEGIN CERTIFICATE-----\n-----END PRIVATE KEY-----",
    }
}
WRONG: dict[str, tuple[tuple[str, object], ...]] = {
    "redis": (("redis_memory", "lots"), ("redis_max_clients", 0), ("redis_events", "?")),
    "mongodb": (("mongodb_repository", "here"), ("mongodb_cache_gb", 0.1)),
    "elasticsearch": (("elasticsearch_suite", "not one"), ("elasticsearch_heap", "lots"), ("flstr_port", 9300)),
    "nginx": (
        ("nginx_index", ["/"]),
        ("nginx_spa_fallback", "?"),
        ("nginx_headers", {"X": '"'}),
        ("nginx_max_body", "big"),
    ),
}
CASES = [
    (role, action, name)
    for role, wrong in WRONG.items()
    for action in ("apply", "remove")
    for name, _ in (("", ""), *wrong)
]


def host(case: tuple[str, str, str]) -> str:
    role, action, name = case
    return f"{role}-{action}-{name or 'right'}".replace("_", "-")


def told(role: str, action: str, name: str) -> dict[str, object]:
    said: dict[str, object] = YAML(typ="safe").load(FOLDER / "roles" / role / "defaults/main.yml")
    own = TOLD | said | {"flstr_action": action, "its_role": role}
    leads = {"flstr_leader": host((role, action, name))} if role == "redis" and action == "apply" else {}
    # Whoever removes is told no secrets, as they may be gone.
    return own | leads | (SECRETS if action == "apply" else {}) | ({name: dict(WRONG[role])[name]} if name else {})


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The hosts whose role refused; all of them by one run, which takes its time to begin."""
    folder = tmp_path_factory.mktemp("told")
    task = {
        "name": "What is told holds together",
        "ansible.builtin.include_role": {"name": "{{ its_role }}", "tasks_from": "told"},
    }
    play = {"hosts": "service", "connection": "local", "gather_facts": False, "tasks": [task]}
    (folder / "plays.yml").write_text(json.dumps([play]))
    hosts = {host(case): told(*case) for case in CASES}
    interpreter = {"ansible_python_interpreter": sys.executable}
    inventory = {"all": {"vars": interpreter, "children": {"service": {"hosts": hosts}}}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    done = subprocess.run(
        [str(ANSIBLE / "ansible-playbook"), "-i", str(folder / "inventory.json"), str(folder / "plays.yml")],
        env={
            **{"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
            **{"ANSIBLE_ROLES_PATH": str(FOLDER / "roles"), "ANSIBLE_NOCOLOR": "1"},
        },
        capture_output=True,
        text=True,
        check=False,
    )
    recap = [line for line in done.stdout.splitlines() if "failed=" in line]
    assert len(recap) == len(hosts), done.stdout + done.stderr
    return {line.split()[0] for line in recap if "failed=0" not in line}


@pytest.mark.parametrize("case", CASES, ids=host)
def test_a_wrong_variable_keeps_a_service_from_coming_up_and_not_from_going(
    case: tuple[str, str, str], refused: set[str]
) -> None:
    _, action, name = case
    assert (host(case) in refused) is (action == "apply" and bool(name))
