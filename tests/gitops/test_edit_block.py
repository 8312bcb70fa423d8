"""A block of lines is written into a manifest, and everything else of it stays as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.edit_block import remove, set_block
from model.errors import Refused

TEXT = """# our app
app: influencer   # the name

secrets:
    # of the database
    password: |  # ask the operator
        old
        lines

    # of the queue
    queue: 'plain # text'
ingress:
  - host: a.example.com
"""
NEW = "one\ntwo\n"


def values(text: str) -> object:
    return YAML(typ="safe").load(text).get("secrets")


def test_a_block_is_replaced_and_its_remark_stays() -> None:
    text = set_block(TEXT, ["secrets", "password"], NEW)
    assert text == TEXT.replace("        old\n        lines\n", "      one\n      two\n")
    assert values(text) == {"password": NEW, "queue": "plain # text"}


def test_a_plain_value_is_replaced_whole() -> None:
    text = set_block(TEXT, ["secrets", "queue"], NEW)
    assert text == TEXT.replace("queue: 'plain # text'", "queue: |\n      one\n      two")


def test_a_new_one_stands_after_the_others() -> None:
    text = set_block(TEXT, ["secrets", "token"], NEW)
    assert text == TEXT.replace("text'\n", "text'\n    token: |\n      one\n      two\n")


@pytest.mark.parametrize("text", ["app: influencer\n", "app: influencer", "app: influencer\n\n\n"])
def test_the_first_one_stands_at_the_end(text: str) -> None:
    wanted = "app: influencer\n\nsecrets:\n  token: |\n    one\n    two\n"
    assert set_block(text, ["secrets", "token"], NEW) == wanted


@pytest.mark.parametrize("empty", ["secrets:\n", "secrets: {}\n", "secrets: null\n", "secrets:\n  # none yet\n"])
def test_an_empty_mapping_gets_its_first_one(empty: str) -> None:
    text = set_block(f"app: influencer\n{empty}needs: []\n", ["secrets", "token"], NEW)
    assert values(text) == {"token": NEW}
    assert ("# none yet" in text) == ("# none yet" in empty)
    assert text.endswith("needs: []\n")


def test_one_is_taken_out_and_the_last_one_with_its_mapping() -> None:
    text = remove(TEXT, ["secrets", "password"])
    assert text == TEXT.replace("    password: |  # ask the operator\n        old\n        lines\n", "")
    assert remove("app: a\nsecrets:\n  b: |\n    c\nneeds: []\n", ["secrets", "b"]) == "app: a\nneeds: []\n"


@pytest.mark.parametrize("text", [TEXT, "app: influencer\n", "secrets: {}\n"])
def test_what_is_not_there_cannot_be_taken_out(text: str) -> None:
    with pytest.raises(Refused, match=r"^there is no secrets\.token in the manifest$"):
        remove(text, ["secrets", "token"])


@pytest.mark.parametrize("secrets", ["{a: b}", "&all\n  a: b", "text", "[a]"])
def test_what_stands_there_otherwise_is_left_to_a_person(secrets: str) -> None:
    with pytest.raises(
        Refused, match=r"secrets\.token cannot be written where the manifest has something else; change it"
    ):
        set_block(f"app: influencer\nsecrets: {secrets}\n", ["secrets", "token"], NEW)


NAMES = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_-]{0,5}\Z").filter(
    lambda name: name.lower() not in ("null", "true", "false")
)
LINES = st.text("abc:#-|' ", min_size=1, max_size=12).map(lambda line: f"x{line}\n")
BLOCKS = st.lists(LINES, min_size=1, max_size=4).map("".join)


@given(st.dictionaries(NAMES, BLOCKS, max_size=4), NAMES, BLOCKS)
def test_written_and_taken_out_again_nothing_has_changed(before: dict[str, str], name: str, block: str) -> None:
    text = "app: influencer\n"
    for key, value in before.items():
        text = set_block(text, ["secrets", key], value)
    assert values(text) == (before or None)
    written = set_block(text, ["secrets", name], block)
    assert values(written) == {**before, name: block}
    rest = {key: value for key, value in before.items() if key != name}
    assert values(remove(written, ["secrets", name])) == (rest or None)
