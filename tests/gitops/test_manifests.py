"""What a bad manifest is answered: one sentence with file, line, and what would be right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.lint import check
from gitops.manifests import FaultyManifests
from model.errors import Refused
from tests.gitops.scene import CLUSTER_YAML, WITHOUT_OVERLAY, app_yaml, files


def faults_of(changes: dict[str, str]) -> list[str]:
    with pytest.raises(FaultyManifests) as error:
        check(files(changes))
    return [str(fault) for fault in error.value.faults]


def test_the_example_is_right() -> None:
    manifests = check(files())
    assert sorted(manifests.cluster.nodes()) == ["controller001", "ingress016", "worker101", "worker102"]
    assert manifests.apps["backend", "influencer"].instances == 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  worker:\n", "  worker: [\n", "cluster.yaml:17: this is not YAML"),
        (
            "    count: 2",
            "    cuont: 2",
            "cluster.yaml:17: 'pools.worker.cuont' is not a known field; did you mean count?",
        ),
        (
            "    count: 2",
            "    count: many",
            "cluster.yaml:17: pools.worker.count cannot be 'many'; write a number from 0 to 200",
        ),
        (
            "cluster: flstr-lab",
            "cluster: Flstr Lab",
            "cluster.yaml:2: cluster cannot be 'Flstr Lab'; write 1 to 31 of a-z, 0-9 and -, beginning with a letter",
        ),
        (
            "port: 762",
            "port: 760",
            "cluster.yaml:45: meshes vpn_ctrl and vpn_ingr both use port 760; give one another",
        ),
        (
            "10.111.0.0/24",
            "10.110.0.128/25",
            "cluster.yaml:44: 10.110.0.128/25 of mesh vpn_ingr overlaps with 10.110.0.0/24 of mesh vpn_ctrl",
        ),
        ("  vpn_ingr:", "  external:", "cluster.yaml:43: a mesh cannot be called external, which means something else"),
        ("  vpn_ingr:", "  all:", "cluster.yaml:43: a mesh cannot be called all, which means something else on a node"),
        (
            "  vpn_ingr:",
            "  ens3:",
            "cluster.yaml:43: a mesh cannot be called ens3, which means something else on a node",
        ),
        (
            "  vpn_ingr:",
            "  sixteen_letters_:",
            "cluster.yaml:43: meshes: 'sixteen_letters_' cannot be a name; write 1 to",
        ),
        (
            "  vpn_ingr:",
            "  flannel-wg:",
            "cluster.yaml:43: meshes: 'flannel-wg' cannot be a name; write 1 to 15 of a-z",
        ),
        ("  vpn_ingr:", "  overlay:", "cluster.yaml:43: a mesh cannot be called overlay, which means something else"),
        (
            "hubs: [ingress]",
            "hubs: [service]",
            "cluster.yaml:46: mesh vpn_ingr has no hub, because there is no machine of role service; add one, or change",
        ),
        ("10.111.0.0/24", "8.8.8.0/24", "cluster.yaml:44: 8.8.8.0/24 of mesh vpn_ingr is not private, and would hide"),
        ("10.111.0.0/24", "127.0.0.0/24", "cluster.yaml:44: 127.0.0.0/24 of mesh vpn_ingr is not private, and would"),
        ("10.111.0.0/24", "10.111.0.0/30", "mesh vpn_ingr has 2 addresses for 3 machines; give it a larger subnet"),
        ("port: 762", "port: 443", "cluster.yaml:45: port 443 is used by the nodes themselves; give mesh vpn_ingr"),
        ("port: 762", "port: 20000", "port 20000 is used by the nodes themselves; give mesh vpn_ingr another"),
        ("10.110.0.0/24", "10.110.0.1/24", "'10.110.0.1/24' is not how a subnet is written; write 10.110.0.0/24"),
        ("10.110.0.0/24", "everything", "a subnet is an address and a length, such as 10.110.0.0/24"),
        ("  worker:", "  Work_r:", "cluster.yaml:15: pools: 'Work_r' cannot be a name; write 1 to 20 of a-z"),
        ("hubs: [controller]", "hubs: [boss]", "hubs.0 cannot be 'boss'; write controller, worker, ingress or service"),
        ("hubs: [controller]", "hubs: []", "hubs cannot be '[]'; write a list, each controller, worker, ingress or"),
        ("  expires: 1h", "  expires: 99d", "expires cannot be '99d'; write a number and a unit (ms, s, m, h, d)"),
        ("  expires: 1h", "  expires: soon", "a duration is a number and a unit, such as 30s, 5m or 1h"),
    ],
)
def test_a_fault_in_cluster_yaml_is_named(old: str, new: str, expected: str) -> None:
    assert CLUSTER_YAML.count(old) >= 1
    found = faults_of({"cluster.yaml": CLUSTER_YAML.replace(old, new, 1)})
    assert any(expected in fault for fault in found), found


OVERLAY_YAML = """overlay:
  network: 10.5.0.0/16
  port: 51820

