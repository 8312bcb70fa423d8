"""What the card says before somebody decides."""

from decimal import Decimal

from gitops.facts import facts, gather
from gitops.manifests import load
from gitops.plan import plan
from gitops.store import Member, Store
from model.errors import StepFailed
from model.names import ClusterName
from model.registered import Orphan, Registered
from model.steps import Losses, Plan, PlannedStep, RemoveEtcdMember
from tests.gitops.scene import CLUSTER_YAML, files, instance, manifests, public_ip, registered, spec

MEMBERS = tuple(Member(f"etcd{n}", (f"http://{address}:2380",)) for n, address in enumerate(["10.0.0.1", "10.0.0.2"]))


def said(removal: Plan, tree: Registered, **known: object) -> dict[str, str]:
    found = facts(removal, tree, **{"costs": None, "members": None, **known})  # type: ignore[arg-type]
    return {fact.title: fact.text for fact in found}


def removal_of_worker() -> tuple[Plan, Registered]:
    """worker103 goes, and runs an instance that has to move."""
    there = {f"1-{spec()}": instance("worker101"), f"2-{spec()}": instance("worker103", port=20001)}
    tree = registered(workers=3, instances=there)
    return plan(manifests(), tree).removal, tree


def test_a_machine_that_goes() -> None:
    removal, tree = removal_of_worker()
    found = said(removal, tree, costs={"worker103": Decimal("4.51")}, members=MEMBERS)
    assert list(found) == [
        "Cost a month", "Instances that move", "Routes left", "Mesh peers after", "etcd members after",
    ]  # fmt: skip
    assert found["Cost a month"] == "4.51 € less"
    assert found["Instances that move"] == f"influencer 2-{spec()} from worker103 to worker102"
    assert found["Routes left"] == "influencer 2 on 2 machines"
    assert found["Mesh peers after"] == "vpn_ctrl 4 of 5; vpn_ingr 3 of 4; overlay 3 of 4"
    assert found["etcd members after"] == "2 of 2"


def test_what_the_cloud_and_etcd_do_not_say_is_said() -> None:
    found = said(*removal_of_worker())
    assert found["Cost a month"] == "the cloud does not say what is saved"
    assert found["etcd members after"] == "etcd does not say"


def test_a_server_that_nobody_knows_saves_as_much_as_a_machine() -> None:
    lost = Orphan(kind="server", id=42, name="worker107", since=0)
    tree = registered(instances={f"1-{spec()}": instance("worker101"), f"2-{spec()}": instance("worker102")})
    tree = tree.model_copy(update={"orphans": {"server-42": lost}})
    found = said(plan(manifests(), tree).removal, tree, costs={"worker107": Decimal("3.79")})
    assert found == {"Cost a month": "3.79 € less", "Instances that move": "none"}


def test_machines_of_which_the_cloud_knows_only_some() -> None:
    tree = registered(workers=4)
    found = said(plan(manifests(), tree).removal, tree, costs={"worker103": Decimal(5)})
    assert found["Cost a month"] == "5.00 € less; the cloud does not say for worker104"


def test_a_controller_takes_its_etcd_with_it() -> None:
    tree = registered(workers=2)
    without = CLUSTER_YAML.replace("    count: 1\n    first: 1\n", "    count: 0\n    first: 1\n")
    removal = plan(load(files({"cluster.yaml": without})), tree).removal
    assert removal.losses is not None
    assert removal.losses.nodes == ("controller001",)
    three = (*MEMBERS, Member("third", (f"http://{public_ip('controller001')}:2380",)))
    assert said(removal, tree, members=three)["etcd members after"] == "2 of 3, which stand no failure; third goes"
    alone = (three[-1],)
    assert "too few to go on" in said(removal, tree, members=alone)["etcd members after"]


def test_controllers_that_are_taken_out_of_etcd_one_after_the_other_leave_a_smaller_one() -> None:
    nodes = ("controller001", "controller003")
    steps = [PlannedStep(id=node, title=node, step=RemoveEtcdMember(node=node)) for node in nodes]
    removal = Plan(title="destroy both", steps=tuple(steps), losses=Losses(nodes=nodes))
    three = [Member(f"controller00{number}", (f"https://10.110.0.{number}:2380",)) for number in (1, 2, 3)]
    found = said(removal, registered(workers=2), members=three)["etcd members after"]
    assert found == "1 of 3, which stands no failure; controller001, controller003 go"
    killed = removal.model_copy(update={"steps": ()})
    assert "too few to go on" in said(killed, registered(workers=2), members=three)["etcd members after"]


def test_an_app_that_goes_leaves_no_route() -> None:
    tree = registered(workers=2, instances={f"1-{spec()}": instance("worker101")})
    removal = plan(load({"cluster.yaml": CLUSTER_YAML}), tree).removal
    assert said(removal, tree) == {"Instances that move": "none", "Routes left": "influencer none"}


def test_an_ingress_that_goes_leaves_others() -> None:
    tree = registered(workers=2)
    without = CLUSTER_YAML.replace("    role: ingress\n    count: 1\n", "    role: ingress\n    count: 0\n")
    removal = plan(load({"cluster.yaml": without}), tree).removal
    assert said(removal, tree)["Ingresses left"] == "none: the public reaches no app"


def test_they_are_gathered_from_a_real_etcd_and_a_cloud_that_is_away(store: Store) -> None:
    removal, tree = removal_of_worker()

    def away(_cluster: ClusterName, _nodes: object) -> dict[str, Decimal]:
        raise StepFailed("no answer")

    found = {fact.title: fact.text for fact in gather(removal, tree, "flstr-lab", away, store)}
    assert found["etcd members after"] == "1 of 1"
    assert found["Cost a month"] == "the cloud does not say what is saved"
