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
        ("{pool: worker}", "floating IP public: worker is no pool of role ingress; name one that is"),
        ("{pool: entry}", "floating IP public: entry is no pool of role ingress; name one that is"),
        (
            "{nodes: [ingress016, ingress018]}",
            "floating IP public: ingress018 is no ingress of any pool; take it out of the list",
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