people:"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "10.5.0.0/16",
            "10.110.0.0/16",
            "cluster.yaml:50: 10.110.0.0/16 of the overlay overlaps with 10.110.0.0/24 of",
        ),
        ("port: 51820", "port: 762", "cluster.yaml:51: mesh vpn_ingr and the overlay both use port 762; give one"),
        ("10.5.0.0/16", "10.5.0.0/23", "cluster.yaml:50: the overlay 10.5.0.0/23 has 1 subnets of length 24 for 3"),
        (
            "10.5.0.0/16",
            "169.254.0.0/16",
            "cluster.yaml:50: 169.254.0.0/16 of the overlay is not private, and would hide",
        ),
        (
            "\n  network: 10.5.0.0/16\n  port: 51820",
            "",
            "cluster.yaml:49: overlay holds nothing, so there would be none;",
        ),
        ("port: 51820", "driver: flanneld", "overlay: the driver flanneld needs a field 'flanneld' that says which"),
        ("port: 51820", "subnet_length: 31", "overlay.subnet_length cannot be '31'; write a number from 16 to 30"),
    ],
)
def test_a_fault_in_the_overlay_is_named(old: str, new: str, expected: str) -> None:
    text = WITHOUT_OVERLAY.replace("people:", OVERLAY_YAML.replace(old, new), 1)
    found = faults_of({"cluster.yaml": text})
    assert any(expected in fault for fault in found), found


def by_flanneld(port: int) -> dict[str, str]:
    driver = "driver: flanneld\n  flanneld:\n    url: https://example.com/flanneld\n"
    wanted = f"{driver}    sha256: '{'0' * 64}'\n    etcd: ['http://10.110.0.1:{port}']"
    return {"cluster.yaml": WITHOUT_OVERLAY.replace("people:", OVERLAY_YAML.replace("port: 51820", wanted), 1)}


@pytest.mark.parametrize("port", [1, 65535])
def test_the_etcd_that_flanneld_asks_may_have_any_port(port: int) -> None:
    overlay = check(files(by_flanneld(port))).cluster.overlay
    assert overlay is not None
    assert overlay.flanneld is not None
    assert overlay.flanneld.etcd == (f"http://10.110.0.1:{port}",)


@pytest.mark.parametrize("port", [0, 65536, 99999])
def test_a_port_of_flannelds_etcd_that_there_is_not_is_named(port: int) -> None:
    expected = "cluster.yaml:55: overlay.flanneld.etcd.0: a port is a number from 1 to 65535"
    assert faults_of(by_flanneld(port)) == [expected]


@pytest.mark.parametrize("port", [22, 80, 2379, 5001, 20000])
def test_the_overlay_may_have_a_port_of_udp_where_others_have_it_of_tcp(port: int) -> None:
    text = WITHOUT_OVERLAY.replace("people:", OVERLAY_YAML.replace("51820", str(port)), 1)
    overlay = check(files({"cluster.yaml": text})).cluster.overlay
    assert overlay is not None
    assert overlay.port == port


