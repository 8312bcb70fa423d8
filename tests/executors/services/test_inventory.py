"""What Ansible is told of a run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible._internal._datatag._tags import TrustedAsTemplate  # type: ignore[import-untyped]
from ansible.parsing.dataloader import DataLoader  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from executors.services.inventory import inventory, known_hosts, reached, variables, variables_file
from executors.services.secrets import wanted
from executors.services.told import PlaybookRun
from model.errors import StepFailed
from model.registered import HostRecord, NodeRecord, Registered
from model.service import Service

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
NODES = ("service101", "service102")


def registered(**changes: Any) -> Registered:
    hosts = {
        node: HostRecord(node=node, host_key=f"{KEY}{number}", ip=f"192.0.2.{number}")
        for number, node in enumerate(NODES, start=1)
    }
    nodes = {
        node: NodeRecord(
            name=node, ip=f"192.0.2.{number}", services=(), role="service", pool="service",
            addresses={"vpn_ingr": f"10.111.0.{number}"},
        )
        for number, node in enumerate(NODES, start=1)
    }  # fmt: skip
    return Registered(hosts=hosts, nodes=nodes).model_copy(update=changes)


def service(**fields: Any) -> Service:
    given = {
        "service": "cache",
        "playbook": "redis",
        "nodes": list(NODES),
        "publish": {"port": 6379},
        "env_prefix": "CACHE",
    }
    return Service.model_validate(given | fields)


def read(path: Path, text: str) -> Any:
    """As Ansible reads it."""
    path.write_text(text)
    return DataLoader().load_from_file(str(path), trusted_as_template=True)


def test_each_machine_is_reached_at_its_public_address_and_known_by_its_name() -> None:
    run = PlaybookRun(service(), NODES[:1], NODES[1:])
    groups = json.loads(inventory(run, reached(NODES, registered(), "vpn_ingr"), 22, "/shell"))["all"]["children"]
    assert list(groups) == ["service", "leaving"]
    assert groups["service"]["hosts"] == {
        "service101": {
            "ansible_host": "192.0.2.1",
            "ansible_port": 22,
            "ansible_user": "root",
            "ansible_ssh_common_args": "-o HostKeyAlias=service101",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_shell_executable": "/shell",
            "flstr_address": "10.111.0.1",
        }
    }
    assert list(groups["leaving"]["hosts"]) == ["service102"]
    assert known_hosts(reached(NODES, registered(), "vpn_ingr")).splitlines() == [
        f"service101 {KEY}1",
        f"service102 {KEY}2",
    ]


def test_a_machine_without_an_address_is_named() -> None:
    with pytest.raises(StepFailed, match="service101: no address is registered for it"):
        reached(NODES, registered(hosts={}), "vpn_ingr")
    with pytest.raises(StepFailed, match="service101: it has no address in overlay"):
        reached(NODES, registered(), "overlay")


def test_a_playbook_is_told_the_manifests_variables_and_those_of_flstr() -> None:
    manifest = service(
        playbook="mongodb",
        variables={"mongodb_cache_size_gb": 0.5},
        users={"shop": {"roles": ["readWrite", {"role": "read", "db": "stock"}], "apps": []}},
    )
    run = PlaybookRun(
        manifest, NODES, leader="service101", action="back_up", backup_node="service102", backup_file="/f"
    )
    assert variables(run, "vpn_ingr", {"admin": b"a", "user-shop": b"b"}) == {
        "mongodb_cache_size_gb": 0.5,
        "flstr_action": "back_up",
        "flstr_service": "cache",
        "flstr_port": 27017,
        "flstr_leader": "service101",
        "flstr_silent": [],
        "flstr_secrets": {"admin": "a", "user-shop": "b"},
        "flstr_users": {
            "shop": {"password": "b", "roles": [{"role": "readWrite", "db": "shop"}, {"role": "read", "db": "stock"}]}
        },
        "flstr_network_units": ["tinc@vpn_ingr.service"],
        "flstr_backup_node": "service102",
        "flstr_backup_file": "/f",
    }


def test_the_secrets_of_each_playbook_are_made_as_it_takes_them() -> None:
    redis = {name: make() for name, make in wanted(service()).items()}
    assert {name: len(value) for name, value in redis.items()} == {"password": 64, "replication": 64}
    mongodb = wanted(service(playbook="mongodb", users={"shop": {}}))
    assert list(mongodb) == ["admin", "keyfile", "user-shop"]
    assert len(mongodb["keyfile"]()) == 1008
    authority = wanted(service(playbook="elasticsearch"))["authority"]().decode()
    assert authority.startswith("-----BEGIN CERTIFICATE-----")
    assert authority.rstrip().endswith("-----END PRIVATE KEY-----")
    own = service(playbook="playbooks/queue.yml", port=1, passwords=["admin", "guest"])
    assert list(wanted(own)) == ["admin", "guest"]


texts = (
    st.text(max_size=30)
    | st.just("\u00e9" * 300)
    | st.sampled_from(
        ["{{ 1 }}", "{% raw %}", "\u0085\u2028\ufeff\x00\x7f", "\U0001f600", "", "12", "yes", "null", "1e3", "=", '"\\']
    )
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def trusted(value: object) -> Iterator[str]:
    """The texts that Ansible would take for templates."""
    if isinstance(value, dict):
        yield from trusted(list(value.values()))
    elif isinstance(value, list):
        for one in value:
            yield from trusted(one)
    elif isinstance(value, str) and TrustedAsTemplate.is_tagged_on(value):
        yield value


def test_ansible_would_take_other_texts_for_templates(tmp_path: Path) -> None:
    assert list(trusted(read(tmp_path / "variables.yml", "told: text"))) == ["text"]


@given(values)
def test_whatever_a_manifest_says_arrives_as_it_is(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "variables.yml"
    there = read(path, variables_file({"told": value}))
    assert there == {"told": value}
    assert repr(there) == repr({"told": value})
    assert not list(trusted(there))


@pytest.mark.parametrize(
    "number", [1e-05, 1.5e-07, 1e16, -1e300, 5e-324, -0.0, 0.5, float("inf"), float("-inf"), float("nan")]
)
def test_a_number_arrives_as_one_however_it_is_written(tmp_path: Path, number: float) -> None:
    there = read(tmp_path / "variables.yml", variables_file({"told": number}))
    assert isinstance(there["told"], float)
    assert repr(there["told"]) == repr(number)
