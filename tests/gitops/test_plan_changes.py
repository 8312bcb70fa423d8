"""What a changed plan does otherwise, in words."""

from gitops.plan import plan
from gitops.plan_changes import plan_changes, why_void
from model.steps import DestroyNode, Losses, Plan, PlannedStep
from tests.gitops.scene import instance, manifests, registered, spec

ONE = plan(manifests(), registered(workers=3)).removal
TWO = plan(manifests(), registered(workers=4)).removal


def test_the_same_plan_has_no_changes() -> None:
    assert plan_changes(ONE, ONE) == ()


def test_machines_and_steps_that_came_and_went() -> None:
    more, less = plan_changes(ONE, TWO), plan_changes(TWO, ONE)
    assert more[0] == "destroys worker104 as well"
    assert more[1].startswith("has these steps more: ")
    assert more[1].endswith(
        "worker104 out of the overlay, take worker104 out of the meshes and deregister it and 1 more"
    )
    assert less[0] == "destroys worker104 no more"
    assert less[1].startswith("has these steps no more: ")


def test_apps_and_floating_ips() -> None:
    before, after = Plan(title="", losses=Losses(apps=("a",))), Plan(title="", losses=Losses(floating_ips=("public",)))
    assert plan_changes(before, after) == ("removes a no more", "gives floating IP public back as well")


def test_instances_that_move_elsewhere() -> None:
    there = {f"1-{spec()}": instance("worker103")}
    moving = plan(manifests(), registered(workers=3, instances=there)).removal
    lines = plan_changes(ONE, moving)
    assert any(line.startswith(f"moves influencer 1-{spec()} from worker103 to ") for line in lines)


def test_steps_that_are_done_otherwise_are_named() -> None:
    step = PlannedStep(id="1", title="destroy worker103", step=DestroyNode(node="worker103"))
    before = Plan(title="", steps=(step,), losses=Losses(nodes=("worker103",)))
    after = before.model_copy(update={"steps": (step.model_copy(update={"tolerant": True}),)})
    assert plan_changes(before, after) == ("does this otherwise: destroy worker103",)


def test_what_nobody_wants_destroyed_any_more() -> None:
    assert why_void(ONE, Plan(title="")) == (
        "the plan has changed since it was asked for: nothing is to be destroyed any more"
    )


def test_many_names_are_counted() -> None:
    many = Losses(nodes=tuple(f"worker{number}" for number in range(101, 121)))
    (line,) = plan_changes(Plan(title="", losses=Losses()), Plan(title="", losses=many))
    assert line.endswith("worker108 and 12 more as well")
