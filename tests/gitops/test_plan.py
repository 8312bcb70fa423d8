"""The plan between two trees, as a person would read it: titles in order, and what each step waits for."""

from gitops.desired import meta_data
from gitops.manifests import load
from gitops.plan import plan
from model.names import AppKind
from model.registered import Registered, RegisteredApp
from model.steps import ApplyRouting, CreateNode, Plan, PlannedStep, StartInstance, WriteKeys
from tests.gitops.scene import CLUSTER_YAML, FIRST, SECOND, app, app_yaml, instance, manifests, registered, spec

SPEC = spec()
NEW_SPEC = spec(SECOND)
INFLUENCER: tuple[AppKind, str] = ("backend", "influencer")
RUNNING = {f"1-{SPEC}": instance("worker101"), f"2-{SPEC}": instance("worker102")}


def titles(what: Plan) -> list[str]:
    return [step.title for step in what.steps]


def step(what: Plan, step_id: str) -> PlannedStep:
    return next(step for step in what.steps if step.id == step_id)


def test_an_empty_cluster_is_built_in_the_notes_order() -> None:
    plans = plan(manifests(), Registered())
    assert titles(plans.change) == [
        "rent controller001 (cx22, fsn1)",
        "rent ingress016 (cx22, fsn1)",
        "rent worker101 (cx22, fsn1)",
        "rent worker102 (cx22, fsn1)",
        "join vpn_ctrl, vpn_ingr: controller001, ingress016, worker101, worker102",
        "join the overlay: ingress016, worker101, worker102",
        "register backend/influencer",
        "build influencer@11111111 on worker101",
        f"start influencer 1-{SPEC} on worker101",
        "build influencer@11111111 on worker102",
        f"start influencer 2-{SPEC} on worker102",
        "publish influencer.flstr.lab:80",
        "route to influencer",
        f"watch influencer 1-{SPEC}, 2-{SPEC}",
    ]
    assert step(plans.change, f"start-influencer-1-{SPEC}").after == ("build-influencer-worker101", "register")
    assert step(plans.change, "build-influencer-worker101").after == ("join", "overlay")
    assert step(plans.change, "join").tolerant
    assert not plans.removal.steps


def test_a_machine_is_rented_with_all_that_its_pool_allows() -> None:
    text = CLUSTER_YAML.replace(
        "    count: 2\n    first: 101",
        "    count: 2\n    first: 101\n    otherwise: [{server_type: cx32}, {location: nbg1}]",
    )
    steps = [one.step for one in plan(manifests(text), Registered()).change.steps if isinstance(one.step, CreateNode)]
    worker = next(one for one in steps if one.node == "worker101")
    assert [(one.server_type, one.location) for one in worker.otherwise] == [("cx32", None), (None, "nbg1")]
    # Controllers stand on hardware of their own unless the manifest says otherwise.
    assert {one.node: one.spread for one in steps} == {
        "controller001": True, "ingress016": False, "worker101": False, "worker102": False,
    }  # fmt: skip


def test_a_cluster_that_is_as_it_should_be_needs_nothing() -> None:
    plans = plan(manifests(), registered(instances=RUNNING))
    assert plans.change.steps == ()
    assert plans.removal.steps == ()


def test_a_machine_whose_routing_is_not_what_is_registered_is_routed_anew() -> None:
    tree = registered(instances=RUNNING)
    for routed in ({**tree.routed, "ingress016": "0" * 16}, {k: v for k, v in tree.routed.items() if k != "worker101"}):
        plans = plan(manifests(), tree.model_copy(update={"routed": routed}))
        assert titles(plans.change) == ["bring HAProxy and nginx up to date"]


def test_who_needs_an_app_that_moves_to_another_port_is_told_anew() -> None:
    creator = app_yaml().partition("ingress:")[0].replace("influencer\n", "creator\n").replace("5001", "5002")
    texts = {"cluster.yaml": CLUSTER_YAML, "apps/influencer.yaml": app_yaml() + "needs: [creator]\n"}
    before = load({**texts, "apps/creator.yaml": creator})
    influencer = before.apps["backend", "influencer"]
    running = {
        f"1-{before.spec(influencer)}": instance("worker101"),
        f"2-{before.spec(influencer)}": instance("worker102"),
    }
    tree = registered(instances=running)
    assert not any("start influencer" in title for title in titles(plan(before, tree).change))
    after = load({**texts, "apps/creator.yaml": creator.replace("5002", "5003")})
    # It would be told the old place before creator has moved.
    (first,) = plan(after, tree).changes
    assert first.locks == ("app-creator",)
    moved = RegisteredApp(meta_data=meta_data(after.apps["backend", "creator"]))
    told = tree.model_copy(update={"apps": {**tree.apps, ("backend", "creator"): moved}})
    replaced = [title for each in plan(after, told).changes for title in titles(each) if "start influencer" in title]
    assert len(replaced) == 2
    recommitted = load({**texts, "apps/creator.yaml": creator.replace(FIRST, SECOND)})
    changes = plan(recommitted, tree).changes
    assert not any("start influencer" in title for each in changes for title in titles(each))


def test_a_public_address_moves_once_its_new_app_serves() -> None:
    old = app_yaml().partition("ingress:")[0]
    new = app_yaml().replace("influencer\n", "creator\n").replace("5001", "5002")
    both = load({"cluster.yaml": CLUSTER_YAML, "apps/influencer.yaml": old, "apps/creator.yaml": new})
    plans = plan(both, registered(instances=RUNNING))
    publish = step(plans.change, "publish-influencer.flstr.lab:80")
    assert publish.title == "publish influencer.flstr.lab:80"
    assert {name for name in publish.after if name.startswith("start-creator-")} == set(publish.after)
    assert len(publish.after) == 2
    assert publish.id in step(plans.change, "route-creator").after


