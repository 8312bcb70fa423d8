"""Label selectors, against a reference that decides each condition by itself."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cloud.labels import check_labels
from lab.cloud.selectors import parse_selector

KEYS = ["env", "role", "flstr.cloud/cluster", "in", "a-b.c_d"]
VALUES = ["", "prod", "test", "worker", "1.2", "in"]

keys = st.sampled_from(KEYS)
values = st.sampled_from(VALUES)
labels = st.dictionaries(keys, values)
space = st.sampled_from(["", " "])

Condition = tuple[str, Callable[[Mapping[str, str]], bool]]


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """The text of one condition, and what it means."""
    key, value, many = draw(keys), draw(values), draw(st.lists(values, min_size=1, max_size=3))
    gap = draw(space)
    several = f"({(',' + gap).join(many)})"
    forms: list[Condition] = [
        (f"{key}{gap}={gap}{value}", lambda found: found.get(key) == value),
        (f"{key}{gap}=={gap}{value}", lambda found: found.get(key) == value),
        (f"{key}{gap}!={gap}{value}", lambda found: found.get(key) != value),
        (f"{gap}{key}{gap}", lambda found: key in found),
        (f"!{key}", lambda found: key not in found),
        (f"{key} in{gap}{several}", lambda found: found.get(key) in many),
        (f"{key} notin{gap}{several}", lambda found: found.get(key) not in many),
    ]
    return draw(st.sampled_from(forms))


@given(st.lists(conditions(), min_size=1, max_size=4), labels)
def test_a_selector_selects_what_meets_every_condition(parts: list[Condition], found: dict[str, str]) -> None:
    selector = parse_selector(",".join(text for text, _ in parts))
    assert selector.matches(found) == all(meets(found) for _, meets in parts)


@given(labels)
def test_an_empty_selector_selects_everything(found: dict[str, str]) -> None:
    assert parse_selector("").matches(found)


@pytest.mark.parametrize(
    "text",
    [",", "env=prod,", "=prod", "env=prod=test", "env in prod", "env in (prod", "!", "!env=prod", "env,,role",
     "e nv", "env in ((prod))", "env=a b", "-env", "env=-prod", "env=" + "x" * 64],
)  # fmt: skip
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="label selector"):
        parse_selector(text)


@given(st.text(alphabet="abin env=!,()-._/ä\n", max_size=30))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_selector(text).matches({"env": "prod"})
    except ValueError as error:
        assert "not correctly formatted" in str(error)  # noqa: PT017 - most texts are refused, not all


@pytest.mark.parametrize(
    "wrong",
    [{"": "x"}, {"-a": "x"}, {"a" * 64: "x"}, {"A/b": "x"}, {"a": "b c"}, {"a": "x" * 64}, {"a": "-"},
     {"hetzner.cloud/a": "x"}, {"a/b/c": "x"}],
)  # fmt: skip
def test_wrong_labels_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="label"):
        check_labels(wrong)


def test_good_labels_are_kept() -> None:
    good = {"flstr.cloud/cluster": "demo", "a": "", "B_1.x-y": "Z", "k" * 63: "v" * 63}
    assert check_labels(good) == good
