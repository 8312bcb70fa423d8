"""The JSON Schemas say to an editor what the loader says to a revision."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from cli.cluster_repo import EXAMPLE
from model.app import App
from model.cluster import Cluster
from model.schema import json_schema
from tests.docs.json_schema import faults
from tests.identity import IDENTITIES, encrypted

CLUSTER = YAML(typ="safe").load(EXAMPLE / "cluster.yaml")
APP = YAML(typ="safe").load(EXAMPLE / "apps/influencer.yaml")

Change = Callable[[Any], object]


def loads(model: type[BaseModel], data: Any) -> bool:
    try:
        model.model_validate(data, by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("model", "data"), [(Cluster, CLUSTER), (App, APP)])
def test_the_example_is_accepted(model: type[BaseModel], data: Any) -> None:
    assert list(faults(json_schema(model), data)) == []
    assert loads(model, data)


@pytest.mark.parametrize(
    ("model", "data", "change"),
    [
        (Cluster, CLUSTER, lambda it: it["approvals"].update(expires="2d")),
        (Cluster, CLUSTER, lambda it: it["approvals"].update(expires=90)),
        (Cluster, CLUSTER, lambda it: it.pop("approvals")),
        (Cluster, CLUSTER, lambda it: it["pools"]["worker"].update(location="hel1")),
        (Cluster, CLUSTER, lambda it: it["pools"]["worker"].update(location=None)),
        (Cluster, CLUSTER, lambda it: it.update(people={})),
        (App, APP, lambda it: it.pop("build")),
        (App, APP, lambda it: it.update(build=None)),
        (App, APP, lambda it: it.update(repo="git@git.example.com:influencer.git")),
        (App, APP, lambda it: it.update(needs=["accounts"])),
        (App, APP, lambda it: it.update(variables={"LOG_LEVEL": "debug", "EMPTY": ""})),
        (App, APP, lambda it: it.update(secrets={"db-password": encrypted(b"hunter2")})),
        (App, APP, lambda it: it.update(hardening={"PrivateUsers": False, "SystemCallFilter": ["@mount"]})),
        (Cluster, CLUSTER, lambda it: it.update(secrets={"recipients": [IDENTITIES.recipient]})),
        (App, APP, lambda it: it["update"].update(healthy_deadline="500ms")),
    ],
)
def test_other_ways_to_write_a_manifest_are_accepted(model: type[BaseModel], data: Any, change: Change) -> None:
    changed = copy.deepcopy(data)
    change(changed)
    assert list(faults(json_schema(model), changed)) == []
    assert loads(model, changed)


@pytest.mark.parametrize(
    ("model", "data", "change", "where"),
    [
        (Cluster, CLUSTER, lambda it: it.update(chanel="flstr"), "/chanel: unknown"),
        (Cluster, CLUSTER, lambda it: it["pools"]["worker"].update(cuont=2), "/pools/worker/cuont: unknown"),
        (Cluster, CLUSTER, lambda it: it["pools"].update({"Work_3": it["pools"]["worker"]}), "/pools/Work_3: unknown"),
        (Cluster, CLUSTER, lambda it: it.update(pools={}), "/pools: minProperties"),
        (Cluster, CLUSTER, lambda it: it["pools"]["worker"].update(count=201), "/pools/worker/count: out of range"),
        (Cluster, CLUSTER, lambda it: it["pools"]["worker"].update(role="slave"), "/pools/worker/role: not in enum"),
        (Cluster, CLUSTER, lambda it: it["meshes"]["vpn_ctrl"].update(hubs=[]), "/meshes/vpn_ctrl/hubs: minItems"),
        (Cluster, CLUSTER, lambda it: it["meshes"]["vpn_ctrl"].update(subnet="all"), "vpn_ctrl/subnet: pattern"),
        (Cluster, CLUSTER, lambda it: it["people"]["operator"].update(may=["destroy"]), "operator/may/0: not in enum"),
        (Cluster, CLUSTER, lambda it: it["approvals"].update(expires="soon"), "/approvals/expires: none of anyOf"),
        (Cluster, CLUSTER, lambda it: it["approvals"].update(expires=0), "/approvals/expires: none of anyOf"),
        (App, APP, lambda it: it.pop("run"), "/run: missing"),
        (App, APP, lambda it: it.update(commit="main"), "/commit: pattern"),
        (App, APP, lambda it: it.update(tasks=0), "/tasks: out of range"),
        (App, APP, lambda it: it.update(variables={"log": "x"}), "/variables/log: unknown"),
        (App, APP, lambda it: it.update(variables={"LOG": "a\nb"}), "/variables/LOG: pattern"),
        (App, APP, lambda it: it.update(secrets={"token": "hunter2"}), "/secrets/token: pattern"),
        (App, APP, lambda it: it.update(secrets={"my token": encrypted(b"x")}), "/secrets/my token: unknown"),
        (App, APP, lambda it: it.update(hardening={"ProtectHome": "no"}), "/hardening/ProtectHome: not in enum"),
        (App, APP, lambda it: it.update(hardening={"DynamicUser": False}), "/hardening/DynamicUser: unknown"),
        (Cluster, CLUSTER, lambda it: it.update(secrets={"recipients": ["age1"]}), "/secrets/recipients/0: pattern"),
        (App, APP, lambda it: it.update(repo="influencer"), "/repo: pattern"),
        (App, APP, lambda it: it["env"].update(protocol="http"), "/env/protocol: unknown"),
        (App, APP, lambda it: it["ingress"][0].update(host="a;b"), "/ingress/0/host: pattern"),
    ],
)
def test_what_the_loader_refuses_an_editor_underlines(
    model: type[BaseModel], data: Any, change: Change, where: str
) -> None:
    changed = copy.deepcopy(data)
    change(changed)
    assert any(fault.endswith(where) for fault in faults(json_schema(model), changed))
    assert not loads(model, changed)


@pytest.mark.parametrize("model", [Cluster, App])
def test_every_field_says_what_it_is(model: type[BaseModel]) -> None:
    schema = json_schema(model)
    for part in (schema, *schema["$defs"].values()):
        assert [name for name, field in part["properties"].items() if not field.get("description")] == []


@pytest.mark.parametrize("model", [Cluster, App])
def test_a_pattern_comes_with_words(model: type[BaseModel]) -> None:
    schema = json_schema(model)
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            for one in (field, field.get("items", {}), *field.get("anyOf", ())):
                assert "patternErrorMessage" in one or "pattern" not in one, name
