"""Instances leave machines that are drained or dead, and nothing of them is left behind once those are back."""

from collections import Counter

from gitops.routed import routing_digest
from model import keys
from model.steps import Step
from tests.gitops.flstr import THREE_WORKERS, Flstr
from tests.gitops.scene import CLUSTER_YAML


def where(flstr: Flstr) -> dict[str, int]:
    """How many instances serve on each machine."""
    instances = flstr.registry.read().apps["backend", "influencer"].instances
    return dict(sorted(Counter(record.node for record in instances.values()).items()))


def die(flstr: Flstr, node: str) -> None:
    """A machine is silent: nothing is stopped there, and what it ran keeps its port."""
    stop = flstr.pretend.act["instance.stop"]

    def stop_where_reached(step: Step, context: object) -> None:
        if step.kind == "instance.stop" and node not in flstr.registry.dead():
            stop(step, context)  # type: ignore[arg-type]

    flstr.pretend.act["instance.stop"] = stop_where_reached
    flstr.store.put(keys.dead(node), "1000.000")


def test_instances_leave_a_drained_machine_and_come_back_to_where_none_is(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": f"drained: [worker102]\n{CLUSTER_YAML}"})
    assert flstr.settle()[-1].plan.title == "move influencer off worker102"
    assert where(flstr) == {"worker101": 2}
    assert "changes nothing" in flstr.ask("plan")
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    assert flstr.settle()[-1].plan.title == "move influencer off worker101"
    assert where(flstr) == {"worker101": 1, "worker102": 1}


def test_a_worker_that_joins_takes_an_instance_from_one_that_has_two(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("scale influencer 3")
    flstr.settle()
    assert where(flstr) == {"worker101": 2, "worker102": 1}
    flstr.cluster.pull()
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    assert flstr.settle()[-1].plan.title == "add worker103; move influencer off worker101"
    assert where(flstr) == {"worker101": 1, "worker102": 1, "worker103": 1}


def test_instances_of_a_dead_machine_are_started_elsewhere_without_a_new_revision(flstr: Flstr) -> None:
    flstr.settle()
    die(flstr, "worker102")
    assert {operation.status for operation in flstr.settle()} == {"done"}
    assert where(flstr) == {"worker101": 2}
    assert not flstr.worker.look()


def test_a_machine_that_is_back_takes_its_part_again_and_is_brought_up_to_date(flstr: Flstr) -> None:
    flstr.settle()
    die(flstr, "worker102")
    flstr.settle()
    flstr.store.delete(keys.dead("worker102"))
    flstr.settle()
    registered = flstr.registry.read()
    assert where(flstr) == {"worker101": 1, "worker102": 1}
    assert len(registered.ports) == 2
    assert registered.routed["worker102"] == routing_digest(registered, "worker102")
    assert "changes nothing" in flstr.ask("plan")


def test_what_a_machine_still_runs_when_it_is_back_is_stopped(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("scale influencer 1")
    flstr.settle()
    for _ in range(2):
        (home,) = where(flstr)
        die(flstr, home)
        assert flstr.settle()[-1].plan.title == f"move influencer off {home}"
        assert len(flstr.registry.read().ports) == 2
        flstr.store.delete(keys.dead(home))
        assert flstr.settle()[-1].plan.steps[-1].title.startswith("clean up influencer ")
        assert [held for held, _ in flstr.registry.read().ports] == list(where(flstr)) != [home]
        assert "changes nothing" in flstr.ask("plan")


def test_where_every_worker_is_dead_what_runs_is_left_alone(flstr: Flstr) -> None:
    flstr.settle()
    before = flstr.registry.read().apps
    for node in ("worker101", "worker102"):
        die(flstr, node)
    operations = len(flstr.settle())
    assert flstr.registry.read().apps == before
    assert operations == 1
