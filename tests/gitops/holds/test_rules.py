"""What is held, of two revisions and some holds. Pure."""

from dataclasses import replace

import pytest

from gitops.holds.rules import held, waiting_line, why_not_begin
from gitops.manifests import Manifests
from model.operation import Hold
from tests.gitops.flstr import THREE_WORKERS
from tests.gitops.holds.held import FOURTH, FROZEN, LOCKED, POOL, SUSPENDED
from tests.gitops.scene import CLUSTER_YAML, app_yaml, manifests


@pytest.mark.parametrize(
    ("words", "hold", "said"),
    [
        (
            ["scale", "influencer", "3"],
            FROZEN,
            "frozen by operator until 1970-01-01 00:30 UTC (holidays). What is asked",
        ),
        (
            ["scale", "influencer", "3"],
            SUSPENDED,
            "suspended by operator (hands off). What is asked for waits until some",
        ),
        (["deploy", "influencer@a1b2c3"], LOCKED, ":lock: app influencer is locked by operator until 1970-01-01 00:30"),
        (["drain", "worker101"], POOL, "pool worker is locked by operator"),
        (["scale", "worker", "3"], POOL, "pool worker is locked by operator"),
        (["deploy", "other@a1b2c3"], LOCKED, ""),
        (["drain", "ingress016"], POOL, ""),
        (["status"], FROZEN, ""),
    ],
)
def test_who_asks_for_what_is_held_is_told_why_and_until_when(words: list[str], hold: Hold, said: str) -> None:
    line = waiting_line(words[0], words[1:], [hold])
    assert said in line
    assert bool(said) == bool(line)


def test_nothing_that_people_ask_for_begins_while_frozen_or_suspended() -> None:
    assert why_not_begin([]) == why_not_begin([LOCKED, POOL]) == ""
    assert why_not_begin([FROZEN]) == (
        "flstr is frozen by operator until 1970-01-01 00:30 UTC (holidays); it begins after that, or after `thaw`."
    )
    assert "suspended by operator (hands off); it begins again after `resume`" in why_not_begin([FROZEN, SUSPENDED])


def test_a_locked_app_is_as_the_revision_of_its_lock_and_all_else_is_new() -> None:
    old, new = manifests(), manifests(THREE_WORKERS, app_yaml(commit="2" * 40))
    mix = held(new, [LOCKED], {"r": old}.__getitem__)
    assert mix == Manifests(new.cluster, old.apps)
    assert held(replace(new, apps={}), [LOCKED], {"r": old}.__getitem__).apps == old.apps
    assert held(new, [FROZEN, SUSPENDED], {"r": old}.__getitem__) == new


def test_a_locked_pool_keeps_its_machines_and_which_are_drained() -> None:
    old = manifests(CLUSTER_YAML.replace("drained: []", "") + "drained: [worker101]\n")
    new = manifests(FOURTH + "drained: [worker102]\n")
    mix = held(new, [POOL], {"r": old}.__getitem__)
    assert mix.cluster.pools["worker"].count == 2
    assert mix.cluster.drained == ("worker101",)
    assert {name: mix.cluster.pools[name] for name in ("controller", "ingress")} == {
        name: new.cluster.pools[name] for name in ("controller", "ingress")
    }
