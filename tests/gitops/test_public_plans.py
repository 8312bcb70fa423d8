"""The plans of names and floating IPs, as a person would read them."""

from gitops.bindings import served_by
from gitops.gate import why_not_destroy
from gitops.manifests import Manifests
from gitops.names import wanted_names
from gitops.plan import plan
from gitops.routed import routing_digest
from model.operation import Approval, Operation, Origin
from model.registered import FloatingRecord, Registered
from model.steps import GiveBackFloatingIp, HoldFloatingIp, Plan, PlannedStep, PointNames, SettleFloatingIps
from tests.gitops.public import DNS, FIRST, FLOATING_IP, HOST, PUBLIC, SECOND, public_tree, public_yaml
from tests.gitops.scene import CLUSTER_YAML, manifests, public_ip

BOTH = manifests(public_yaml(DNS, FLOATING_IP))
FLOATING = manifests(public_yaml(FLOATING_IP))
NAMED = manifests(public_yaml(DNS))
SMALLER = manifests(public_yaml(DNS, FLOATING_IP, ingresses=1))


def with_names(tree: Registered, **names: str) -> Registered:
    """The tree with every name as it should be, some of them otherwise."""
    right = wanted_names(BOTH.cluster, tree)
    return tree.model_copy(update={"names": {**right, **{name: (ip,) for name, ip in names.items()}}})


def of_lock(plans: tuple[Plan, ...], lock: str) -> Plan:
    return next((one for one in plans if lock in one.locks), Plan(title=""))


def public_changes(of: Manifests, tree: Registered, busy: tuple[str, ...] = ()) -> tuple[Plan, ...]:
    """The plans that are about neither machines nor apps."""
    return tuple(one for one in plan(of, tree, busy).changes if not one.locks[0].startswith(("machines", "app-")))


def names_plan(tree: Registered, of: Manifests = BOTH) -> Plan:
    return of_lock(plan(of, tree).changes, "names")


def step(what: Plan, step_id: str) -> PlannedStep:
    return next(step for step in what.steps if step.id == step_id)


def before(what: Plan, step_id: str) -> set[str]:
    """Every step that has to be done before this one."""
    found, after = set[str](), {one.id: set(one.after) for one in what.steps}
    todo = [step_id]
    while todo:
        todo += (new := after[todo.pop()] - found)
        found |= new
    return found


def test_names_that_lead_where_they_should_need_no_plan() -> None:
    assert names_plan(with_names(public_tree())).steps == ()
    assert names_plan(public_tree(), FLOATING).steps == ()


def test_the_title_says_what_changes_and_how_much_more() -> None:
    found = names_plan(public_tree())
    assert [planned.step for planned in found.steps] == [PointNames()]
    assert found.locks == ("names",)
    assert found.title == (
        "point controller001.example.com to 10.77.0.1; point influencer.flstr.lab to 10.78.0.1; "
        "point ingress016.example.com to 10.77.0.16; and 3 more"
    )


def test_new_names_wait_until_all_machines_are_there_and_wrong_ones_do_not() -> None:
    assert public_changes(NAMED, public_tree(None), ("machines",)) == ()
    assert len(public_changes(NAMED, public_tree(None), ("app-influencer",))) == 1
    assert public_changes(NAMED, public_tree(None), ("names",)) == ()
    names = wanted_names(NAMED.cluster, public_tree(None))
    silent = public_tree(None, silent=(FIRST,), names=names)
    (found,) = public_changes(NAMED, silent, ("machines",))
    assert found.title == f"point {HOST} to {public_ip(SECOND)}"


def test_nobody_is_led_to_an_ingress_that_does_not_serve_the_host_yet() -> None:
    tree = public_tree(None)
    alone = {FIRST: tree.routed[FIRST]}
    assert wanted_names(NAMED.cluster, tree.model_copy(update={"routed": alone}))[HOST] == (public_ip(FIRST),)
    assert HOST not in wanted_names(NAMED.cluster, tree.model_copy(update={"routed": {}}))
    # What it serves there of other apps, or of this one's instances, changes nothing.
    apps = tree.model_copy(update={"apps": {}})
    assert wanted_names(NAMED.cluster, apps)[HOST] == (public_ip(FIRST), public_ip(SECOND))


