"""What Elasticsearch's scripts judge by themselves, without any cluster."""

import gzip
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

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


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return script("data", monkeypatch)


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


def test_an_index_is_made_without_what_would_refuse_or_change_its_documents(data: ModuleType) -> None:
    later = {"blocks": {"write": "true"}, "default_pipeline": "stamp", "final_pipeline": "_none"}
    about = {"settings": {"index": {"number_of_shards": "2", **later}}, "mappings": {}, "aliases": {"all": {}}}
    first, given_later = data._split(about)
    assert first == {"settings": {"index": {"number_of_shards": "2"}}, "mappings": {}, "aliases": {"all": {}}}
    assert given_later == later


class Told:
    """Elasticsearch with these indices, and this answer to a search, that keeps what was asked."""

    def __init__(self, indices: dict[str, str], answer: dict[str, Any] | None = None) -> None:
        self.indices = indices
        self.pages = [answer or page(hit()), page()]
        self.asked: list[tuple[str, ...]] = []

    def ask(self, method: str, *path: str, body: object = None, **query: str) -> Any:
        self.asked.append((method, *path))
        match (method, *path):
            case ("GET", "_data_stream"):
                return {"data_streams": []}
            case ("GET", "_all"):
                asked = set(query["expand_wildcards"].split(","))
                about: dict[str, Any] = {"settings": {"index": {}}, "mappings": {}, "aliases": {}}
                return {name: about for name, states in self.indices.items() if set(states.split(",")) <= asked}
            case ("POST", "_search"):
                assert query["allow_partial_search_results"] == "false"
                return self.pages.pop(0)
        return {"id": "point"}

    def bulk(self, lines: object) -> Any:
        return {"errors": False}


def hit(**besides: object) -> dict[str, object]:
    return {"_index": "posts", "_id": "1", "_source": {"text": "hello"}, "sort": [0], **besides}


def page(*hits: dict[str, object], **besides: object) -> dict[str, Any]:
    return {"timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": list(hits)}, **besides}


def without_source() -> dict[str, object]:
    return {name: value for name, value in hit().items() if name != "_source"}


@pytest.mark.parametrize(
    ("indices", "answer", "said"),
    [
        ({"posts": "open"}, page(hit(), timed_out=True), "posts could not be read as a whole"),
        ({"posts": "open"}, page(hit(), _shards={"failed": 1}), "posts could not be read as a whole"),
        ({"posts": "open"}, page(without_source()), "posts keeps no _source of its documents"),
        ({"b": "closed", "posts": "open", "a": "closed,hidden"}, None, "a, b: closed indices cannot be backed up"),
    ],
    ids=["timed-out", "failed-shard", "no-source", "closed"],
)
def test_a_backup_that_would_lack_something_is_none(
    data: ModuleType, tmp_path: Path, indices: dict[str, str], answer: dict[str, Any] | None, said: str
) -> None:
    with pytest.raises(SystemExit, match=said):
        data.dump(Told(indices, answer), tmp_path / "backup")


def test_hidden_indices_are_backed_up_and_those_of_elasticsearch_itself_are_not(
    data: ModuleType, tmp_path: Path
) -> None:
    data.dump(Told({"posts": "open,hidden", ".security-7": "open,hidden", ".old": "closed"}), tmp_path / "backup")
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / "backup").read_bytes()).splitlines()]
    assert [line.get("index", line.get("id")) for line in lines] == ["posts", "1", None]


def test_whatever_a_backup_would_hold_goes_before_one_is_restored(data: ModuleType, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "backup", "wt") as out:
        out.write(json.dumps({"end": 0}))
    there = Told({"posts": "open", "asleep": "closed", "aside": "open,hidden", ".security-7": "open,hidden"})
    data.restore(there, tmp_path / "backup")
    gone = [path for method, *path in there.asked if method == "DELETE"]
    assert sorted(gone) == [["aside"], ["asleep"], ["posts"]]
