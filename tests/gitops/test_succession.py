"""Where machines are replaced, the new ones come first; the old ones stay as long as a new one could not be rented."""

from typing import Any

from model import keys
from model.errors import StepFailed
from tests.gitops.flstr import REVIEWER, Flstr
from tests.gitops.scene import CLUSTER_YAML

OTHERS = CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 2\n    first: 201")
STAYS = "worker101, worker102 stay until worker202 is there; `sync` tries again to rent, or let cluster.yaml want fewer"


def sold_out(step: Any) -> None:
    if step.kind == "node.create" and step.node == "worker202":
        raise StepFailed("no cx22 is left in fsn1", "")


def workers(flstr: Flstr) -> list[str]:
    return [name for name in flstr.registry.read().nodes if name.startswith("worker")]


def asked(flstr: Flstr) -> bool:
    """Whether somebody is asked for leave, once nothing else is left to do."""
    return any(operation.status == "awaiting_approval" for operation in flstr.settle())


def replaced(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": OTHERS})


def test_nobody_is_asked_to_destroy_the_old_before_the_new_are_there(flstr: Flstr) -> None:
    replaced(flstr)
    waiting = flstr.settle()[-1]
    assert (waiting.status, waiting.plan.losses and waiting.plan.losses.nodes) == (
        "awaiting_approval",
        ("worker101", "worker102"),
    )
    assert workers(flstr) == ["worker101", "worker102", "worker201", "worker202"]
    flstr.approve(waiting, REVIEWER)
    flstr.settle()
    assert workers(flstr) == ["worker201", "worker202"]


def test_where_one_could_not_be_rented_the_old_ones_stay_and_the_channel_hears_why(flstr: Flstr) -> None:
    flstr.settle()
    flstr.pretend.before = sold_out
    replaced(flstr)
    assert not asked(flstr)
    assert sum(STAYS in notice for notice in flstr.notices()) == 1
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert asked(flstr)


def test_fewer_that_are_wanted_let_them_go(flstr: Flstr) -> None:
    flstr.settle()
    flstr.pretend.before = sold_out
    replaced(flstr)
    assert not asked(flstr)
    flstr.cluster.push({"cluster.yaml": OTHERS.replace("count: 2\n    first: 201", "count: 1\n    first: 201")})
    assert asked(flstr)


def test_a_dead_one_may_go_all_the_same(flstr: Flstr) -> None:
    flstr.settle()
    for node in ("worker101", "worker102"):
        flstr.store.put(keys.dead(node), "1.000")
    flstr.pretend.before = sold_out
    replaced(flstr)
    assert asked(flstr)
    assert "worker202" not in workers(flstr)
