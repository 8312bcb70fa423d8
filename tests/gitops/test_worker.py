"""What the worker does of itself: it plans, runs, and tries again what somebody says, and nothing else."""

from gitops.routed import wrongly_routed
from model.errors import StepFailed
from model.steps import Step
from tests.gitops.flstr import REVIEWER, Flstr
from tests.gitops.pretend import fail_at
from tests.gitops.scene import CLUSTER_YAML, app_yaml


def test_the_first_revision_is_followed(flstr: Flstr) -> None:
    (operation,) = flstr.settle()
    assert operation.status == "done"
    assert sorted(flstr.registry.read().nodes) == ["controller001", "ingress016", "worker101", "worker102"]


def test_an_unchanged_repo_costs_no_write(flstr: Flstr) -> None:
    flstr.settle()
    before, done = flstr.store._prefix("")[1], len(flstr.pretend.done)
    for _ in range(5):
        assert not flstr.worker.look()
    assert flstr.store._prefix("")[1] == before
    assert len(flstr.pretend.done) == done


def test_every_kind_of_operation_leaves_nothing_to_do(flstr: Flstr) -> None:
    def all_done(operations: int) -> None:
        assert [operation.status for operation in flstr.settle()] == ["done"] * operations
        assert "changes nothing" in flstr.ask("plan")

    def with_leave(operations: int) -> None:
        flstr.approve(flstr.settle()[-1], REVIEWER)
        all_done(operations)

    all_done(1)
    flstr.ask(f"deploy influencer@{flstr.app[2][:7]}")
    all_done(2)
    flstr.ask("scale influencer 4")
    all_done(3)
    flstr.ask("scale influencer 1")
    all_done(4)
    flstr.ask("scale worker 3")
    all_done(5)
    flstr.ask("scale worker 1")
    with_leave(6)
    second = app_yaml(flstr.app[0].url, flstr.app[1]).replace("influencer", "creator").replace("5001", "5002")
    second = second.replace("    location: /\n", "    location: /creator\n").replace(
        "creator.flstr", "influencer.flstr"
    )
    second = second.replace("INFLUENCER", "CREATOR").replace(
        flstr.app[0].url.replace("influencer", "creator"), flstr.app[0].url
    )
    flstr.cluster.pull()
    flstr.cluster.push({"apps/creator.yaml": second})
    all_done(7)
    flstr.cluster.push({"apps/creator.yaml": None, "apps/influencer.yaml": None})
    with_leave(8)
    registered = flstr.registry.read()
    assert (registered.apps, registered.ingress, registered.ports) == ({}, {}, {})


def test_routing_that_failed_is_done_once_it_can_be(flstr: Flstr) -> None:
    flstr.pretend.before = fail_at("routing.apply", "ingress016: no answer")
    operations = flstr.settle()
    titles = [operation.plan.title for operation in operations[1:]]
    assert titles == ["bring the routing up to date", "watch influencer"]
    assert {operation.status for operation in operations} == {"failed"}
    assert "bring HAProxy and nginx up to date" in flstr.ask("plan")
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert flstr.settle()[-1].status == "done"
    assert "changes nothing" in flstr.ask("plan")


def test_an_app_that_fails_holds_up_no_other(flstr: Flstr) -> None:
    second = app_yaml(flstr.app[0].url, flstr.app[1])
    for old, new in (
        ("app: influencer", "app: creator"),
        ("5001", "5002"),
        ("INFLU", "CRE"),
        ("influencer.fl", "creator.fl"),
    ):
        second = second.replace(old, new)
    flstr.cluster.push({"apps/creator.yaml": second})

    def creator_fails(step: Step) -> None:
        if step.kind == "instance.start" and step.app.app == "creator":
            raise StepFailed("the build of creator failed")

    flstr.pretend.before = creator_fails
    flstr.settle()
    registered = flstr.registry.read()
    assert set(registered.ingress) == {"influencer.flstr.lab:80"}
    assert len(registered.apps["backend", "influencer"].instances) == 2
    assert wrongly_routed(registered) == ()


def test_a_machine_that_cannot_be_rented_holds_up_no_other(flstr: Flstr) -> None:
    def sold_out(step: Step) -> None:
        if step.kind == "node.create" and step.node == "worker102":
            raise StepFailed("none is left there at the moment")

    flstr.pretend.before = sold_out
    assert {operation.status for operation in flstr.settle()} == {"failed"}
    registered = flstr.registry.read()
    assert sorted(registered.nodes) == ["controller001", "ingress016", "worker101"]
    assert [item.node for item in registered.apps["backend", "influencer"].instances.values()] == ["worker101"]
    assert wrongly_routed(registered) == ()
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert flstr.settle()[-1].status == "done"
    assert "changes nothing" in flstr.ask("plan")


def test_what_an_operation_cannot_mend_is_not_tried_for_ever(flstr: Flstr) -> None:
    flstr.settle()
    # A machine that is not reached keeps its port, as the real executor has it.
    flstr.pretend.act["instance.stop"] = lambda step, context: None
    flstr.ask("scale influencer 1")
    operations = flstr.settle()
    assert [operation.status for operation in operations] == ["done"] * 3
    assert operations[-1].plan.title == "clean up influencer"


def test_a_failed_operation_is_not_tried_again_until_somebody_says_so(flstr: Flstr) -> None:
    flstr.settle()
    flstr.pretend.before = fail_at("release.build", "the build failed")
    flstr.ask(f"deploy influencer@{flstr.app[2][:7]}")
    assert [operation.status for operation in flstr.settle()] == ["done", "failed"]
    assert len(flstr.settle()) == 2
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert [operation.status for operation in flstr.settle()] == ["done", "failed", "done"]


def test_machines_that_stand_join_a_mesh_that_is_added(flstr: Flstr) -> None:
    flstr.settle()
    more = (
        "meshes:\n"
        "  vpn_more:\n    subnet: 10.112.0.0/24\n    port: 764\n    hubs: [controller]\n    members: [worker]\n"
    )
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML.replace("meshes:\n", more)})
    assert flstr.settle()[-1].plan.title == "join a new mesh"
    assert "vpn_more" in flstr.registry.read().nodes["worker101"].addresses
    assert "changes nothing" in flstr.ask("plan")
