"""What stands cannot be changed into something else: one sentence at the line, and nothing silently half-followed."""

import pytest

from gitops.lint import check
from gitops.manifests import FaultyManifests
from gitops.plan import plan
from gitops.standing import check_standing
from model.registered import Registered, RegisteredService
from tests.gitops.scene import CLUSTER_YAML, WITHOUT_OVERLAY, app_yaml, files, instance, manifests, registered

BEFORE = manifests().cluster
VPN_CTRL = "vpn_ctrl:\n    subnet: 10.110.0.0/24\n    port: 760"


def faults(changes: dict[str, str], tree: Registered | None = None) -> list[str]:
    texts = files(changes)
    try:
        check_standing(texts, check(texts), tree or registered(), BEFORE)
    except FaultyManifests as error:
        return [str(fault) for fault in error.faults]
    return []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "10.110.0.0/24",
            "10.120.0.0/24",
            "cluster.yaml:39: mesh vpn_ctrl keeps its subnet while controller001, ingress016, worker101, worker102 are "
            "in it; make a mesh of another name",
        ),
        ("port: 762", "port: 763", "cluster.yaml:45: mesh vpn_ingr keeps its port while"),
        (
            "members: [worker, ingress, service]",
            "members: [worker, service]",
            "cluster.yaml:38: mesh vpn_ctrl has to keep the roles of its machines, and ingress016 is in it",
        ),
        (
            "  ingress:\n    role: ingress\n    count: 1\n    first: 16",
            "  ingress:\n    role: worker\n    count: 1\n    first: 16\n  front:\n    role: ingress\n    count: 1",
            "cluster.yaml:28: ingress016 was set up in role ingress; give machines of role worker a pool of their own",
        ),
    ],
)
def test_what_running_machines_cannot_follow_is_refused(old: str, new: str, expected: str) -> None:
    assert old in CLUSTER_YAML
    found = faults({"cluster.yaml": CLUSTER_YAML.replace(old, new)})
    assert any(fault.startswith(expected) for fault in found), found


@pytest.mark.parametrize(
    "cluster_yaml",
    [
        CLUSTER_YAML,
        CLUSTER_YAML.replace("count: 2", "count: 1"),
        CLUSTER_YAML.replace("fsn1", "nbg1"),
        CLUSTER_YAML.replace("hubs: [ingress]\n    members: [worker]", "hubs: [worker]\n    members: [ingress]"),
        CLUSTER_YAML.replace("vpn_ctrl:\n", "vpn_new:\n"),
        CLUSTER_YAML.replace(
            "meshes:\n", "meshes:\n  vpn_more:\n    subnet: 10.112.0.0/24\n    port: 764\n    hubs: [worker]\n"
        ),
    ],
)
def test_what_they_can_follow_is_not(cluster_yaml: str) -> None:
    assert faults({"cluster.yaml": cluster_yaml}) == []


WITH_OVERLAY = WITHOUT_OVERLAY.replace("people:", "overlay:\n  network: 10.5.0.0/16\n  port: 51820\n\npeople:")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("10.5.0.0/16", "10.6.0.0/16", ["cluster.yaml:50: the overlay keeps its network while worker101 is in it"]),
        ("port: 51820", "subnet_length: 25", ["cluster.yaml:51: the overlay keeps its subnet_length while worker101"]),
        ("port: 51820", "port: 51821", ["cluster.yaml:51: the overlay keeps its port while worker101 is in it"]),
        (
            "port: 51820",
            "members: [ingress, controller]",
            ["cluster.yaml:49: the overlay has to keep the roles of its machines, and worker101 is in it"],
        ),
        ("overlay:\n  network: 10.5.0.0/16\n  port: 51820\n", "", []),
        ("port: 51820", "members: [worker, ingress, service, controller]", []),
    ],
)
def test_an_overlay_keeps_what_its_machines_stand_on(old: str, new: str, expected: list[str]) -> None:
    assert old in WITH_OVERLAY
    texts = files({"cluster.yaml": WITH_OVERLAY.replace(old, new)})
    tree = registered(cluster_yaml=WITHOUT_OVERLAY)
    worker = tree.nodes["worker101"]
    inside = worker.model_copy(update={"addresses": {**worker.addresses, "overlay": "10.5.1.0"}})
    stands = tree.model_copy(update={"nodes": {**tree.nodes, "worker101": inside}})
    found: list[str] = []
    try:
        check_standing(texts, check(texts), stands, manifests(WITH_OVERLAY).cluster)
    except FaultyManifests as error:
        found = [str(fault) for fault in error.faults]
    assert len(found) == len(expected)
    assert all(fault.startswith(start) for fault, start in zip(found, expected, strict=True)), found


def test_machines_join_a_mesh_that_is_added_later() -> None:
    more = (
        "meshes:\n"
        "  vpn_more:\n    subnet: 10.112.0.0/24\n    port: 764\n    hubs: [controller]\n    members: [worker]\n"
    )
    plans = plan(
        manifests(CLUSTER_YAML.replace("meshes:\n", more)), registered(instances={"1-aaaaaaaa": instance("worker101")})
    )
    assert plans.change.steps[0].title == "join vpn_ctrl, vpn_ingr, vpn_more: controller001, worker101, worker102"
    assert plans.change.title.startswith("join a new mesh")


def test_a_port_belongs_to_an_app_until_it_is_removed() -> None:
    renamed = app_yaml().replace("app: influencer", "app: creator")
    texts = {"cluster.yaml": CLUSTER_YAML, "apps/creator.yaml": renamed}
    with pytest.raises(FaultyManifests) as refused:
        check_standing(texts, check(texts), registered(), BEFORE)
    assert refused.value.sentence == (
        "apps/creator.yaml:16: port 5001 belongs to backend influencer until that is removed; publish creator on another"
    )
    assert faults({"apps/influencer.yaml": app_yaml().replace("kind: backend", "kind: frontend")}) == [
        "apps/influencer.yaml:16: port 5001 belongs to backend influencer until that is removed; "
        "publish influencer on another"
    ]


def test_a_port_belongs_to_a_service_that_is_registered() -> None:
    redis = RegisteredService(meta_data=registered().apps["backend", "influencer"].meta_data)
    tree = registered().model_copy(update={"services": {"redis": redis}})
    assert faults({}, tree) == [
        "apps/influencer.yaml:16: port 5001 belongs to service redis until that is removed; publish influencer on another"
    ]


def test_a_cluster_that_does_not_stand_yet_may_say_anything() -> None:
    assert faults({"cluster.yaml": CLUSTER_YAML.replace("10.110", "10.120")}, Registered()) == []
