"""A floating IP that moves while everything fails: cloud, etcd and machines come to say the same, wherever it stops.

The cloud is the lab's, with its wire format; of the machines, only what they were told last is known.
"""

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from executors.floating import Floating
from executors.floating_drift import FloatingDrift
from executors.floating_files import floating_script
from executors.floating_ips import FloatingIps
from gitops.plan.floating import floating_plans
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.registered import FloatingRecord
from model.steps import HoldFloatingIp, SettleFloatingIps
from tests.executors.public_field import PublicField
from tests.executors.scripted import ScriptedRemote
from tests.gitops.public import FIRST, FLOATING_IP, SECOND
from tests.lab.cloud.running_cloud import RunningCloud

MOVE = HoldFloatingIp(name="public", node=SECOND, location="fsn1")
# What a move does one after the other: told to etcd, to the machine, to etcd twice, to the cloud, to etcd.
EFFECTS = 6


class Killed(Exception):
    """The controller was killed here."""


class World:
    """The first ingress holds the address, and is silent."""

    def __init__(self, field: PublicField, cloud: RunningCloud) -> None:
        self.field, self.cloud = field, cloud
        self.answering: dict[str, bool] = {FIRST: False, SECOND: False}
        field.on = self.told
        self.floating = Floating(field.remote, field.settings)
        self.floating.hold(HoldFloatingIp(name="public", node=FIRST, location="fsn1"), field.context)
        self.ip = self.record().ip
        self.silent(FIRST)

    def told(self, node: str, script: str) -> str:
        """What a machine does."""
        self.answering[node] = script == floating_script([self.record().ip])
        return ""

    def record(self) -> FloatingRecord:
        return self.field.registry.read().floating_ips["public"]

    def silent(self, *nodes: str) -> None:
        """Who does not answer; the watch sees it at once."""
        for node in (FIRST, SECOND):
            self.field.store.delete(keys.unreachable(node), keys.dead(node))
        for node in nodes:
            self.field.store.put(keys.unreachable(node), "1000.000")

    def move(self) -> None:
        self.floating.hold(MOVE, self.field.context)

    def settle(self) -> None:
        """Carry out what is planned, until nothing is."""
        registry = self.field.registry
        for _ in range(10):
            plans = floating_plans(registry.cluster(), registry.read())
            if not plans:
                return
            for planned in plans[0].steps:
                match planned.step:
                    case HoldFloatingIp():
                        self.floating.hold(planned.step, self.field.context)
                    case SettleFloatingIps():
                        self.floating.settle(planned.step, self.field.context)
        raise AssertionError("there is no end of plans")

    def serves(self) -> str | None:
        """The machine at which users are answered."""
        node = self.field.route(self.ip)
        registered = self.field.registry.read()
        return node if node and self.answering[node] and node not in registered.unreachable else None

    def agrees(self) -> bool:
        """Whether all say that one machine has the address, and no other."""
        record = self.record()
        if record.node is None or record.unsure:
            return False
        return (
            self.field.route(self.ip) == record.node
            and self.answering == {node: node == record.node for node in (FIRST, SECOND)}
            and self.field.registry.read().floated == {record.node: (str(self.ip),)}
        )


@pytest.fixture
def world(store: Store, cloud: RunningCloud) -> World:
    return World(PublicField(store, cloud, FLOATING_IP), cloud)


def stop_after(patch: pytest.MonkeyPatch, effects: int, error: Exception) -> list[str]:
    """Have whatever comes after so many effects fail; what there was is noted."""
    done: list[str] = []

    def stopping(owner: type, name: str) -> None:
        act: Callable[..., object] = getattr(owner, name)

        def run(*args: object, **more: object) -> object:
            if len(done) == effects:
                raise error
            done.append(name)
            return act(*args, **more)

        patch.setattr(owner, name, run)

    for owner, name in (
        *((Registry, "put_floating_ip"), (Registry, "put_floated")),
        *((ScriptedRemote, "run"), (FloatingIps, "assign")),
    ):
        stopping(owner, name)
    return done


def test_a_move_has_these_effects(world: World) -> None:
    with pytest.MonkeyPatch.context() as patch:
        done = stop_after(patch, -1, Killed())
        world.move()
    assert done == ["put_floated", "run", "put_floated", "put_floating_ip", "assign", "put_floating_ip"]
    assert len(done) == EFFECTS
    world.silent()
    world.settle()
    assert world.agrees()


