"""Public addresses that cannot be served as they are written: one sentence with file and line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.lint import check
from gitops.manifests import FaultyManifests
from tests.gitops.scene import CLUSTER_YAML, app_yaml, files

INGRESS = "ingress:\n  - host: influencer.flstr.lab\n    port: 80\n    location: /\n"
EDGE = "  edge:\n    role: ingress\n    count: 1\n"


def bound(*bindings: str, app: str = "influencer") -> str:
    """The example's app with these bindings, a line each."""
    text = app_yaml()
    text = text[: text.index("\ningress:\n") + 1]
    if app != "influencer":
        text = text.replace("influencer\n", f"{app}\n").replace("INFLUENCER", app.upper()).replace("5001", "5002")
    return text + "ingress:\n" + "".join(f"  - {{{one}}}\n" for one in bindings)


def faults(*bindings: str, others: tuple[str, ...] = (), cluster: str = CLUSTER_YAML) -> list[str]:
    texts = {"cluster.yaml": cluster, "apps/influencer.yaml": bound(*bindings)}
    if others:
        texts["apps/creator.yaml"] = bound(*others, app="creator")
    try:
        check(files(texts))
    except FaultyManifests as error:
        return [str(fault) for fault in error.faults]
    return []


LINE = bound("").splitlines().index("ingress:") + 2
HERE = f"apps/influencer.yaml:{LINE}"


def with_edge() -> str:
    return CLUSTER_YAML.replace("pools:\n", f"pools:\n{EDGE}", 1)


def test_what_may_be_written() -> None:
    assert faults("host: a.example.com, ssl: true, pool: ingress", "host: b.example.com, ssl: true") == []
    assert faults("host: '*.example.com', ssl: true, nodes: [ingress016]", "host: a.example.com") == []
    assert faults("host: a.example.com, ssl: true", "host: a.example.com") == []
    one_of_two = "host: a.example.com, ssl: true, nodes: [edge101, ingress016], location: /x"
    the_other = "host: a.example.com, ssl: true, nodes: [ingress016, edge101]"
    assert faults(one_of_two, others=(the_other,), cluster=with_edge()) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "differ"),
    [
        ("ssl: true, port: 8443", "port: 8443", "ssl: true in {mine} and ssl: false in {theirs}"),
        ("ssl: true, hsts: false", "ssl: true", "hsts: false in {mine} and hsts: true in {theirs}"),
        ("ssl: true, pool: ingress", "ssl: true", "pool: ingress in {mine} and no pool in {theirs}"),
        ("ssl: true", "ssl: true, nodes: [ingress016]", "no nodes in {mine} and nodes: [ingress016] in {theirs}"),
    ],
)
def test_apps_at_one_address_have_to_agree(mine: str, theirs: str, differ: str) -> None:
    found = faults(
        f"host: a.example.com, location: /, {mine}", others=(f"host: a.example.com, location: /x, {theirs}",)
    )
    words = differ.format(mine="apps/influencer.yaml", theirs="apps/creator.yaml")
    port = 8443 if "8443" in mine else 443
    assert f"{HERE}: a.example.com:{port} has {words}; say the same in both" in found


def test_so_have_two_bindings_of_one_app() -> None:
    assert faults("host: a.example.com, ssl: true", "host: a.example.com, ssl: true, hsts: false, location: /x") == [
        f"apps/influencer.yaml:{LINE + 1}: a.example.com:443 has hsts: false in apps/influencer.yaml and hsts: true "
        "elsewhere in it; say the same in both"
    ]


def test_hsts_says_nothing_without_ssl() -> None:
    assert faults("host: a.example.com, hsts: false", others=("host: a.example.com, location: /x",)) == []


@pytest.mark.parametrize(
    ("binding", "sentence"),
    [
        ("pool: edge", "no pool is edge; name one of ingress"),
        ("pool: worker", "pool worker has the role worker; name one of ingress"),
        ("nodes: [ingress016, ingress017]", "no pool has a machine ingress017; the ingresses are ingress016"),
        ("nodes: [worker101]", "worker101 has the role worker; the ingresses are ingress016"),
    ],
)
def test_who_is_to_serve_an_address_has_to_be_an_ingress(binding: str, sentence: str) -> None:
    assert faults(f"host: a.example.com, {binding}") == [f"{HERE}: a.example.com cannot be served: {sentence}"]


