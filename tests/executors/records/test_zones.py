"""In which zone a name lies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.records.zones import check_record_name, within, zone_of
from model.errors import StepFailed

LABELS = st.sampled_from(["a", "b", "example", "com"])
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("name", "zone", "inside"),
    [
        ("www.example.com", "example.com", "www"),
        ("example.com", "example.com", "@"),
        ("*.example.com", "example.com", "*"),
        ("www.sub.example.com", "sub.example.com", "www"),
        ("_acme-challenge.www.example.com", "example.com", "_acme-challenge.www"),
        ("www.notexample.com", None, None),
        ("com", None, None),
    ],
)
def test_a_name_lies_in_the_longest_zone_it_ends_with(name: str, zone: str | None, inside: str | None) -> None:
    found = zone_of(name, ["example.com", "sub.example.com", "example.org"])
    assert found == zone
    if found is not None:
        assert within(found, name) == inside


@given(NAMES, st.lists(NAMES, max_size=5))
def test_no_other_zone_fits_better(name: str, zones: list[str]) -> None:
    found = zone_of(name, zones)
    labels = name.split(".")
    fitting = [zone for zone in zones if labels[-len(zone.split(".")) :] == zone.split(".")]
    assert found == max(fitting, key=len, default=None)
    if found is not None:
        inside = within(found, name)
        assert name == (found if inside == "@" else f"{inside}.{found}")


@pytest.mark.parametrize(
    "name",
    [
        "www.example.com",
        "*.example.com",
        "_acme-challenge.www.example.com",
        "_acme-challenge.example.com",
        "x--y.1a.com",
    ],
)
def test_names_of_records(name: str) -> None:
    assert check_record_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "www",
        "WWW.example.com",
        "www.example.com.",
        "www..example.com",
        "a/b.example.com",
        "a b.example.com",
        "a.*.example.com",
        "**.example.com",
        "-a.example.com",
        "www.example.com\n",
        "ä.example.com",
        f"{'a' * 64}.example.com",
        f"{'a.' * 124}example.com",
    ],
)
def test_what_is_no_name_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(StepFailed, match="cannot be the name of a DNS record") as raised:
        check_record_name(name)
    assert "\n" not in raised.value.sentence
