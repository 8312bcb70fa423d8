"""The plan of a bootstrap: what is left to do, in its order, and the same whenever it is asked for."""

from gitops.control import control_digest, etcd_endpoints
from gitops.installed import installed_as, wrongly_installed
from gitops.plan.bootstrap import bootstrap_plan
from gitops.plan.installs import add_installs
from gitops.plan.rollout import StepList
from model.cluster import Cluster
from model.registered import EtcdMember, NodeRecord, Registered
from model.steps import CreateNode

CLUSTER = Cluster.model_validate(
    {
        "cluster": "small",
        "pools": {
            "controller": {"role": "controller", "count": 3},
            "worker": {"role": "worker", "count": 2},
        },
        "meshes": {
            "vpn_ctrl": {"subnet": "10.110.0.0/24", "port": 655, "hubs": ["controller"], "members": ["worker"]},
        },
    }
)
NODES = ("controller101", "controller102", "controller103")


def joined(*nodes: str) -> Registered:
    records = {
        node: NodeRecord(
            name=node, ip=f"192.0.2.{at}", services=(), role="controller", pool="controller",
            addresses={"vpn_ctrl": f"10.110.0.{at}"},
        )
        for at, node in enumerate(nodes, 1)
    }  # fmt: skip
    return Registered(nodes=records)


def with_etcd(*nodes: str) -> Registered:
    members = {
        node: EtcdMember(node=node, address=f"10.110.0.{at}", member_id=f"{at}") for at, node in enumerate(nodes, 1)
    }
    return joined(*nodes).model_copy(update={"etcd_members": members})


def order(registered: Registered) -> dict[str, tuple[str, ...]]:
    return {step.id: step.after for step in bootstrap_plan(CLUSTER, registered).steps}


def test_from_nothing_to_the_hand_over_and_controllers_alone() -> None:
    creates = tuple(f"create-{node}" for node in NODES)
    installs = tuple(f"install-{node}" for node in NODES)
    assert order(Registered()) == {
        **dict.fromkeys(creates, ()),
        "join": creates,
        **{f"install-{node}": (f"create-{node}",) for node in NODES},
        "etcd": ("join",),
        "hand-over": ("etcd", *installs, "join"),
    }


def test_controllers_stand_on_hardware_of_their_own() -> None:
    steps = [planned.step for planned in bootstrap_plan(CLUSTER, Registered()).steps]
    assert [step.spread for step in steps if isinstance(step, CreateNode)] == [True, True, True]


def test_what_is_there_is_not_rented_again() -> None:
    left = order(joined(*NODES[:2]))
    assert [step for step in left if step.startswith("create-")] == ["create-controller103"]
    assert left["install-controller101"] == ()


def test_an_etcd_that_runs_is_not_founded_again() -> None:
    assert order(with_etcd(*NODES)) == {
        **{f"install-{node}": () for node in NODES},
        "hand-over": tuple(f"install-{node}" for node in NODES),
    }


def test_the_same_state_gives_the_same_plan() -> None:
    assert bootstrap_plan(CLUSTER, joined(*NODES)).digest() == bootstrap_plan(CLUSTER, joined(*NODES)).digest()


def test_a_controller_asks_its_own_member_first() -> None:
    assert etcd_endpoints(with_etcd(*NODES), "controller102") == (
        "https://10.110.0.2:2379",
        "https://10.110.0.1:2379",
        "https://10.110.0.3:2379",
    )


def test_controllers_that_know_other_members_are_installed_anew() -> None:
    two, three = with_etcd(*NODES[:2]), with_etcd(*NODES)
    assert control_digest(two) != control_digest(three)
    known = {node: installed_as("0123456789abcdef", two) for node in NODES[:2]}
    assert wrongly_installed(two.model_copy(update={"installed": known})) == ()
    assert wrongly_installed(three.model_copy(update={"installed": known})) == NODES[:2]


def told(registered: Registered) -> dict[str, tuple[str, ...]]:
    steps = StepList()
    add_installs(steps, CLUSTER, registered)
    return {step.title: step.after for step in steps.all()}


def test_controllers_are_told_of_new_members_one_after_the_other() -> None:
    known = {node: installed_as("0123456789abcdef", with_etcd(*NODES[:2])) for node in NODES}
    three = with_etcd(*NODES).model_copy(update={"installed": known})
    assert told(three) == {
        "tell flstr on controller101 where etcd is": (),
        "tell flstr on controller102 where etcd is": ("install-controller101",),
        "tell flstr on controller103 where etcd is": ("install-controller102",),
    }
    assert len(told(three.model_copy(update={"not_ready": {"controller102": 1.0}}))) == 2


def test_whoever_knows_the_members_is_left_alone_and_so_is_a_cluster_whose_etcd_is_elsewhere() -> None:
    known = {node: installed_as("0123456789abcdef", with_etcd(*NODES)) for node in NODES}
    assert told(with_etcd(*NODES).model_copy(update={"installed": known})) == {}
    assert told(joined(*NODES)) == {}