def test_a_name_stays_while_the_ingress_that_it_leads_to_is_brought_up_to_date() -> None:
    tree = public_tree(None, names={HOST: (public_ip(FIRST),)}, routed={})
    assert wanted_names(NAMED.cluster, tree)[HOST] == (public_ip(FIRST),)


def bound_to(node: str, tree: Registered) -> Registered:
    """The host is to be served by one ingress alone."""
    ((address, record),) = tree.ingress.items()
    return tree.model_copy(update={"ingress": {address: record.model_copy(update={"nodes": (node,)})}})


def test_a_host_that_moves_is_served_by_both_until_its_name_leads_to_the_new_one() -> None:
    tree = bound_to(FIRST, public_tree(None))
    routed = {node: routing_digest(tree, node) for node in tree.nodes}
    tree = tree.model_copy(update={"routed": routed, "names": {HOST: (public_ip(FIRST),)}})
    assert served_by(SECOND, tree) == ()
    moving = bound_to(SECOND, tree)
    assert served_by(FIRST, moving) == served_by(SECOND, moving) != ()
    assert wanted_names(NAMED.cluster, moving)[HOST] == (public_ip(FIRST),)
    routed = {node: routing_digest(moving, node) for node in moving.nodes}
    ready = moving.model_copy(update={"routed": routed})
    assert wanted_names(NAMED.cluster, ready)[HOST] == (public_ip(SECOND),)
    moved = ready.model_copy(update={"names": wanted_names(NAMED.cluster, ready)})
    assert served_by(FIRST, moved) == ()
    assert wanted_names(NAMED.cluster, moved) == wanted_names(NAMED.cluster, ready)


def test_a_name_that_nobody_wants_any_more_goes() -> None:
    tree = with_names(public_tree(), **{"old.example.com": "10.77.0.99"})
    assert names_plan(tree).title == "take old.example.com out of DNS"
    assert names_plan(tree, FLOATING).title.endswith("; and 4 more")


def test_a_host_of_an_address_that_is_not_published_any_more_goes() -> None:
    tree = with_names(public_tree())
    assert names_plan(tree.model_copy(update={"ingress": {}})).title == f"take {HOST} out of DNS"


def test_a_host_without_a_floating_ip_leads_to_the_ingresses_that_answer() -> None:
    both = (public_ip(FIRST), public_ip(SECOND))
    for silent, addresses in (((), both), ((FIRST,), both[1:]), ((FIRST, SECOND), both)):
        assert wanted_names(NAMED.cluster, public_tree(None, silent=silent))[HOST] == addresses


def test_a_host_leads_to_a_floating_ip_once_somebody_holds_it() -> None:
    tree = public_tree()
    assert wanted_names(BOTH.cluster, tree)[HOST] == (str(PUBLIC),)
    rented = {"public": tree.floating_ips["public"].model_copy(update={"node": None})}
    assert len(wanted_names(BOTH.cluster, tree.model_copy(update={"floating_ips": rented}))[HOST]) == 2


def test_a_floating_ip_is_rented_for_the_first_ingress() -> None:
    found = of_lock(plan(FLOATING, public_tree(None)).changes, "floating-ip-public")
    assert found.title == f"have {FIRST} hold floating IP public"
    assert [planned.step for planned in found.steps] == [HoldFloatingIp(name="public", node=FIRST, location="fsn1")]


def test_it_moves_by_a_plan_of_its_own_while_everything_else_is_busy() -> None:
    tree = public_tree(silent=(FIRST,))
    (found,) = plan(FLOATING, tree, ["machines", "app-influencer", "names"]).changes
    assert found.title == f"move floating IP public from {FIRST} to {SECOND}"
    assert found.locks == ("floating-ip-public",)
    assert len(found.steps) == 1
    assert public_changes(FLOATING, tree, ("floating-ip-public",)) == ()


def test_an_old_holder_that_is_alive_lets_go_once_it_has_moved() -> None:
    elsewhere = manifests(public_yaml(f"floating_ips: {{public: {{nodes: [{SECOND}]}}}}"))
    found = of_lock(plan(elsewhere, public_tree()).changes, "floating-ip-public")
    assert step(found, "settle").step == SettleFloatingIps(nodes=(FIRST,), names=("public",))
    assert step(found, "settle").after == ("hold-public",)


