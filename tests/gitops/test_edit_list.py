"""Items come into a list and go again; the rest of the file is left as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.edit_list import add_item, remove_item
from model.errors import Refused

REST = """# our cluster
cluster: lab   # the name
pools:
  worker: {count: 3}
"""
FLOW = f"{REST}drained: [worker101, worker102]  # disks\n"
BLOCK = f"""{REST}drained:   # disks
  # since monday
  - worker101  # sda
  - worker102
people: {{}}
"""


def test_a_list_that_is_missing_is_begun() -> None:
    text = add_item(REST, ["drained"], "worker101")
    assert text == REST.replace("cluster: lab", "drained: [worker101]\ncluster: lab")


def test_an_item_is_put_at_the_end() -> None:
    assert add_item(FLOW, ["drained"], "worker103") == FLOW.replace("worker102]", "worker102, worker103]")
    assert add_item(BLOCK, ["drained"], "worker103") == BLOCK.replace("- worker102\n", "- worker102\n  - worker103\n")
    assert (
        add_item(f"{REST}drained: []  # disks\n", ["drained"], "worker103") == f"{REST}drained: [worker103]  # disks\n"
    )
    assert add_item("drained:\n- worker101", ["drained"], "worker103") == "drained:\n- worker101\n- worker103\n"


def test_an_item_is_taken_out_with_its_own_remark_and_no_other() -> None:
    assert remove_item(FLOW, ["drained"], "worker101") == FLOW.replace("worker101, ", "")
    assert remove_item(FLOW, ["drained"], "worker102") == FLOW.replace(", worker102", "")
    assert remove_item(BLOCK, ["drained"], "worker101") == BLOCK.replace("  - worker101  # sda\n", "")
    assert remove_item(BLOCK, ["drained"], "worker102") == BLOCK.replace("  - worker102\n", "")


def test_the_last_item_leaves_an_empty_list() -> None:
    assert remove_item("drained: [worker101, ] # disks\n", ["drained"], "worker101") == "drained: [] # disks\n"
    assert remove_item("drained: # disks\n  # since monday\n  - worker101 # sda\n", ["drained"], "worker101") == (
        "drained: [] # disks\n  # since monday\n"
    )


@pytest.mark.parametrize("text", [FLOW, BLOCK])
def test_what_is_there_or_absent_already_changes_nothing(text: str) -> None:
    assert add_item(text, ["drained"], "worker102") == text
    assert remove_item(text, ["drained"], "worker103") == text
    assert remove_item(REST, ["drained"], "worker103") == REST


@pytest.mark.parametrize(
    "drained", ["&some [worker101]", "worker101", "{worker101: 1}", "[[worker101]]", "[worker101,  # sda\n  worker102]"]
)
def test_what_is_no_plain_list_is_left_to_a_person(drained: str) -> None:
    for change in (add_item, remove_item):
        with pytest.raises(Refused, match="drained is not a plain list in the manifest; change it by hand"):
            change(f"{REST}drained: {drained}\n", ["drained"], "worker101")


names = st.integers(101, 104).map(lambda number: f"worker{number}")


@given(st.sampled_from([REST, FLOW, BLOCK]), st.lists(st.tuples(st.booleans(), names), max_size=8))
def test_whatever_comes_and_goes_the_file_says_so_and_keeps_its_other_fields(
    text: str, changes: list[tuple[bool, str]]
) -> None:
    def read(text: str) -> dict[str, object]:
        return dict(YAML(typ="safe").load(text))

    wanted = list(read(text).get("drained", []))  # type: ignore[call-overload]
    others = {key: value for key, value in read(text).items() if key != "drained"}
    for comes, name in changes:
        text = (add_item if comes else remove_item)(text, ["drained"], name)
        wanted = [
            *(other for other in wanted if other != name or comes),
            *([name] if comes and name not in wanted else []),
        ]
        assert read(text).get("drained", []) == wanted
    assert {key: value for key, value in read(text).items() if key != "drained"} == others
    assert "# the name" in text
