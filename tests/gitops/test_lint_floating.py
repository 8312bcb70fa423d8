"""Floating IPs that no ingress could hold are refused."""

import pytest

from gitops.lint import check
from gitops.manifests import FaultyManifests
from tests.gitops.public import public_yaml
from tests.gitops.scene import files


@pytest.mark.parametrize("wanted", ["{}", "{pool: ingress}", "{nodes: [ingress017, ingress016]}"])
def test_ingresses_may_hold_one(wanted: str) -> None:
    check(files({"cluster.yaml": public_yaml(f"floating_ips:\n  public: {wanted}\n")}))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("{pool: worker}", "floating IP public cannot be held: pool worker has the role worker; name one of ingress"),
        ("{pool: entry}", "floating IP public cannot be held: no pool is entry; name one of ingress"),
        (
            "{nodes: [ingress016, ingress018]}",
            "floating IP public cannot be held: no pool has a machine ingress018; the ingresses are ingress016, ingress017",
        ),
        (
            "{pool: ingress, nodes: [ingress016]}",
            "a floating IP is held by the ingresses of a pool or by named ones, not by both",
        ),
    ],
)
def test_others_may_not(wanted: str, sentence: str) -> None:
    with pytest.raises(FaultyManifests) as raised:
        check(files({"cluster.yaml": public_yaml(f"floating_ips:\n  public: {wanted}\n")}))
    assert sentence in raised.value.sentence
