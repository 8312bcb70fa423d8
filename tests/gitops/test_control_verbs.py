"""What people and merged manifests may ask of the controllers that carry etcd."""

from model import keys
from model.registered import EtcdMember
from tests.gitops.flstr import REVIEWER, Flstr
from tests.gitops.scene import CLUSTER_YAML

CONTROLLERS = ("controller001", "controller002", "controller003")
THREE = CLUSTER_YAML.replace("    count: 1\n    first: 1\n", "    count: 3\n    first: 1\n")
TWO = THREE.replace("    count: 3\n    first: 1\n", "    count: 2\n    first: 1\n    without: [controller001]\n")
# A mesh whose only hubs are controllers cannot be without them anyhow.
NONE = THREE.replace("    count: 3\n    first: 1\n", "    count: 0\n    first: 1\n").replace(
    "    hubs: [controller]\n    members: [worker, ingress, service]\n",
    "    hubs: [controller, ingress]\n    members: [worker, service]\n",
)
WHY = (
    "controller001 has to stay: without controller001 1 of etcd's 2 members would live, and 2 are needed; "
    "bring controller003 back, or destroy that first"
)


def carried(flstr: Flstr, *, dead: bool) -> None:
    """Three controllers that carry etcd, of which the last one may be dead."""
    flstr.cluster.push({"cluster.yaml": THREE})
    flstr.settle()
    for number, node in enumerate(CONTROLLERS, start=1):
        member = EtcdMember(node=node, address=f"10.110.0.{number}", member_id=f"{number}")
        flstr.store.write({keys.etcd_member(node): member.to_json(), keys.installed(node): "v1"})
    if dead:
        flstr.store.put(keys.dead("controller003"), "1.0")


def test_a_controller_that_etcd_needs_is_neither_destroyed_nor_planned_to_be(flstr: Flstr) -> None:
    carried(flstr, dead=True)
    before = flstr.cluster.file("cluster.yaml")
    assert flstr.ask("destroy controller001") == WHY
    assert flstr.ask("plan destroy controller001", REVIEWER) == WHY
    assert "no machine of role controller" in flstr.ask("scale controller 0")
    assert flstr.cluster.file("cluster.yaml") == before


def test_the_dead_one_and_one_that_can_be_spared_may_go(flstr: Flstr) -> None:
    carried(flstr, dead=True)
    assert "After an approval: destroy controller003" in flstr.ask("plan destroy controller003")
    flstr.store.delete(keys.dead("controller003"))
    assert "After an approval: destroy controller001" in flstr.ask("plan destroy controller001")


def test_of_a_merged_manifest_the_channel_hears_once_what_stays(flstr: Flstr) -> None:
    carried(flstr, dead=True)
    flstr.settle()
    asked = len(flstr.operations.all())
    flstr.cluster.push({"cluster.yaml": TWO})
    for _ in range(2):
        flstr.settle()
        flstr.worker.following.unsettle()
    assert sum(WHY in notice for notice in flstr.notices()) == 1
    assert len(flstr.operations.all()) == asked
    assert WHY in flstr.ask("plan", REVIEWER)


def test_a_merged_manifest_without_controllers_is_not_followed(flstr: Flstr) -> None:
    carried(flstr, dead=False)
    flstr.cluster.push({"cluster.yaml": NONE})
    flstr.settle()
    assert any("the manifests have no controller left" in notice for notice in flstr.notices())
    assert "is not followed" in flstr.ask("status")