def test_an_app_whose_workers_are_in_no_network_is_refused() -> None:
    text = WITHOUT_OVERLAY.replace("members: [worker, ingress, service]", "members: [ingress, service]")
    assert faults_of({"cluster.yaml": text.replace("    members: [worker]\n", "")}) == [
        "apps/influencer.yaml:2: influencer is in no mesh; let a mesh or the overlay have the role worker"
    ]


def test_an_overlay_beside_the_meshes_is_fine_and_carries_the_apps() -> None:
    checked = check(files({"cluster.yaml": WITHOUT_OVERLAY.replace("people:", OVERLAY_YAML, 1)}))
    assert checked.cluster.app_network() == check(files()).cluster.app_network() == "overlay"
    assert check(files({"cluster.yaml": WITHOUT_OVERLAY})).cluster.app_network() == "vpn_ingr"


@pytest.mark.parametrize(
    ("old", "new", "network"),
    [
        ("    hubs: [ingress]", "    hubs: [worker]", "vpn_ingr"),
        ("people:", OVERLAY_YAML.replace("port: 51820", "members: [worker]"), "overlay"),
    ],
)
def test_an_ingress_that_is_not_where_the_instances_listen_is_named(old: str, new: str, network: str) -> None:
    text = WITHOUT_OVERLAY.replace("members: [worker, ingress, service]", "members: [ingress, service]")
    text = text.replace(old, new)
    assert faults_of({"cluster.yaml": text}) == [
        f"apps/influencer.yaml:22: influencer cannot be served: its instances listen in {network}, where no ingress is; "
        f"give {network} the role ingress"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "instances: 2",
            "instance: 2",
            "apps/influencer.yaml:6: 'instance' is not a known field; did you mean instances?",
        ),
        ("kind: backend", "", "the field 'kind' is missing"),
        ("commit:", "comit:", "the field 'commit' is missing"),
        ("  port: 5001", "  port: 443", "apps/influencer.yaml:16: port 443 is used by the node itself"),
        ("  port: 5001", "  port: 762", "apps/influencer.yaml:16: port 762 belongs to mesh vpn_ingr"),
        (
            "host: influencer.flstr.lab",
            'host: "a;b"',
            "ingress.0.host cannot be 'a;b'; write a full host name in small letters",
        ),
        ("host: influencer.flstr.lab", 'host: "a.b${x}"', "ingress.0.host cannot be"),
        ("location: /", "location: /x}", "ingress.0.location cannot be '/x}'"),
        ("PROTOCOL: http", "protocol: http", "'env.protocol' is not a known field; did you mean PROTOCOL?"),
        ("run: run.sh", "run: a/../../run.sh", "run: a path stays inside the repository, without '..'"),
        ("    port: 80", "    port: 5001", "apps/influencer.yaml:24: port 5001 belongs to app influencer"),
        ("    port: 80", "    port: 760", "apps/influencer.yaml:24: port 760 belongs to mesh vpn_ctrl"),
        ("    port: 80", "    port: 22", "apps/influencer.yaml:24: port 22 belongs to the node itself"),
        ("run: run.sh", "run: /bin/sh", "run cannot be '/bin/sh'"),
        ("app: influencer", "app: influenza", "the file of app influenza is called apps/influenza.yaml"),
    ],
)
def test_a_fault_in_an_app_is_named(old: str, new: str, expected: str) -> None:
    text = app_yaml()
    assert old in text
    found = faults_of({"apps/influencer.yaml": text.replace(old, new, 1)})
    assert any(expected in fault for fault in found), found