def test_a_new_commit_replaces_one_instance_after_the_other() -> None:
    plans = plan(manifests(app_text=app_yaml(commit=SECOND)), registered(instances=RUNNING))
    assert plans.change.title == "deploy influencer@22222222"
    assert titles(plans.change) == [
        "build influencer@22222222 on worker101",
        f"start influencer 3-{NEW_SPEC} on worker101",
        f"route to influencer 3-{NEW_SPEC}",
        f"watch influencer 3-{NEW_SPEC}",
        f"take influencer 1-{SPEC} out of the routing",
        f"stop influencer 1-{SPEC} on worker101",
        "build influencer@22222222 on worker102",
        f"start influencer 4-{NEW_SPEC} on worker102",
        f"route to influencer 4-{NEW_SPEC}",
        f"watch influencer 4-{NEW_SPEC}",
        f"take influencer 2-{SPEC} out of the routing",
        f"stop influencer 2-{SPEC} on worker102",
    ]
    second = step(plans.change, f"start-influencer-4-{NEW_SPEC}")
    assert second.after == ("build-influencer-worker102", f"stop-influencer-1-{SPEC}")


def test_more_machines_and_more_instances() -> None:
    bigger = manifests(CLUSTER_YAML.replace("count: 2", "count: 3"), app_yaml().replace("instances: 2", "instances: 3"))
    plans = plan(bigger, registered(instances=RUNNING))
    assert plans.change.title == "add worker103; scale influencer from 2 to 3"
    assert titles(plans.change) == [
        "rent worker103 (cx22, fsn1)",
        "join vpn_ctrl, vpn_ingr: worker103",
        "join the overlay: worker103",
        "build influencer@11111111 on worker103",
        f"start influencer 3-{SPEC} on worker103",
        "route to influencer",
        f"watch influencer 3-{SPEC}",
    ]
    route = step(plans.change, "route-influencer").step
    assert isinstance(route, ApplyRouting)
    assert route.serving == ((*INFLUENCER, f"3-{SPEC}"),)


def test_fewer_instances_are_drained_and_stopped() -> None:
    plans = plan(manifests(app_text=app_yaml().replace("instances: 2", "instances: 1")), registered(instances=RUNNING))
    assert titles(plans.change) == [
        f"take influencer 2-{SPEC} out of the routing",
        f"stop influencer 2-{SPEC} on worker102",
    ]


def test_a_machine_that_is_taken_away_waits_for_leave() -> None:
    running = {**RUNNING, f"3-{SPEC}": instance("worker103")}
    three = app_yaml().replace("instances: 2", "instances: 3")
    plans = plan(manifests(app_text=three), registered(workers=3, instances=running))
    assert plans.change.steps == ()
    assert plans.removal.destroys()
    assert titles(plans.removal) == [
        "build influencer@11111111 on worker101",
        f"start influencer 4-{SPEC} on worker101",
        f"route to influencer 4-{SPEC}",
        f"watch influencer 4-{SPEC}",
        f"take influencer 3-{SPEC} out of the routing",
        f"stop influencer 3-{SPEC} on worker103",
        "take worker103 out of the overlay",
        "take worker103 out of the meshes and deregister it",
        "destroy worker103",
    ]
    losses = plans.removal.losses
    assert losses is not None
    assert losses.nodes == ("worker103",)
    assert losses.moved == (f"influencer 3-{SPEC} from worker103 to worker101",)
    assert losses.remaining == ("worker101", "worker102")


def test_fewer_machines_and_fewer_instances_take_the_instance_on_the_leaving_machine() -> None:
    running = {**RUNNING, f"3-{SPEC}": instance("worker103")}
    plans = plan(manifests(), registered(workers=3, instances=running))
    assert f"stop influencer 3-{SPEC} on worker103" in titles(plans.change)
    assert plans.removal.losses is not None
    assert plans.removal.losses.moved == ()


def test_an_app_that_is_no_longer_described_waits_for_leave_and_keeps_serving() -> None:
    without = manifests()
    without = type(without)(without.cluster, {})
    plans = plan(without, registered(instances=RUNNING))
    assert plans.change.steps == ()
    assert plans.removal.title == "remove influencer"
    assert titles(plans.removal) == [
        "take the public addresses off influencer",
        "route no more to influencer",
        f"take influencer 1-{SPEC} out of the routing",
        f"stop influencer 1-{SPEC} on worker101",
        f"take influencer 2-{SPEC} out of the routing",
        f"stop influencer 2-{SPEC} on worker102",
        "deregister influencer",
        "bring HAProxy and nginx up to date",
    ]
    forget = step(plans.removal, "forget").step
    assert isinstance(forget, WriteKeys)
    assert forget.delete == (
        "backend/influencer/meta_data",
        "flstr/attempt/app-influencer",
        "flstr/stable/backend/influencer",
    )


def test_the_last_worker_is_not_taken_while_it_runs_something() -> None:
    none = manifests(CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 2\n    first: 201"))
    running = {f"1-{SPEC}": instance("worker101"), f"2-{SPEC}": instance("worker101")}
    plans = plan(none, registered(workers=1, instances=running))
    assert plans.removal.steps == ()
    assert "rent worker201 (cx22, fsn1)" in titles(plans.change)


def test_the_same_trees_give_the_same_digest() -> None:
    assert plan(manifests(), Registered()).change.digest() == plan(manifests(), Registered()).change.digest()
    assert plan(manifests(), Registered()).change.digest() != plan(manifests(), registered()).change.digest()


def test_start_steps_say_all_that_is_needed() -> None:
    start = step(plan(manifests(), Registered()).change, f"start-influencer-1-{SPEC}").step
    assert isinstance(start, StartInstance)
    assert start.app == app()