def test_a_holder_that_is_back_lets_go() -> None:
    floated = {FIRST: (str(PUBLIC),), SECOND: (str(PUBLIC),)}
    (found,) = public_changes(FLOATING, public_tree(SECOND, floated=floated))
    assert found.title == f"have {FIRST} let go of floating IP public"
    assert [planned.step for planned in found.steps] == [SettleFloatingIps(nodes=(FIRST,), names=("public",))]


def test_where_nobody_knows_whom_it_leads_to_that_is_seen_first() -> None:
    unsure = {"public": FloatingRecord(ip=PUBLIC, node=FIRST, unsure=True)}
    floated = {FIRST: (str(PUBLIC),), SECOND: (str(PUBLIC),)}
    for dead in ({}, {SECOND: 1.0}):
        tree = public_tree(floated=floated, floating_ips=unsure, dead=dead)
        found = of_lock(plan(FLOATING, tree).changes, "floating-ip-public")
        assert found.title == "see where floating IP public leads to"
        assert [planned.step for planned in found.steps] == [SettleFloatingIps(nodes=(), names=("public",))]


def test_where_it_has_to_move_all_the_same_it_moves() -> None:
    unsure = {"public": FloatingRecord(ip=PUBLIC, node=FIRST, unsure=True)}
    (found,) = public_changes(FLOATING, public_tree(silent=(FIRST,), floating_ips=unsure))
    assert found.title == f"move floating IP public from {FIRST} to {SECOND}"


def test_a_machine_lets_go_of_what_was_given_back() -> None:
    (found,) = public_changes(manifests(public_yaml()), public_tree(floating_ips={}))
    assert found.title == f"have {FIRST} let go of old floating IPs"


def test_a_leaving_ingress_hands_over_and_leaves_dns_before_anything_of_it_goes() -> None:
    removal = plan(SMALLER, with_names(public_tree(SECOND))).removal
    assert [planned.title for planned in removal.steps][:2] == [
        f"move floating IP public from {SECOND} to {FIRST}",
        f"take {SECOND} out of DNS",
    ]
    assert step(removal, "names").step == PointNames(without=(SECOND,))
    for gone in ("leave-overlay", "leave", "destroy"):
        assert {"names", "hold-public"} <= before(removal, f"{gone}-{SECOND}")
    assert "hold-public" in before(removal, "names")
    assert {"machines", "names", "floating-ip-public"} <= set(removal.locks)
    assert public_changes(SMALLER, with_names(public_tree(SECOND))) == ()


def test_a_leaving_ingress_that_holds_nothing_hands_nothing_over() -> None:
    removal = plan(SMALLER, with_names(public_tree(FIRST))).removal
    assert removal.steps[0].step == PointNames(without=(SECOND,))
    assert set(removal.locks) == {"machines", "names"}


def test_where_there_are_no_names_a_removal_is_as_it_was() -> None:
    removal = plan(manifests(CLUSTER_YAML), public_tree(None)).removal
    assert [planned.id for planned in removal.steps] == [
        f"{word}-{SECOND}" for word in ("leave-overlay", "leave", "destroy")
    ]


def test_a_floating_ip_that_nobody_wants_waits_for_leave_until_it_is_given_back() -> None:
    found = plan(NAMED, with_names(public_tree()))
    assert of_lock(found.changes, "names").title.startswith(f"point {HOST} to")
    assert found.removal.title == "give back floating IP public"
    assert [planned.step for planned in found.removal.steps] == [PointNames(), GiveBackFloatingIp(name="public")]
    assert found.removal.losses is not None
    assert found.removal.losses.floating_ips == ("public",)
    assert found.removal.locks == ("names", "floating-ip-public")


def test_one_that_is_wanted_again_is_not_given_back() -> None:
    tree = public_tree()
    removal = plan(NAMED, tree).removal
    approval = Approval(id="1", operation="1", digest=removal.digest(), needed=1, asked=0, expires=9, status="used")
    operation = Operation(
        id="1", revision="a" * 40, plan=removal, origin=Origin(display="x", place="git"), status="running",
        steps={}, created=0,
    )  # fmt: skip
    assert why_not_destroy(operation, approval, removal, tree) == ""
    assert why_not_destroy(operation, approval, Plan(title=""), tree) == (
        "floating IP public is not to be removed any more"
    )
    gone = tree.model_copy(update={"floating_ips": {}})
    assert why_not_destroy(operation, approval, Plan(title=""), gone) == ""