@pytest.mark.parametrize("effects", range(EFFECTS))
@pytest.mark.parametrize("resumed", [True, False])
@pytest.mark.parametrize("silent", [(FIRST,), (), (SECOND,)])
def test_wherever_it_stops_all_come_to_agree(
    world: World, effects: int, resumed: bool, silent: tuple[str, ...]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        done = stop_after(patch, effects, Killed())
        with pytest.raises(Killed):
            world.move()
        assert len(done) == effects
    world.silent(*silent)
    if resumed and SECOND not in silent:
        # The next controller begins the step again; who is dead by then cannot be told anything.
        world.move()
    world.settle()
    assert world.serves() is not None
    world.silent()
    world.settle()
    assert world.agrees()


@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("silent", [(FIRST,), (), (SECOND,)])
def test_a_move_of_which_the_cloud_gave_no_answer_leaves_nobody_without_the_address(
    world: World, moved: bool, silent: tuple[str, ...]
) -> None:
    # A second lost connection is not made up for; the first one is that of the look before the move.
    lost = [("GET", "/floating_ips", "lost_answer"), ("POST", "/floating_ips/*", "lost_answer")]
    faults = lost if moved else [("POST", "/floating_ips/*", "error")]

    def told(node: str, script: str) -> str:
        for method, path, kind in faults:
            world.cloud.control("POST", "/faults", {"kind": kind, "method": method, "path": path})
        return world.told(node, script)

    world.field.on = told
    with pytest.raises(StepFailed):
        world.move()
    world.field.on = world.told
    assert world.cloud.control("GET", "/faults") == {"faults": []}
    assert (world.record().node, world.record().unsure) == (FIRST, True)
    world.silent(*silent)
    world.settle()
    assert world.record().node == world.field.route(world.ip)
    assert world.serves() is not None
    world.silent()
    world.settle()
    assert world.agrees()
    if not silent:
        assert world.record().node == (SECOND if moved else FIRST)


def test_nobody_lets_go_while_the_cloud_cannot_be_asked(world: World) -> None:
    world.move()
    world.silent()
    told = len(world.field.remote.ran)
    world.cloud.control("POST", "/faults", {"kind": "error", "method": "GET", "path": "/floating_ips", "times": 5})
    with pytest.raises(StepFailed, match="asking where the floating IP leads to"):
        world.settle()
    assert len(world.field.remote.ran) == told
    world.cloud.control("DELETE", "/faults")
    world.settle()
    assert world.agrees()


def test_what_somebody_else_moved_is_seen_and_followed(world: World) -> None:
    world.move()
    world.silent()
    world.settle()
    woken: list[bool] = []
    drift = FloatingDrift(world.field.registry, world.field.settings, lambda: woken.append(True))
    drift.look()
    assert (world.agrees(), woken) == (True, [])
    # A controller that was overtaken, and slept until now.
    FloatingIps(world.field.settings, "flstr-lab").assign("public", FIRST)
    drift.look()
    drift.look()
    assert (world.record().unsure, woken) == (True, [True])
    world.settle()
    assert world.agrees()
    assert world.serves() == FIRST


def test_one_that_leads_to_no_ingress_any_more_is_held_anew(world: World) -> None:
    world.silent()
    world.cloud.client.floating_ips.get_by_name("public").unassign().wait_until_finished()
    drift = FloatingDrift(world.field.registry, world.field.settings, lambda: None)
    drift.look()
    world.settle()
    assert world.agrees()


def test_one_that_is_just_moving_is_left_alone(world: World) -> None:
    world.silent()
    drift = FloatingDrift(world.field.registry, world.field.settings, lambda: pytest.fail("it was taken for lost"))
    asked = FloatingIps.leads_to

    def move_meanwhile(ips: FloatingIps, name: str, ip: IPv4Address) -> str | None:
        world.move()
        return asked(ips, name, ip)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FloatingIps, "leads_to", move_meanwhile)
        drift.look()
    assert world.record() == FloatingRecord(ip=world.ip, node=SECOND)


def test_a_cloud_that_does_not_answer_changes_nothing(world: World) -> None:
    before = world.record()
    world.cloud.control("POST", "/faults", {"kind": "error", "method": "GET", "path": "/floating_ips", "times": 5})
    FloatingDrift(world.field.registry, world.field.settings, lambda: None).look()
    assert world.record() == before
