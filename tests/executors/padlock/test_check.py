"""The verb, before anything is looked at."""

import pytest

from executors.padlock.check import Outside, PadlockCheck, round_over, targets_of
from executors.padlock.hosts import Hosts, asked_as
from gitops.registry import Registry
from gitops.store import Store
from model.errors import Refused
from tests.executors.example import registered as registered_tree
from tests.executors.example import registered_keys
from tests.executors.padlock.ingresses import registered

OUTSIDE = Outside(lookup=lambda _: ())
NODE = {"ingress016": "192.0.2.16"}


def test_an_unknown_host_is_told_the_known_ones(store: Store) -> None:
    store.write(registered_keys("several"))
    with pytest.raises(Refused) as refused:
        PadlockCheck(OUTSIDE)(("shop.example.org",), Registry(store))
    assert refused.value.sentence == (
        "No app is published at shop.example.org. There are later.example.com, shop.example.com, vault.example.com."
    )


def test_before_the_first_app_no_host_is_known(store: Store) -> None:
    check = PadlockCheck(OUTSIDE)
    with pytest.raises(Refused, match=r"^No app is published at x\. No app has a public address yet\.$"):
        check(("x",), Registry(store))
    with pytest.raises(Refused, match=r"^There is nothing to check: no app has a public address yet\.$"):
        check((), Registry(store))


def test_without_an_ingress_nobody_can_be_asked(store: Store) -> None:
    keys = registered_keys("several")
    store.write({key: value for key, value in keys.items() if key != "node/ingress016"})
    check = PadlockCheck(OUTSIDE)
    with pytest.raises(Refused, match=r"^No ingress is registered that could serve shop\.example\.com\.$"):
        check(("shop.example.com",), Registry(store))
    with pytest.raises(Refused, match=r"^No ingress is registered that could serve any host\.$"):
        check((), Registry(store))


@pytest.mark.parametrize(
    ("port", "ssl", "wanted"),
    [
        (443, True, [("https://a.example.com/", True), ("http://a.example.com/", True)]),
        (
            8443,
            True,
            [("https://a.example.com:8443/", True), ("http://a.example.com/", True), ("https://a.example.com/", False)],
        ),
        (80, False, [("http://a.example.com/", True), ("https://a.example.com/", False)]),
        (8080, False, [("http://a.example.com:8080/", True), ("https://a.example.com/", False)]),
    ],
)
def test_which_ports_are_looked_at(port: int, ssl: bool, wanted: list[tuple[str, bool]]) -> None:
    targets = targets_of("a.example.com", registered(NODE, {"a.example.com": (port, ssl)}), OUTSIDE)
    assert [(one.url, one.expected) for one in targets] == wanted


def test_a_wildcard_is_asked_for_by_a_name_that_it_stands_for() -> None:
    assert asked_as("*.example.com") == "flstr-padlock.example.com"
    assert asked_as("a.example.com") == "a.example.com"


def test_a_wildcard_stands_for_the_names_of_one_label_more() -> None:
    hosts = Hosts(["shop.example.com", "*.example.org"])
    names = [
        "shop.example.com",
        "a.example.org",
        asked_as("*.example.org"),
        "a.b.example.org",
        "example.org",
        "a.example.com",
    ]
    assert [name for name in names if name in hosts] == names[:3]


def test_each_host_is_asked_for_where_it_is_served_only() -> None:
    tree = registered_tree("secure")
    tree = tree.model_copy(update={"nodes": {name: one for name, one in tree.nodes.items() if one.role == "ingress"}})

    def asked(host: str) -> set[tuple[str, str, bool]]:
        return {(one.node, one.url, one.expected) for one in targets_of(host, tree, OUTSIDE)}

    assert asked("admin.example.com") == {
        ("edge101", "https://admin.example.com:8443/api", True),
        ("edge101", "http://admin.example.com/api", True),
        ("edge101", "https://admin.example.com/api", False),
    }
    assert {node for node, _, _ in asked("shop.example.com")} == {"edge101", "ingress016"}
    assert {node for node, _, _ in asked("plain.example.com")} == {"ingress016"}


def test_a_host_that_no_ingress_serves_is_said() -> None:
    tree = registered_tree("secure")
    tree = tree.model_copy(update={"nodes": {name: one for name, one in tree.nodes.items() if name != "edge101"}})
    assert round_over(["admin.example.com"], tree, OUTSIDE) == (
        ":red_circle: *admin.example.com*: no ingress serves it. _Mend:_ see which pool or machines its binding names, and "
        "whether they have joined"
    )
