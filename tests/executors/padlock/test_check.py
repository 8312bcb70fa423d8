"""The verb, before anything is looked at."""

from ipaddress import IPv4Address

import pytest

from executors.padlock.check import Outside, PadlockCheck, round_over, targets_of
from executors.padlock.hosts import Hosts, asked_as, seen_from
from gitops.registry import Registry
from gitops.store import Store
from model.errors import Refused
from model.registered import FloatingRecord
from tests.executors.example import registered as registered_tree
from tests.executors.example import registered_keys
from tests.executors.padlock.ingresses import holding, registered, served_at, without_hsts

OUTSIDE = Outside(lookup=lambda _: ())
NODE = {"ingress016": "192.0.2.16"}
NODES = {**NODE, "ingress017": "192.0.2.17"}


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


def test_a_host_is_asked_for_at_the_floating_ips_of_those_that_serve_it_as_well() -> None:
    tree = registered(NODES, dict.fromkeys(["a.example.com", "b.example.com"], (443, True)))
    tree = served_at(tree, "b.example.com", "ingress017")
    tree = holding(tree, "ingress016", public="198.51.100.1", other="198.51.100.2")
    tree = holding(tree, "ingress017", third="198.51.100.3")

    def asked(host: str) -> list[tuple[str, str, str]]:
        found = targets_of(host, tree, OUTSIDE)
        return [(one.node, one.floating, one.address) for one in found if one.port == 443]

    seventeen = [("ingress017", "", "192.0.2.17"), ("ingress017", "third", "198.51.100.3")]
    assert asked("b.example.com") == seventeen
    assert asked("a.example.com") == [
        ("ingress016", "", "192.0.2.16"),
        ("ingress016", "other", "198.51.100.2"),
        ("ingress016", "public", "198.51.100.1"),
        *seventeen,
    ]


def test_a_floating_ip_that_nobody_holds_is_not_asked() -> None:
    tree = registered(NODE, {"a.example.com": (443, True)})
    tree = tree.model_copy(update={"floating_ips": {"public": FloatingRecord(ip=IPv4Address("198.51.100.1"))}})
    assert {one.address for one in targets_of("a.example.com", tree, OUTSIDE)} == {"192.0.2.16"}


def test_from_an_ingress_a_host_leads_there_or_else_to_one_that_serves_it() -> None:
    hosts = ["a.example.com", "b.example.com", "*.example.com", "nowhere.example.org"]
    tree = registered(NODES, dict.fromkeys(hosts, (443, True)))
    tree = served_at(tree, "b.example.com", "ingress017")
    tree = served_at(tree, "*.example.com", "ingress016")
    tree = served_at(tree, "nowhere.example.org", "ingress018")
    asked = ["a.example.com", "b.example.com", "c.example.com", "nowhere.example.org", "stranger.example.org"]

    def leads(node: str, address: str) -> list[str | None]:
        return [seen_from(node, address, tree)(host) for host in asked]

    assert leads("ingress016", "198.51.100.1") == ["198.51.100.1", "192.0.2.17", "198.51.100.1", None, None]
    assert leads("ingress017", "192.0.2.17") == ["192.0.2.17", "192.0.2.17", "192.0.2.16", None, None]


def test_from_elsewhere_a_host_leads_to_one_that_answers_where_one_does() -> None:
    three = {**NODES, "ingress018": "192.0.2.18"}
    tree = served_at(registered(three, {"b.example.com": (443, True)}), "b.example.com", "ingress017", "ingress018")
    silent = tree.model_copy(update={"unreachable": {"ingress017": 1.0}})
    dead = tree.model_copy(update={"dead": {"ingress017": 1.0, "ingress018": 1.0}})
    leads = [seen_from("ingress016", "192.0.2.16", one)("b.example.com") for one in (tree, silent, dead)]
    assert leads == ["192.0.2.17", "192.0.2.18", "192.0.2.17"]


@pytest.mark.parametrize("port", [443, 8443])
def test_where_the_manifest_says_no_hsts_none_is_missed(port: int) -> None:
    tree = registered(NODE, {"a.example.com": (port, True)})
    assert {one.hsts for one in targets_of("a.example.com", tree, OUTSIDE) if one.tls} == {True}
    assert {one.hsts for one in targets_of("a.example.com", without_hsts(tree), OUTSIDE) if one.tls} == {False}


def test_https_that_is_not_in_the_manifest_is_to_send_hsts() -> None:
    (one,) = [
        one for one in targets_of("a.example.com", registered(NODE, {"a.example.com": (80, False)}), OUTSIDE) if one.tls
    ]
    assert one.hsts


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
