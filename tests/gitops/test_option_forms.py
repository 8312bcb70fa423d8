"""What lint takes of the options of our playbooks is what their roles take, and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.option_forms import FORMS, Named, Number, Text, in_words, takes
from gitops.playbook_files import FOLDER, options_of
from model.playbooks import OURS

OPTIONS = {name: option for playbook in OURS for name, option in options_of(playbook).items()}
TOLD = {playbook: (FOLDER / "roles" / playbook / "tasks/told.yml").read_text() for playbook in OURS}


def told(name: str) -> str:
    return TOLD[name.partition("_")[0]]


def flat(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Tasks, those in blocks too."""
    for task in tasks:
        yield task
        yield from flat(task.get("block", []))


def ranges() -> dict[str, dict[str, Any]]:
    """The numbers that the roles look at, by the name of their option."""
    tasks = [task for text in TOLD.values() for task in flat(YAML(typ="safe").load(text))]
    loops = [task["loop"] for task in tasks if isinstance(task.get("loop"), list)]
    return {one["name"]: one for loop in loops for one in loop}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_an_option_is_without_a_word_is_taken(name: str) -> None:
    assert takes(name, OPTIONS[name], OPTIONS[name]["default"])


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_that_of_an_option_and_as_its_role_has_it(name: str) -> None:
    form = FORMS[name]
    assert name in OPTIONS
    match form:
        case Text(pattern):
            assert f"'{pattern}'" in told(name)
        case Named(first, second):
            assert f"'{first.pattern}'" in told(name)
            assert f"'{second.pattern}'" in told(name)
        case Number(least, most, zero):
            found = ranges()[name]
            assert (least, most, zero) == (found["least"], found["most"], found.get("zero", False))


def test_whatever_a_role_looks_at_has_a_form() -> None:
    looked_at = set(ranges())
    for text in TOLD.values():
        looked_at |= set(
            re.findall(r"([a-z_]+)(?:\.keys\(\)|\.values\(\)[^|]*)? (?:is ansible|\| reject|\| map)", text)
        )
        looked_at |= set(re.findall(r"'(redis_[a-z]+)': redis", text))
    assert {name for name in looked_at if name in OPTIONS} == FORMS.keys()


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("redis_memory", ["512mb", "4gb"], ["512m", "0mb", "1 gb", "512MB", "", 64, None]),
        ("redis_max_clients", [1, 60000], [0, 60001, -1, "100", 1.5, True]),
        ("redis_events", ["", "Ex", "KEA"], ["expired", "E x"]),
        (
            "redis_save_points",
            [[], [{"seconds": 60, "changes": 1}]],
            [{}, [60], [{"seconds": 60}], [{"seconds": "60", "changes": 1}], [{"seconds": 1, "changes": 1, "x": 1}]],
        ),
        ("redis_fsync", ["no", "always"], ["never", False]),
        ("mongodb_cache_gb", [0, 0.25, 8], [0.2, 10001, -1, "1"]),
        ("mongodb_oplog_mb", [0, 990], [1, 989]),
        ("mongodb_repository", ["http://mirror:8080/apt"], ["ftp://mirror", "https://mirror/ main"]),
        ("elasticsearch_heap", ["1g", "512m"], ["1gb", "512mb", "1", "0g"]),
        ("nginx_index", [[], ["index.html", "a"]], ["index.html", ["/index.html"], [".hidden"], [1], ["a b"]]),
        ("nginx_spa_fallback", ["", "/index.html", "/a/b"], ["index.html", "/..", "/a/"]),
        (
            "nginx_headers",
            [{}, {"X-Frame-Options": "DENY", "Age": 5}, {"A": "it's <b>, a; b"}],
            [{"A B": "x"}, {"A": 'say "x"'}, {"A": "$host"}, {"A": "{"}, {"A": "é"}, {"A": ""}, ["A"]],
        ),
        ("nginx_max_body", ["512k", "100m"], ["1g", "10", "0m"]),
        ("nginx_uploads", [True, False], ["yes", 1]),
    ],
)
def test_what_is_taken_and_what_is_not(name: str, right: list[object], wrong: list[object]) -> None:
    assert [one for one in right if not takes(name, OPTIONS[name], one)] == []
    assert [one for one in wrong if takes(name, OPTIONS[name], one)] == []


def test_what_would_be_right_is_said() -> None:
    assert in_words("mongodb_cache_gb", OPTIONS["mongodb_cache_gb"]) == "a number from 0.25 to 10000, or 0"
    assert in_words("nginx_uploads", OPTIONS["nginx_uploads"]) == "true or false"
    assert in_words("redis_save_points", OPTIONS["redis_save_points"]) == (
        "a list, each with seconds: a whole number, changes: a whole number"
    )
    assert in_words("mine", {"type": "list", "elements": "str"}) == "a list, each a text"
    assert all(in_words(name, option) for name, option in OPTIONS.items())
