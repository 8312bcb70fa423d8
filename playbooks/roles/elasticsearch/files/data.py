"""Writes all indices to a file (`dump FILE`), or makes them anew from one (`restore FILE`).

Elasticsearch's own snapshots need storage that all nodes share, and the machines share none. The file is lines of JSON,
compressed: an index with its settings, mappings and aliases, its documents, the next index. Indices of Elasticsearch
itself, whose names begin with a dot, are left out; the users in them are those of the manifest. Other hidden ones are
in it.
"""

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rest import NOT_FOUND, Rest, RestError, as_elastic, wanted

PAGE = 1000
BATCH_BYTES = 5_000_000
KEEP_ALIVE = "10m"
END = "end"
# What an index is given when it is made, and what says how it once came to be.
GIVEN = (
    "uuid",
    "version",
    "creation_date",
    "creation_date_string",
    "provided_name",
    "resize",
    "history",
)
# What would refuse or change documents that come from a backup: an index is given it once it has them.
PIPELINES = ("default_pipeline", "final_pipeline")
GIVEN_LATER = ("blocks", *PIPELINES)
NO_PIPELINE = "_none"
OPEN, CLOSED = "open,hidden", "closed,hidden"


def dump(rest: Rest, file: Path) -> None:
    """Write the file; one that is cut off is known by its missing end."""
    streams = rest.ask("GET", "_data_stream")["data_streams"]
    if streams:
        names = ", ".join(stream["name"] for stream in streams)
        sys.exit(f"{names}: data streams cannot be backed up, indices can; move their documents to an index")
    if closed := sorted(_indices(rest, CLOSED)):
        sys.exit(f"{', '.join(closed)}: closed indices cannot be backed up, as nothing reads them; open or delete them")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw, gzip.open(raw, "wt", encoding="utf-8") as out:
        count = 0
        for name, about in sorted(_indices(rest, OPEN).items()):
            _line(out, {"index": name, "about": _to_make(about)})
            for hit in _documents(rest, name):
                _line(out, _kept(hit))
                count += 1
        _line(out, {END: count})


def restore(rest: Rest, file: Path) -> None:
    """Make the indices of the file; those that are there and not in it go as well."""
    _check(file)
    for name, about in (_indices(rest, OPEN) | _indices(rest, CLOSED)).items():
        _unblock(rest, name, about)
        rest.ask("DELETE", name)
    later: dict[str, dict[str, Any]] = {}
    batch: list[object] = []
    size, index = 0, ""
    for line in _lines(file):
        if "about" in line:
            index = line["index"]
            about, later[index] = _split(line["about"])
            rest.ask("PUT", index, body=about)
        elif "id" in line:
            action = {"_index": index, "_id": line["id"], **({"routing": line["routing"]} if "routing" in line else {})}
            batch += [{"index": action}, line["source"]]
            size += len(json.dumps(line["source"]))
        if size > BATCH_BYTES:
            _send(rest, batch)
            batch, size = [], 0
    _send(rest, batch)
    for name, settings in later.items():
        rest.ask("POST", name, "_refresh")
        _settle(rest, name, settings)


def _unblock(rest: Rest, name: str, about: dict[str, Any]) -> None:
    """An index that is read only cannot be deleted either."""
    if blocks := about["settings"]["index"].get("blocks"):
        rest.ask("PUT", name, "_settings", body={f"index.blocks.{block}": None for block in blocks})


def _split(about: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an index is made with, and the settings that it is given once it has its documents."""
    settings = about["settings"]["index"]
    first = {name: value for name, value in settings.items() if name not in GIVEN_LATER}
    later = {name: settings[name] for name in GIVEN_LATER if name in settings}
    return {**about, "settings": {"index": first}}, later


def _settle(rest: Rest, name: str, settings: dict[str, Any]) -> None:
    for pipeline in PIPELINES:
        if pipeline in settings and not _has_pipeline(rest, settings[pipeline]):
            print(f"{name} is without its {pipeline}: there is no pipeline {settings[pipeline]}")
            settings = {key: value for key, value in settings.items() if key != pipeline}
    if settings:
        rest.ask("PUT", name, "_settings", body={"index": settings})


def _has_pipeline(rest: Rest, name: str) -> bool:
    if name == NO_PIPELINE:
        return True
    try:
        rest.ask("GET", "_ingest", "pipeline", name)
    except RestError as error:
        if error.status != NOT_FOUND:
            raise
        return False
    return True


def _indices(rest: Rest, states: str) -> dict[str, Any]:
    try:
        found = rest.ask("GET", "_all", expand_wildcards=states)
    except RestError as error:
        if error.status != NOT_FOUND:
            raise
        found = {}
    return {name: about for name, about in found.items() if not name.startswith(".")}


def _to_make(about: dict[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in about["settings"]["index"].items() if name not in GIVEN}
    # Where shards were is no matter of the data.
    settings.pop("routing", None)
    return {"settings": {"index": settings}, "mappings": about["mappings"], "aliases": about["aliases"]}


def _documents(rest: Rest, index: str) -> Iterator[dict[str, Any]]:
    """All documents as they were at one moment."""
    point = rest.ask("POST", index, "_pit", keep_alive=KEEP_ALIVE)["id"]
    try:
        body: dict[str, Any] = {"size": PAGE, "query": {"match_all": {}}, "sort": [{"_shard_doc": "asc"}]}
        while True:
            body["pit"] = {"id": point, "keep_alive": KEEP_ALIVE}
            answer = rest.ask("POST", "_search", body=body, allow_partial_search_results="false")
            point = answer.get("pit_id", point)
            if answer["timed_out"] or answer["_shards"]["failed"]:
                sys.exit(f"{index} could not be read as a whole; back up again when all of its shards answer")
            hits = answer["hits"]["hits"]
            yield from hits
            if not hits:
                return
            body["search_after"] = hits[-1]["sort"]
    finally:
        rest.ask("DELETE", "_pit", body={"id": point})


def _kept(hit: dict[str, Any]) -> dict[str, Any]:
    if "_source" not in hit:
        sys.exit(
            f"{hit['_index']} keeps no _source of its documents, so there is no backup of them; make it anew with one"
        )
    routing = {"routing": hit["_routing"]} if "_routing" in hit else {}
    return {"id": hit["_id"], "source": hit["_source"], **routing}


def _line(out: IO[str], what: object) -> None:
    out.write(json.dumps(what) + "\n")


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _check(file: Path) -> None:
    """That the file is whole, before anything goes."""
    last: dict[str, Any] = {}
    count = 0
    try:
        for last in _lines(file):
            count += "id" in last
    except (OSError, EOFError, ValueError) as error:
        sys.exit(f"{file} is no whole backup of Elasticsearch: {error}")
    if last != {END: count}:
        sys.exit(f"{file} is no whole backup of Elasticsearch: its end is missing")


def _send(rest: Rest, batch: list[object]) -> None:
    if not batch:
        return
    answer = rest.bulk(batch)
    if answer["errors"]:
        failed = next(item["index"] for item in answer["items"] if "error" in item["index"])
        sys.exit(f"a document of {failed['_index']} was refused: {failed['error']['reason']}")


def main() -> None:
    action, file = sys.argv[1:]
    try:
        {"dump": dump, "restore": restore}[action](as_elastic(wanted()), Path(file))
    except (OSError, RestError) as error:
        sys.exit(f"Elasticsearch: {error}")


if __name__ == "__main__":
    main()
