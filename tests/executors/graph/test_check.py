"""`graph`, from what machines print to the answer with its picture."""

import pytest

from executors.doctor.check import Doctor
from executors.graph.check import Graph
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.attachment import Reply
from model.errors import Refused
from tests.executors.graph.clusters_seen import SMALL, joined
from tests.executors.scripted import ScriptedRemote

REACH = "reach\tvpn_ctrl\tcontroller001\t0.52\tyes\tanswers\n"


@pytest.fixture
def registry(store: Store) -> Registry:
    """A controller leads a cluster whose machines have all joined."""
    tree = joined(SMALL)
    store.put(keys.CLUSTER, SMALL.to_json())
    for node in tree.nodes.values():
        store.put(keys.node(node.name), node.to_json())
    for mesh, members in tree.members.items():
        for member in members.values():
            store.put(keys.mesh_member(mesh, member.node), member.to_json())
    store.put(keys.LEADER, "this test")
    return Registry(store.fenced(Fence(keys.LEADER, store.create_revision(keys.LEADER) or 0)))


def printed(node: str, script: str) -> str:
    if "date +%s.%N" in script and "look_at_mesh" not in script:
        return "0.0"
    return f"now\t0.0\n{REACH if node == 'worker101' else ''}end\n"


def test_what_machines_say_of_their_tunnels_is_the_answer_and_the_picture(registry: Registry) -> None:
    reply = Graph(Doctor(ScriptedRemote(printed, dead=("worker102",))), clock=lambda: 0.0)((), registry)
    assert isinstance(reply, Reply)
    first, second, *_ = reply.text.splitlines()
    assert first == ":red_circle: *vpn_ctrl*: 10.110.0.0/24, 4 machines, 3 tunnels, 0.52 ms"
    assert second.strip() == "worker102 does not answer"
    assert reply.attachment is not None
    assert (reply.attachment.name, reply.attachment.title) == ("small-networks.png", "Networks of small")
    assert reply.attachment.alt.startswith("The networks of small. vpn_ctrl: ")
    assert reply.attachment.content.startswith(b"\x89PNG")


def test_before_anything_has_joined_there_are_words_alone(store: Store) -> None:
    store.put(keys.CLUSTER, SMALL.to_json())
    store.put(keys.LEADER, "this test")
    registry = Registry(store.fenced(Fence(keys.LEADER, store.create_revision(keys.LEADER) or 0)))
    assert Graph(Doctor(ScriptedRemote(printed)))((), registry) == "No machine has joined a network yet."


def test_who_does_not_lead_looks_at_no_machine(store: Store) -> None:
    remote = ScriptedRemote(printed)
    with pytest.raises(Refused, match="Only the flstr serve that leads"):
        Graph(Doctor(remote))((), Registry(store))
    assert remote.ran == []
