"""Who is to register itself at the cluster's etcd, and when it is told anew."""

from gitops.enrolment import enrolment_digest, living_by_themselves, wrongly_enrolled
from gitops.plan import plan
from model.registered import EtcdMember, Registered
from model.steps import EnrolNodes
from tests.gitops.flstr import THREE_WORKERS
from tests.gitops.scene import CLUSTER_YAML, manifests, registered

CLUSTER = manifests().cluster
NODES = ("controller001", "ingress016", "worker101", "worker102")


def carried(*members: EtcdMember, tree: Registered | None = None) -> Registered:
    """A cluster whose controllers carry etcd."""
    found = {member.node: member for member in members or (member_at("10.110.0.1"),)}
    return (tree or registered()).model_copy(update={"etcd_members": found, "authority": "a certificate"})


def member_at(address: str, member_id: str = "1", node: str = "controller001") -> EtcdMember:
    return EtcdMember(node=node, address=address, member_id=member_id)


def enrolled(tree: Registered) -> Registered:
    """The same, and every machine was told so."""
    return tree.model_copy(update={"enrolled": dict.fromkeys(tree.nodes, enrolment_digest(tree))})


def enrolments(cluster_yaml: str, tree: Registered) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The steps that enrol: by id, whom, and after what."""
    steps = [step for change in plan(manifests(cluster_yaml), tree).changes for step in change.steps]
    return [(one.id, one.step.nodes, one.after) for one in steps if isinstance(one.step, EnrolNodes)]


def test_where_etcd_runs_elsewhere_nobody_registers_itself() -> None:
    assert wrongly_enrolled(CLUSTER, registered()) == ()
    assert enrolments(CLUSTER_YAML, registered()) == []
    assert living_by_themselves(enrolled(registered())) == frozenset()


def test_every_machine_in_the_controllers_mesh_is_told_once() -> None:
    assert wrongly_enrolled(CLUSTER, carried()) == NODES
    assert enrolments(CLUSTER_YAML, carried()) == [("enrol", NODES, ())]
    assert enrolments(CLUSTER_YAML, enrolled(carried())) == []
    assert living_by_themselves(enrolled(carried())) == frozenset(NODES)


def test_all_are_told_anew_when_a_controller_has_come_and_not_while_it_is_coming() -> None:
    tree = enrolled(carried())
    coming = member_at("10.110.0.2", "", "controller002")
    assert wrongly_enrolled(CLUSTER, carried(member_at("10.110.0.1"), coming, tree=tree)) == ()
    there = carried(member_at("10.110.0.1"), member_at("10.110.0.2", "2", "controller002"), tree=tree)
    assert wrongly_enrolled(CLUSTER, there) == NODES
    assert living_by_themselves(there) == frozenset()


def test_another_authority_is_another_thing_to_know() -> None:
    tree = enrolled(carried())
    assert wrongly_enrolled(CLUSTER, tree.model_copy(update={"authority": "another"})) == NODES


def test_a_dead_machine_is_not_waited_for_and_one_that_is_not_ready_is_told() -> None:
    tree = carried().model_copy(update={"dead": {"worker101": 1.0}, "not_ready": {"worker102": 1.0}})
    assert wrongly_enrolled(CLUSTER, tree) == ("controller001", "ingress016", "worker102")


def test_a_machine_that_joins_is_enrolled_after_that_and_others_do_not_wait_for_it() -> None:
    assert enrolments(THREE_WORKERS, enrolled(carried())) == [("enrol", ("worker103",), ("join",))]
    tree = enrolled(carried()).model_copy(update={"enrolled": {}})
    assert enrolments(THREE_WORKERS, tree) == [
        ("enrol-standing", NODES, ()),
        ("enrol", ("worker103",), ("join",)),
    ]


def test_a_machine_that_is_in_no_mesh_with_the_controllers_has_no_etcd_to_reach() -> None:
    text = CLUSTER_YAML.replace("members: [worker, ingress, service]", "members: [service]")
    assert wrongly_enrolled(manifests(text).cluster, carried()) == ("controller001",)
