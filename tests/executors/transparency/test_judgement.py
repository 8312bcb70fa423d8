"""What was logged and asked for in, findings out: one case a row of the table."""

from typing import Any

import pytest
from ruamel.yaml import YAML

from executors.transparency.judgement import findings
from executors.transparency.ours import Ours
from model.transparency import Issuance
from tests.executors.expected import FIXTURES
from tests.executors.transparency.logged import NOW, issuance

CASES: list[dict[str, Any]] = YAML(typ="safe").load(FIXTURES / "transparency/judgement.yaml")


def logged(case: dict[str, Any], asked: bool | None = None) -> list[Issuance]:
    found = []
    for row, one in enumerate(case["logged"]):
        if asked is not None and one.get("asked", False) is not asked:
            continue
        for number in range(one.get("times", 1)):
            names = [name.replace("#", str(number)) for name in one["names"]]
            serial = one.get("serial", f"{row + 1}a{number:02x}")
            found.append(issuance(*names, by=one["by"], days=one["days"], life=one.get("life", 90), serial=serial))
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_findings(case: dict[str, Any]) -> None:
    ours = Ours("example.com", tuple(case["hosts"]), case.get("only", ""))
    asked = {one.id for one in logged(case, asked=True)}
    found = findings(ours, logged(case), asked, NOW)
    assert len(found) == len(case["found"]), found
    for finding, wanted in zip(found, case["found"], strict=True):
        level, _, text = wanted.partition(" ")
        assert finding.level == level
        assert text.replace("&", "&amp;").replace("*", "\u2217") in finding.text
        assert finding.mend


def test_the_limits_may_be_those_of_another_authority() -> None:
    ours = Ours("example.com", ("shop.example.com",))
    five = [issuance("a.example.com", by="pebble", serial=f"{number}") for number in range(1, 6)]
    asked = {one.id for one in five}
    assert findings(ours, five, asked, NOW) == []
    (full,) = findings(ours, five, asked, NOW, "Pebble")
    assert full.level == "error"
