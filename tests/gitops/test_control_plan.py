"""Controllers come into etcd and leave it; whatever the order of steps, enough of its members live."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.control import control_digest, etcd_endpoints
from gitops.lint import check
from gitops.lint_control import controller_warnings
from gitops.manifests import FaultyManifests, Manifests, load
from gitops.plan import plan
from gitops.plan.control import departures, wanted_controllers, why_breaks_quorum, why_waits
from gitops.standing import check_standing
from gitops.verbs.change import Change, rehearse
from model.errors import Refused
from model.names import NodeName
from model.registered import EtcdMember, HostRecord, NodeRecord, Registered
from model.steps import (
    AddEtcdMember,
    CreateNode,
    DestroyNode,
    InstallController,
    LeaveMeshes,
    Plan,
    PlannedStep,
    RemoveEtcdMember,
    RetireController,
)

ONE, TWO, THREE, FOUR, FIVE = (f"controller00{number}" for number in range(1, 6))


def cluster_files(count: int, without: tuple[NodeName, ...] = ()) -> dict[str, str]:
    lines = [
        "cluster: test",
        "pools:",
        f"  controller: {{role: controller, count: {count}, first: 1, without: [{', '.join(without)}]}}",
        "  worker: {role: worker, count: 0}",
        "meshes:",
        "  vpn_ctrl: {subnet: 10.110.0.0/24, port: 760, hubs: [controller], members: [worker]}",
    ]
    return {"cluster.yaml": "\n".join(lines) + "\n"}


def wants(count: int, without: tuple[NodeName, ...] = ()) -> Manifests:
    return load(cluster_files(count, without))


def address(node: NodeName) -> str:
    return f"10.110.0.{int(node[-3:])}"


def member(node: NodeName, member_id: str = "abc") -> EtcdMember:
    return EtcdMember(node=node, address=address(node), member_id=member_id)


def carried(*members: NodeName, dead: tuple[NodeName, ...] = (), others: tuple[NodeName, ...] = ()) -> Registered:
    """Controllers of which some carry etcd, and some have joined only."""
    nodes = (*members, *others)
    return Registered(
        nodes={node: _node(node) for node in nodes},
        hosts={node: HostRecord(node=node, host_key="ssh-ed25519 AAAA") for node in nodes},
        etcd_members={node: member(node) for node in members},
        installed=dict.fromkeys(nodes, "v1"),
        dead=dict.fromkeys(dead, 1.0),
    )


def _node(node: NodeName) -> NodeRecord:
    at = address(node)
    return NodeRecord(name=node, ip=at, services=(), role="controller", pool="controller", addresses={"vpn_ctrl": at})


def control_steps(what: Plan) -> list[str]:
    kinds = (InstallController, RetireController, AddEtcdMember, RemoveEtcdMember, CreateNode, LeaveMeshes, DestroyNode)
    return [planned.id for planned in what.steps if isinstance(planned.step, kinds)]


def after(what: Plan, step_id: str) -> tuple[str, ...]:
    return next(planned.after for planned in what.steps if planned.id == step_id)


def test_new_controllers_come_into_etcd_one_after_the_other_once_they_have_joined() -> None:
    change = plan(wants(3), carried(ONE)).change
    assert control_steps(change) == [
        f"create-{TWO}",
        f"create-{THREE}",
        f"install-{TWO}",
        f"etcd-{TWO}",
        f"install-{THREE}",
        f"etcd-{THREE}",
    ]
    assert after(change, f"install-{TWO}") == (f"create-{TWO}", "join")
    assert after(change, f"etcd-{TWO}") == (f"install-{TWO}", "join")
    assert after(change, f"etcd-{THREE}") == (f"etcd-{TWO}", f"install-{THREE}", "join")
    assert change.locks == ("machines",)


def test_one_that_has_joined_and_whose_addition_was_interrupted_comes_in() -> None:
    tree = carried(ONE, others=(TWO, THREE))
    begun = {**tree.etcd_members, TWO: member(TWO, member_id="")}
    change = plan(wants(3), tree.model_copy(update={"etcd_members": begun})).change
    assert control_steps(change) == [f"etcd-{TWO}", f"etcd-{THREE}"]
    assert f"have {TWO}, {THREE} carry etcd" in change.title


def test_a_cluster_whose_etcd_is_elsewhere_has_no_such_steps() -> None:
    tree = carried(others=(ONE, TWO))
    plans = plan(wants(1), tree)
    assert not [step for step in control_steps(plans.change) if step.startswith(("etcd", "install"))]
    assert control_steps(plans.removal) == [f"leave-{TWO}", f"destroy-{TWO}"]
    assert plan(wants(0), tree).stays == ()


def test_controllers_leave_one_after_the_other_the_dead_first_and_out_of_etcd_before_their_meshes() -> None:
    removal = plan(wants(1), carried(ONE, TWO, THREE, FOUR, FIVE, dead=(FIVE,))).removal
    assert control_steps(removal)[:5] == [
        f"retire-{FIVE}",
        f"etcd-without-{FIVE}",
        f"leave-{FIVE}",
        f"destroy-{FIVE}",
        f"retire-{TWO}",
    ]
    assert after(removal, f"etcd-without-{FIVE}") == (f"retire-{FIVE}",)
    assert after(removal, f"leave-{FIVE}") == (f"etcd-without-{FIVE}",)
    assert after(removal, f"retire-{TWO}") == (f"leave-{FIVE}",)
    assert removal.losses is not None
    assert removal.losses.nodes == (FIVE, TWO, THREE, FOUR)


def test_one_that_etcd_cannot_do_without_stays_and_the_sentence_says_what_would_be_right() -> None:
    tree = carried(ONE, TWO, THREE, dead=(THREE,))
    plans = plan(wants(2, without=(ONE,)), tree)
    assert plans.removal.steps == ()
    assert plans.stays == (
        f"{ONE} has to stay: without {ONE} 1 of etcd's 2 members would live, and 2 are needed; "
        f"bring {THREE} back, or destroy that first",
    )
    assert plan(wants(2), tree).removal.losses is not None


def test_while_a_member_is_silent_no_other_comes_in_and_it_goes_first() -> None:
    tree = carried(ONE, TWO, THREE, dead=(TWO,))
    replaced = plan(wants(3, without=(TWO,)), tree)
    assert control_steps(replaced.change) == [f"create-{FOUR}", f"install-{FOUR}"]
    assert control_steps(replaced.removal)[1] == f"etcd-without-{TWO}"
    assert replaced.stays == (
        f"{FOUR} cannot come into etcd while {TWO} is silent, for etcd takes no member then; "
        "that goes once it is approved",
    )
    assert "bring it back" in why_waits(wants(5).cluster, tree)


def test_the_only_member_waits_for_its_successor() -> None:
    plans = plan(wants(1, without=(ONE,)), carried(ONE))
    assert control_steps(plans.change) == [f"create-{TWO}", f"install-{TWO}", f"etcd-{TWO}"]
    assert (plans.removal.steps, plans.stays) == ((), ())
    assert control_steps(plan(wants(1, without=(ONE,)), carried(ONE, TWO)).removal)[0] == f"retire-{ONE}"


def test_a_manifest_without_controllers_is_refused_where_they_carry_etcd() -> None:
    files, tree = cluster_files(0), carried(ONE)
    with pytest.raises(FaultyManifests, match="the manifests have no controller left"):
        check_standing(files, load(files), tree, None)
    check_standing(files, load(files), carried(others=(ONE,)), None)


def test_a_verb_that_would_break_the_quorum_is_refused_before_anything_is_committed() -> None:
    def write(files: object) -> dict[str, str]:
        return cluster_files(2, without=(ONE,))

    change = Change(write=write, subject="", done=str, nothing="")
    with pytest.raises(Refused, match=f"{ONE} has to stay"):
        rehearse(change, cluster_files(3), carried(ONE, TWO, THREE, dead=(THREE,)))
    assert rehearse(change, cluster_files(3), carried(ONE, TWO, THREE)).plans.removal.steps
    # What is so already is no fault of a verb.
    rehearse(change, cluster_files(2, without=(ONE,)), carried(ONE, TWO, THREE, dead=(THREE,)))


@pytest.mark.parametrize(("count", "warned"), [(1, False), (2, True), (3, False), (4, True)])
def test_an_even_number_of_controllers_is_warned_of(count: int, warned: bool) -> None:
    files = cluster_files(count)
    found = controller_warnings(files, check(files))
    assert [str(one) for one in found] == (
        [f"cluster.yaml:3: {count} controllers endure no more losses than {count - 1}; take an odd number"]
        if warned
        else []
    )


def test_endpoints_are_those_of_full_members_and_begin_with_ones_own() -> None:
    tree = carried(ONE, TWO, THREE)
    begun = tree.model_copy(update={"etcd_members": {**tree.etcd_members, FOUR: member(FOUR, member_id="")}})
    assert etcd_endpoints(begun, first=TWO) == (
        "https://10.110.0.2:2379",
        "https://10.110.0.1:2379",
        "https://10.110.0.3:2379",
    )
    assert control_digest(begun) == control_digest(tree)
    assert control_digest(tree) != control_digest(carried(ONE, TWO))


class Etcd:
    """The members, as steps change them; each change has to leave enough that live, as etcd itself wants it."""

    def __init__(self, tree: Registered) -> None:
        self.tree = tree
        self.voters = set(tree.etcd_members)

    def carry_out(self, steps: tuple[PlannedStep, ...], choose: st.DataObject) -> None:
        """Every step after those that it waits for, in any order that allows."""
        left = {planned.id: planned for planned in steps}
        while left:
            ready = sorted(name for name, planned in left.items() if not left.keys() & set(planned.after))
            self._one(left.pop(choose.draw(st.sampled_from(ready))))
            living = self.voters - self.tree.dead.keys()
            assert len(living) > len(self.voters) // 2

    def _one(self, planned: PlannedStep) -> None:
        match planned.step:
            case AddEtcdMember(node=node):
                assert not self.voters & self.tree.dead.keys()
                assert node in self.tree.nodes
                self.voters.add(node)
                self._update(etcd_members={**self.tree.etcd_members, node: member(node)})
            case RemoveEtcdMember(node=node):
                self.voters.remove(node)
                self._update(etcd_members={n: one for n, one in self.tree.etcd_members.items() if n != node})
            case CreateNode(node=node):
                self._update(nodes={**self.tree.nodes, node: _node(node)})
            case InstallController(node=node):
                self._update(installed={**self.tree.installed, node: "v1"})
            case DestroyNode(node=node):
                assert node not in self.voters
                self._update(
                    nodes={n: one for n, one in self.tree.nodes.items() if n != node},
                    hosts={n: one for n, one in self.tree.hosts.items() if n != node},
                    dead={n: one for n, one in self.tree.dead.items() if n != node},
                )

    def _update(self, **fields: object) -> None:
        self.tree = self.tree.model_copy(update=fields)

    def settle(self, manifests: Manifests, choose: st.DataObject) -> None:
        """Changes, then what was approved, until neither does anything to controllers any more."""
        for _ in range(10):
            plans = plan(manifests, self.tree)
            if control_steps(plans.change):
                self.carry_out(plans.change.steps, choose)
            elif control_steps(plans.removal):
                self.carry_out(plans.removal.steps, choose)
            else:
                return
        pytest.fail("it does not come to rest")


NAMES = st.sampled_from([f"controller00{number}" for number in range(1, 8)])


@settings(max_examples=50, deadline=None)
@given(st.data(), st.sets(NAMES, min_size=1, max_size=5), st.integers(1, 5), st.sets(NAMES, max_size=2))
def test_no_order_of_steps_ever_leaves_fewer_living_members_than_a_quorum(
    data: st.DataObject, members: set[NodeName], count: int, without: set[NodeName]
) -> None:
    dead = data.draw(st.sets(st.sampled_from(sorted(members)), max_size=(len(members) - 1) // 2))
    manifests = wants(count, tuple(sorted(without)))
    etcd = Etcd(carried(*sorted(members), dead=tuple(sorted(dead))))
    etcd.settle(manifests, data)
    wanted = set(wanted_controllers(manifests.cluster))
    if not wanted & dead:
        assert etcd.voters == wanted
    else:
        found = plan(manifests, etcd.tree)
        assert etcd.voters == wanted or found.stays
        assert set(departures(manifests.cluster, etcd.tree).staying) == etcd.voters - wanted
        assert bool(etcd.voters - wanted) == bool(why_breaks_quorum(manifests.cluster, etcd.tree))


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_one_to_three_to_five_and_back(data: st.DataObject) -> None:
    etcd = Etcd(carried(ONE))
    for count in (3, 5, 3, 1):
        etcd.settle(wants(count), data)
        assert etcd.voters == {ONE, TWO, THREE, FOUR, FIVE} & set(wanted_controllers(wants(count).cluster))
        assert len(etcd.voters) == count