def test_a_slip_is_named_before_the_field_that_it_leaves_missing() -> None:
    found = faults_of({"cluster.yaml": CLUSTER_YAML.replace("    count: 2", "    cuont: 2", 1)})
    assert [fault.partition(": ")[2] for fault in found] == [
        "'pools.worker.cuont' is not a known field; did you mean count?",
        "the field 'pools.worker.count' is missing",
    ]


def test_a_list_with_a_wrong_item_is_named_once() -> None:
    found = faults_of({"cluster.yaml": CLUSTER_YAML.replace("hubs: [controller]", "hubs: [boss]", 1)})
    assert len(found) == 1


def second_app(*changes: tuple[str, str]) -> str:
    text = app_yaml().replace("influencer\n", "creator\n").replace("INFLUENCER", "CREATOR").replace("5001", "5002")
    for old, new in (("host: influencer", "host: creator"), *changes):
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_path_is_the_same_with_and_without_its_last_slash() -> None:
    first = app_yaml().replace("location: /", "location: /shop/")
    second = second_app(("host: creator", "host: influencer"), ("location: /", "location: /shop"))
    found = faults_of({"apps/influencer.yaml": first, "apps/creator.yaml": second})
    assert [fault.partition(": ")[2] for fault in found] == ["influencer.flstr.lab:80/shop/ already leads to creator"]


def test_variables_of_two_apps_cannot_have_the_same_names() -> None:
    first = app_yaml() + "needs: [creator]\n"
    check(files({"apps/influencer.yaml": first, "apps/creator.yaml": second_app()}))
    found = faults_of({"apps/influencer.yaml": first, "apps/creator.yaml": second_app(("CREATOR", "INFLUENCER"))})
    assert [fault.partition(": ")[2] for fault in found] == [
        "creator and influencer have the same env_prefix INFLUENCER; give one another"
    ]


def test_two_apps_on_one_port_are_refused() -> None:
    other = app_yaml().replace("app: influencer", "app: second").replace("influencer.flstr.lab", "second.flstr.lab")
    assert faults_of({"apps/second.yaml": other}) == [
        "apps/second.yaml:16: influencer and second both publish port 5001; give one another"
    ]


def test_two_apps_at_one_address_are_refused() -> None:
    other = app_yaml().replace("app: influencer", "app: second").replace("5001", "5002")
    assert faults_of({"apps/second.yaml": other}) == [
        "apps/second.yaml:23: influencer.flstr.lab:80/ already leads to influencer"
    ]


def test_an_app_without_an_ingress_to_serve_it_is_refused() -> None:
    without = CLUSTER_YAML.replace(
        "  ingress:\n    role: ingress\n    count: 1", "  ingress:\n    role: ingress\n    count: 0"
    )
    assert faults_of({"cluster.yaml": without}) == [
        "apps/influencer.yaml:22: influencer has no ingress to serve it; add a pool of role ingress",
        "cluster.yaml:46: mesh vpn_ingr has no hub, because there is no machine of role ingress; add one, or change hubs",
    ]


def test_an_app_that_needs_an_unknown_one_is_refused() -> None:
    text = app_yaml() + "needs:\n  - redis\n"
    assert faults_of({"apps/influencer.yaml": text}) == [
        "apps/influencer.yaml:30: influencer needs redis, and no manifest describes it"
    ]


def test_a_repo_without_cluster_yaml_is_refused() -> None:
    with pytest.raises(Refused, match=r"cluster\.yaml:1: the file is missing"):
        check({})


def test_an_empty_manifest_is_refused() -> None:
    assert faults_of({"apps/influencer.yaml": ""}) == [
        "apps/influencer.yaml:1: the file has to hold fields and values, such as 'name: value'"
    ]


@given(st.text(max_size=300))
def test_whatever_stands_in_a_manifest_is_answered_in_sentences(text: str) -> None:
    with pytest.raises(FaultyManifests) as error:
        check(files({"apps/influencer.yaml": text}))
    assert all(fault.line >= 1 and "\n" not in fault.sentence for fault in error.value.faults)
