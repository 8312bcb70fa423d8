"""What has to be done to a name's records."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.records.sets import ADDRESS_KINDS, Address, Change, Held, changes, is_marked, mark, removals, values_of
from model.errors import StepFailed

NAME = "www.example.com"
V4, OTHER_V4, V6 = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"), IPv6Address("2001:db8::1")


def held(kind: str, *values: str, cluster: str | None = "demo", ttl: int | None = 60) -> Held:
    return Held(kind, frozenset(values), ttl, {} if cluster is None else mark(cluster))


def needed(there: Sequence[Held], *wanted: Address) -> list[tuple[str, str]]:
    return [(change.verb, change.kind) for change in changes(NAME, there, wanted, 60, "demo")]


def test_records_are_made_changed_and_left() -> None:
    assert needed([], V4) == [("create", "A")]
    assert needed([], V6, V4) == [("create", "A"), ("create", "AAAA")]
    assert needed([held("A", "192.0.2.1")], V4) == []
    assert needed([held("A", "192.0.2.1", "192.0.2.2")], OTHER_V4, V4, V4) == []
    assert needed([held("A", "192.0.2.2")], V4) == [("set", "A")]
    assert needed([held("A", "192.0.2.1", ttl=None)], V4) == [("change ttl", "A")]
    assert needed([held("A", "192.0.2.2", ttl=300)], V4) == [("set", "A"), ("change ttl", "A")]
    assert needed([held("AAAA", "2001:0db8:0::1")], V6) == []


def test_what_is_not_wanted_any_more_goes_last() -> None:
    assert needed([held("A", "192.0.2.1")], V6) == [("create", "AAAA"), ("delete", "A")]


def test_records_of_other_types_and_of_other_people_stay() -> None:
    theirs = [
        held("AAAA", "2001:db8::1", cluster=None),
        held("TXT", '"x"', cluster=None),
        held("MX", "10 a.", cluster=None),
    ]
    assert needed([*theirs, held("A", "192.0.2.1")], OTHER_V4) == [("set", "A")]
    assert removals([*theirs, held("A", "192.0.2.1"), held("TXT", '"y"')], "demo") == (Change("delete", "A"),)
    assert removals([held("A", "192.0.2.1", cluster="other")], "demo") == ()


@pytest.mark.parametrize("values", [["192.0.2.1"], ["192.0.2.9"]])
def test_somebody_elses_record_of_that_name_is_refused_even_if_it_says_the_same(values: list[str]) -> None:
    with pytest.raises(StepFailed) as raised:
        needed([held("A", *values, cluster=None)], V4)
    assert raised.value.sentence == (
        "www.example.com: an A record of that name exists that flstr did not make; delete it in the Hetzner console, or "
        "give it the labels managed-by=flstr,cluster=demo to hand it over"
    )


def test_another_clusters_record_is_refused() -> None:
    with pytest.raises(StepFailed, match=r"^www\.example\.com: its A record is of cluster other; give the name to one"):
        needed([held("A", "192.0.2.1", cluster="other")], V4)


def test_nothing_is_put_beside_an_alias() -> None:
    with pytest.raises(StepFailed, match=r"^www\.example\.com: a CNAME record of that name exists"):
        needed([held("CNAME", "apps.example.com.", cluster=None)], V4)


ADDRESSES: st.SearchStrategy[Address] = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(
    st.lists(ADDRESSES, min_size=1, max_size=4),
    st.lists(ADDRESSES, max_size=4),
    st.sampled_from([60, 300, None]),
    st.sets(st.sampled_from(["A", "AAAA"])),
)
def test_afterwards_it_is_as_wanted_and_nothing_is_left_to_do(
    wanted: list[Address], before: list[Address], ttl: int | None, foreign: set[str]
) -> None:
    there = {
        kind: held(kind, *values, ttl=ttl, cluster=None if kind in foreign else "demo")
        for kind in ADDRESS_KINDS
        if (values := values_of(kind, before))
    }
    try:
        todo = changes(NAME, there.values(), wanted, 60, "demo")
    except StepFailed:
        assert foreign & there.keys() & {"A" if address.version == 4 else "AAAA" for address in wanted}
        return
    after = dict(there)
    for change in todo:
        one = after.pop(change.kind, None)
        assert one is None or is_marked(one, "demo")
        if change.verb in ("create", "set"):
            after[change.kind] = held(change.kind, *change.values, ttl=60 if one is None else one.ttl)
        elif change.verb == "change ttl":
            assert one is not None
            after[change.kind] = held(change.kind, *one.values, ttl=60)
    for kind in ADDRESS_KINDS:
        values = values_of(kind, wanted)
        if values or kind not in foreign:
            assert (after[kind].values if kind in after else frozenset()) == frozenset(values)
    assert changes(NAME, after.values(), wanted, 60, "demo") == ()
