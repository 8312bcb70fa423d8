"""A machine that is silent is taken out of the routing, then its instances are started elsewhere, and back they come."""

from collections import Counter

import pytest

from executors.liveness import Liveness
from executors.routing_files import routing_files
from gitops.routed import routing_digest
from model import keys
from model.operation import Notice
from model.registered import EtcdMember
from model.steps import Step
from tests.gitops.flstr import THREE_WORKERS, Flstr


class Scene:
    """A cluster that stands, whose machines register themselves; the clock is the test's."""

    def __init__(self, flstr: Flstr) -> None:
        self.flstr, self.now, self.reachable = flstr, 1000.0, set[str]()
        flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
        flstr.settle()
        carries = EtcdMember(node="controller001", address="10.110.0.1", member_id="1")
        flstr.store.put(keys.etcd_member("controller001"), carries.to_json())
        flstr.worker.following.unsettle()
        flstr.settle()
        self.nodes = sorted(flstr.registry.read().nodes)
        for node in self.nodes:
            self.lives(node)
        self.liveness = Liveness(flstr.registry, self.reachable.__contains__, flstr.worker.wake, clock=lambda: self.now)
        stop = flstr.pretend.act["instance.stop"]

        def stop_where_reached(step: Step, context: object) -> None:
            if step.kind == "instance.stop" and step.node in self.reachable:
                stop(step, context)  # type: ignore[arg-type]

        flstr.pretend.act["instance.stop"] = stop_where_reached
        self.look(0)

    def lives(self, node: str) -> None:
        self.reachable.add(node)
        self.flstr.store.put(keys.alive(node), "{}")

    def dies(self, *nodes: str) -> None:
        self.reachable -= set(nodes)
        self.flstr.store.delete(*map(keys.alive, nodes))

    def look(self, after: float) -> None:
        """The machines are looked at, and the worker does what follows from it."""
        self.now += after
        self.liveness.look()
        self.flstr.settle()

    def where(self) -> dict[str, int]:
        instances = self.flstr.registry.read().apps["backend", "influencer"].instances
        return dict(sorted(Counter(record.node for record in instances.values()).items()))

    def routed(self) -> set[str]:
        """The machines to whose instances the ingress sends requests; its routing is what it is to be."""
        tree = self.flstr.registry.read()
        assert tree.routed["ingress016"] == routing_digest(tree, "ingress016")
        haproxy = routing_files(tree, "ingress016").haproxy
        instances = tree.apps["backend", "influencer"].instances
        return {record.node for name, record in instances.items() if f"server {name} " in haproxy}

    def said(self) -> list[str]:
        found = sorted(map(Notice.model_validate_json, self.flstr.notices()), key=lambda notice: notice.at)
        return [notice.text for notice in found]


@pytest.fixture
def scene(flstr: Flstr) -> Scene:
    return Scene(flstr)


def test_not_ready_then_dead_then_back(scene: Scene) -> None:
    assert scene.where() == {"worker101": 1, "worker102": 1}
    assert scene.routed() == {"worker101", "worker102"}
    scene.dies("worker102")
    scene.look(5)
    scene.look(29)
    assert scene.routed() == {"worker101", "worker102"}
    scene.look(1)
    # It keeps its instance, which gets no traffic.
    assert scene.routed() == {"worker101"}
    assert scene.where() == {"worker101": 1, "worker102": 1}
    assert "worker102 (worker, 10.77.0.102), 1 instance, NotReady for " in scene.flstr.ask("status")
    scene.look(89)
    assert scene.where() == {"worker101": 1, "worker102": 1}
    scene.look(1)
    assert scene.where() == {"worker101": 1, "worker103": 1}
    assert scene.routed() == {"worker101", "worker103"}
    assert "has not answered for" in scene.flstr.ask("nodes")
    scene.lives("worker102")
    scene.look(5)
    tree = scene.flstr.registry.read()
    assert (tree.dead, tree.not_ready) == ({}, {})
    assert tree.routed["worker102"] == routing_digest(tree, "worker102")
    assert "changes nothing" in scene.flstr.ask("plan")
    assert [text.partition(" (")[0] for text in scene.said()] == [
        ":warning: worker102 is NotReady: it has not answered for 30 seconds; its instances get no traffic.",
        ":warning: worker102 has not answered for 2 minutes; its instances are started on other machines.",
        ":white_check_mark: worker102 answers again, after 2 minutes.",
    ]


def test_one_that_is_back_in_time_has_its_traffic_again_and_nothing_has_moved(scene: Scene) -> None:
    scene.dies("worker102")
    scene.look(5)
    scene.look(30)
    assert scene.routed() == {"worker101"}
    scene.lives("worker102")
    scene.look(5)
    assert scene.routed() == {"worker101", "worker102"}
    assert scene.where() == {"worker101": 1, "worker102": 1}
    assert scene.flstr.pretend.done.count("instance.start") == 2


def test_nothing_new_is_started_on_one_that_is_not_ready(scene: Scene) -> None:
    scene.dies("worker103")
    scene.look(5)
    scene.look(30)
    scene.flstr.ask("scale influencer 4")
    scene.flstr.settle()
    assert scene.where() == {"worker101": 2, "worker102": 2}


def test_where_every_instance_of_an_app_is_on_silent_machines_they_stay_in_the_routing(scene: Scene) -> None:
    scene.dies("worker101", "worker102")
    scene.look(5)
    scene.look(30)
    assert set(scene.flstr.registry.read().not_ready) == {"worker101", "worker102"}
    assert scene.routed() == {"worker101", "worker102"}


def test_where_half_the_cluster_is_silent_it_is_the_network_and_flstr_says_so_instead_of_acting(scene: Scene) -> None:
    operations = len(scene.flstr.operations.all())
    scene.dies("worker101", "worker102", "ingress016")
    for _ in range(40):
        scene.look(5)
    assert scene.routed() == {"worker101", "worker102"}
    assert scene.where() == {"worker101": 1, "worker102": 1}
    assert len(scene.flstr.operations.all()) == operations
    (said,) = scene.said()
    assert said.startswith(":warning: 3 of 5 machines do not answer at once, so it is the network")
    for node in scene.nodes:
        scene.lives(node)
    scene.look(5)
    assert len(scene.said()) == 1


def test_where_half_the_cluster_dies_one_after_the_other_the_last_of_them_are_not_acted_upon(scene: Scene) -> None:
    scene.dies("worker101", "worker102")
    for after in (5, 30, 90):
        scene.look(after)
    assert scene.where() == {"worker103": 2}
    scene.dies("worker103")
    for _ in range(30):
        scene.look(5)
    tree = scene.flstr.registry.read()
    assert set(tree.not_ready) == set(tree.dead) == {"worker101", "worker102"}
    assert scene.where() == {"worker103": 2}
    assert scene.routed() == {"worker103"}
    said = scene.said()[-1]
    assert said.startswith(
        ":warning: 3 of 5 machines do not answer at once (2 given up within the last hour), so it is"
    )