def test_a_pool_without_machines_serves_nobody() -> None:
    empty = with_edge().replace("role: ingress\n    count: 1", "role: ingress\n    count: 0", 1)
    assert faults("host: a.example.com, pool: edge", cluster=empty) == [
        f"{HERE}: a.example.com cannot be served: pool edge has no machine; let it have some, or name another"
    ]


def test_a_port_is_for_https_or_for_plain_http() -> None:
    sentence = (
        "port 8443 is either or: a.example.com is served by https in apps/creator.yaml, and b.example.com in plain in "
        "apps/influencer.yaml; serve one of them on another"
    )
    found = faults("host: b.example.com, port: 8443", others=("host: a.example.com, port: 8443, ssl: true",))
    assert found == [f"{HERE}: {sentence}"]


HOSTILE = (
    ";",
    "}",
    "\n",
    "${",
    "x" * 300,
    "{",
    '"',
    "'",
    "\\",
    " ",
    "\t",
    "\r",
    "#",
    "\x00",
    "é",
    "`",
    "$(id)",
    "*",
    "\u2028",
)
HOST_FORM = "write a full host name in small letters, or *. and one: app.example.com, *.example.com"
PATH_FORM = "write a path that begins with /, of letters, digits and . _ ~ / -, without //, /./ or /../"


def as_yaml(text: str) -> str:
    """In double quotes, with everything escaped that YAML would read otherwise."""
    return '"' + "".join(f"\\U{ord(one):08X}" for one in text) + '"'


def shown(text: str) -> str:
    return " ".join(text.split())[:60]


@pytest.mark.parametrize("part", HOSTILE)
def test_a_hostile_host_or_location_is_refused(part: str) -> None:
    host, location = f"a{part}.example.com", f"/a{part}"
    if part == "\x00":
        host, location = "a\x01.example.com", "/a\x01"
    assert faults(f"host: {as_yaml(host)}") == [f"{HERE}: ingress.0.host cannot be '{shown(host)}'; {HOST_FORM}"]
    assert faults(f"host: a.example.com, location: {as_yaml(location)}") == [
        f"{HERE}: ingress.0.location cannot be '{shown(location)}'; {PATH_FORM}"
    ]


@pytest.mark.parametrize(
    "path", ["//", "//a", "/a//b", "/a//", "/.", "/..", "/./x", "/a/../b", "/a/.", "/a/..", "/a/./"]
)
def test_a_location_that_no_request_would_be_compared_with_is_refused(path: str) -> None:
    """nginx works such segments out before it looks for a location."""
    assert faults(f"host: a.example.com, location: {as_yaml(path)}") == [
        f"{HERE}: ingress.0.location cannot be '{path}'; {PATH_FORM}"
    ]


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/", "/a/b/", "/.well", "/..a", "/...", "/....", "/a.", "/a../b", "/-/_/~", "/" + "a" * 199]
)
def test_dots_in_a_longer_name_are_no_fault(path: str) -> None:
    assert faults(f"host: a.example.com, location: {as_yaml(path)}") == []


def test_a_location_of_more_than_200_characters_is_refused() -> None:
    assert len(faults(f"host: a.example.com, location: {as_yaml('/' + 'a' * 200)}")) == 1


def test_a_host_of_300_characters_is_refused_also_where_each_label_is_short() -> None:
    host = "a." * 148 + "com"
    assert len(host) == 299
    (found,) = faults(f"host: {host}")
    assert found == f"{HERE}: ingress.0.host cannot be '{host[:60]}'; {HOST_FORM}"


SIGNS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=300)


@given(SIGNS, st.sampled_from(["host", "location"]))
def test_whatever_is_not_of_their_form_is_refused_in_one_sentence(text: str, field: str) -> None:
    bindings = {"host": f"host: {as_yaml(text)}", "location": f"host: a.example.com, location: {as_yaml(text)}"}
    found = faults(bindings[field])
    if any(sign in text for sign in ";{}$\n\r\"'\\ ") or len(text) > 253:
        assert len(found) == 1
    for one in found:
        assert one.startswith(f"{HERE}: ingress.0.{field} cannot be ")
        assert "\n" not in one
