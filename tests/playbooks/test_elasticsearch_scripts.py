"""What Elasticsearch's scripts judge by themselves, without any cluster."""

import importlib.util
from types import ModuleType

import pytest

from gitops.playbook_files import FOLDER

FILES = FOLDER / "roles/elasticsearch/files"
CALM = {"status": "yellow", "initializing_shards": 0, "delayed_unassigned_shards": 0, "number_of_in_flight_fetch": 0}


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FILES))
    spec = importlib.util.spec_from_file_location(f"elasticsearch_{name}", FILES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return script("cluster", monkeypatch)


def shard(node: str, state: str = "STARTED", number: str = "0") -> dict[str, str]:
    return {"index": "posts", "shard": number, "state": state, "node": node}


@pytest.mark.parametrize(
    ("health", "before", "recovered"),
    [
        ({"status": "green", "unassigned_shards": 0}, 0, True),
        ({"unassigned_shards": 3}, 3, True),
        ({"unassigned_shards": 4}, 3, False),
        ({"unassigned_shards": 4}, None, True),
        ({"unassigned_shards": 2, "initializing_shards": 1}, 3, False),
        ({"unassigned_shards": 2, "delayed_unassigned_shards": 2}, None, False),
        ({"unassigned_shards": 2, "number_of_in_flight_fetch": 2}, 3, False),
    ],
)
def test_a_cluster_has_recovered(
    cluster: ModuleType, health: dict[str, object], before: int | None, recovered: bool
) -> None:
    assert cluster._is_recovered(CALM | health, before) is recovered


@pytest.mark.parametrize(
    ("shards", "given"),
    [
        ([], True),
        ([shard("b"), shard("c")], True),
        ([shard("a"), shard("b")], True),
        ([shard("a"), shard("", "UNASSIGNED")], False),
        ([shard("a"), shard("b", "INITIALIZING")], False),
        ([shard("a", "RELOCATING"), shard("b")], False),
        ([shard("a"), shard("b", number="1")], False),
    ],
)
def test_a_node_that_leaves_has_given_what_it_has(
    cluster: ModuleType, shards: list[dict[str, str]], given: bool
) -> None:
    assert cluster._is_given(shards, ["a"]) is given


def test_an_index_is_made_without_what_would_refuse_or_change_its_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    data = script("data", monkeypatch)
    later = {"blocks": {"write": "true"}, "default_pipeline": "stamp", "final_pipeline": "_none"}
    about = {"settings": {"index": {"number_of_shards": "2", **later}}, "mappings": {}, "aliases": {"all": {}}}
    first, given_later = data._split(about)
    assert first == {"settings": {"index": {"number_of_shards": "2"}}, "mappings": {}, "aliases": {"all": {}}}
    assert given_later == later
