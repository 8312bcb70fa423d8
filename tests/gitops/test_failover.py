"""A worker with two ingresses, names and a floating IP: what it does by itself when an ingress falls silent."""

import threading

import pytest

from gitops.again import FIRST_SECONDS
from model import keys
from model.operation import Operation
from model.steps import StartInstance
from tests.gitops.flstr import REVIEWER, Flstr
from tests.gitops.pretend import fail_at
from tests.gitops.public import DNS, FIRST, FLOATING_IP, HOST, SECOND, public_yaml
from tests.gitops.scene import FLOATING, public_ip

BOTH = public_yaml(DNS, FLOATING_IP)


@pytest.fixture
def public(flstr: Flstr) -> Flstr:
    """A cluster that is as it should be, its floating IP with the first ingress."""
    flstr.cluster.push({"cluster.yaml": BOTH})
    assert {operation.status for operation in flstr.settle()} == {"done"}
    return flstr


def fall_silent(flstr: Flstr, node: str = FIRST) -> None:
    flstr.store.put(keys.unreachable(node), "1000.000")


def answer_again(flstr: Flstr, node: str = FIRST) -> None:
    flstr.store.delete(keys.unreachable(node))


def newest(flstr: Flstr, lock: str = "floating-ip-public") -> Operation:
    return [operation for operation in flstr.settle() if lock in operation.plan.locks][-1]


def holder(flstr: Flstr) -> str | None:
    return flstr.registry.read().floating_ips["public"].node


def test_names_and_addresses_are_there_once_the_machines_are(public: Flstr) -> None:
    registered = public.registry.read()
    assert holder(public) == FIRST
    assert registered.names[HOST] == (str(FLOATING),)
    assert registered.names[f"{SECOND}.example.com"] == (public_ip(SECOND),)
    assert not public.look()
    assert "changes nothing" in public.ask("plan")


def test_an_ingress_that_falls_silent_loses_the_address_without_a_new_revision(public: Flstr) -> None:
    fall_silent(public)
    operation = newest(public)
    assert (operation.plan.title, operation.status) == (f"move floating IP public from {FIRST} to {SECOND}", "done")
    assert operation.origin.display == "flstr"
    assert holder(public) == SECOND
    assert not public.look()


def test_one_that_is_back_lets_go_of_it_and_does_not_get_it_back(public: Flstr) -> None:
    fall_silent(public)
    public.settle()
    assert FIRST in public.registry.read().floated
    answer_again(public)
    assert newest(public).plan.title == f"have {FIRST} let go of floating IP public"
    assert FIRST not in public.registry.read().floated
    assert holder(public) == SECOND
    assert "changes nothing" in public.ask("plan")


def test_a_host_that_leads_to_ingresses_loses_the_silent_one(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": public_yaml(DNS)})
    flstr.settle()
    assert flstr.registry.read().names[HOST] == (public_ip(FIRST), public_ip(SECOND))
    fall_silent(flstr)
    assert newest(flstr, "names").plan.title == f"point {HOST} to {public_ip(SECOND)}"
    answer_again(flstr)
    assert newest(flstr, "names").plan.title == f"point {HOST} to {public_ip(FIRST)} and {public_ip(SECOND)}"


def test_it_waits_neither_for_a_deploy_nor_for_what_was_approved(public: Flstr) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait_at_start(step: object) -> None:
        if isinstance(step, StartInstance):
            begun.set()
            assert go_on.wait(180)

    public.pretend.before = wait_at_start
    public.cluster.push({"cluster.yaml": public_yaml(DNS, FLOATING_IP, ingresses=3)})
    public.settle()
    public.cluster.push({"cluster.yaml": BOTH})
    removal = public.settle()[-1]
    public.ask("scale influencer 3")
    while not begun.is_set():
        public.look()
    public.approve(removal, REVIEWER)
    fall_silent(public)
    while holder(public) == FIRST:
        public.look()
    deploy = next(operation for operation in public.operations.unended() if "app-influencer" in operation.plan.locks)
    assert deploy.status == "running"
    go_on.set()
    assert public.settle()[-1].status in ("done", "void")


def test_it_waits_for_no_mending(public: Flstr) -> None:
    with public.worker.dispatch.at_rest() as at_rest:
        assert at_rest
        fall_silent(public)
        public.settle()
        assert holder(public) == SECOND


def test_where_the_cloud_failed_it_is_tried_again_after_a_while(public: Flstr) -> None:
    public.pretend.before = fail_at("floating_ip.hold")
    fall_silent(public)
    failed = newest(public)
    assert failed.status == "failed"
    assert newest(public).id == failed.id
    public.pretend.before = lambda _: None
    public.now[0] += FIRST_SECONDS
    assert newest(public).status == "done"
    assert holder(public) == SECOND


def test_where_the_cloud_failed_it_is_tried_again_while_a_deploy_runs(public: Flstr) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(step: object) -> None:
        if isinstance(step, StartInstance):
            begun.set()
            assert go_on.wait(180)

    def wait_and_fail(step: object) -> None:
        wait(step)
        fail_at("floating_ip.hold")(step)

    public.pretend.before = wait_and_fail
    public.ask("scale influencer 3")
    while not begun.is_set():
        public.look()
    fall_silent(public)
    while "failed" not in {operation.status for operation in public.operations.all()}:
        public.look()
    for _ in range(10):
        public.look()
    public.pretend.before = wait
    public.now[0] += FIRST_SECONDS
    while holder(public) == FIRST:
        public.look()
    assert any(operation.status == "running" for operation in public.operations.unended())
    go_on.set()
    public.settle()


def test_with_nobody_else_it_stays(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": public_yaml(FLOATING_IP, ingresses=1)})
    flstr.settle()
    fall_silent(flstr)
    before = len(flstr.settle())
    assert holder(flstr) == FIRST
    assert len(flstr.settle()) == before


def test_an_ingress_that_leaves_hands_the_address_over_first(public: Flstr) -> None:
    fall_silent(public)
    public.settle()
    answer_again(public)
    public.settle()
    public.cluster.push({"cluster.yaml": public_yaml(DNS, FLOATING_IP, ingresses=1)})
    removal = public.settle()[-1]
    assert removal.status == "awaiting_approval"
    assert holder(public) == SECOND
    public.pretend.done.clear()
    public.approve(removal, REVIEWER)
    assert public.settle()[-1].status == "done"
    assert public.pretend.done == [
        "floating_ip.hold", "names.point", "overlay.leave", "mesh.leave", "node.destroy"
    ]  # fmt: skip
    registered = public.registry.read()
    assert holder(public) == FIRST
    assert f"{SECOND}.example.com" not in registered.names
    assert not {SECOND} & (registered.floated.keys() | registered.unreachable.keys())
    assert "changes nothing" in public.ask("plan")


def test_a_machine_that_comes_by_an_old_name_holds_nothing_yet(public: Flstr) -> None:
    public.registry.forget_node(FIRST)
    record = public.registry.read().floating_ips["public"]
    assert (record.ip, record.node) == (FLOATING, None)


def test_a_floating_ip_is_given_back_by_leave_only(public: Flstr) -> None:
    public.cluster.push({"cluster.yaml": public_yaml(DNS)})
    removal = public.settle()[-1]
    assert (removal.plan.title, removal.status) == ("give back floating IP public", "awaiting_approval")
    assert public.registry.read().names[HOST] == (public_ip(FIRST), public_ip(SECOND))
    assert "floating IP public" in public.ask("plan")
    approval = public.operations.approval(removal.id)
    assert approval is not None
    assert approval.authors == ("developer",)
    public.approve(removal, REVIEWER)
    titles = [operation.plan.title for operation in public.settle()]
    assert titles[-1] == f"have {FIRST} let go of old floating IPs"
    registered = public.registry.read()
    assert registered.floating_ips == {}
    assert registered.floated == {}


def test_without_dns_in_the_manifest_the_names_go(public: Flstr) -> None:
    public.cluster.push({"cluster.yaml": public_yaml(FLOATING_IP)})
    assert newest(public, "names").plan.title.endswith("out of DNS; and 3 more")
    assert public.registry.read().names == {}


def test_a_name_that_was_left_to_its_owner_is_tried_anew_after_a_sync(public: Flstr) -> None:
    public.store.put(keys.left_name(HOST), "somebody else's")
    assert not public.look()
    assert "somebody else's" in public.ask("status")
    public.ask("sync")
    assert newest(public, "names").plan.title == f"point {HOST} to {FLOATING}"
    assert public.registry.read().left_names == {}


def test_status_says_who_holds_it_and_who_is_silent(public: Flstr) -> None:
    fall_silent(public)
    public.settle()
    said = public.ask("status")
    assert f"• public: {FLOATING}, held by {SECOND}" in said
    assert f"{FIRST} (ingress, {public_ip(FIRST)}), has not answered requests for" in said
