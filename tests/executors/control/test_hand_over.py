"""What is copied at a hand-over: all that is known, nothing of whoever works, and the mark that it is whole at last."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from executors.control.access import Access
from executors.control.archive import Archive
from executors.control.given import Given
from executors.control.hand_over import HandingOver, copy, missing_of
from executors.control.install import Controllers
from executors.control.signing import signer_of
from executors.control.standing import standing
from gitops.certificates import key_safe
from gitops.etcd_server import EmbeddedEtcd
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import Fenced
from model.operation import Operation, OperationStatus, Origin, StepState
from model.registered import ControllerRecord, EtcdMember, HostRecord
from model.steps import HandOver, Plan, PlannedStep, RefreshMeshes, Step
from tests.executors.scripted import ScriptedRemote
from tests.identity import IDENTITIES


def operation(name: str, status: OperationStatus, step: Step) -> str:
    plan = Plan(title=name, steps=(PlannedStep(id="a", title="a", step=step),))
    state = {"a": StepState(status="waiting")}
    return Operation(
        id=name, revision="r", plan=plan, origin=Origin(), status=status, steps=state, created=1.0
    ).to_json()


KNOWN = {
    keys.CLUSTER: "the manifest",
    keys.host("controller101"): "a machine",
    keys.node("controller101"): "has joined",
    keys.AUTHORITY: "a certificate",
    keys.operation("before"): operation("before", "done", RefreshMeshes(nodes=())),
    keys.approval("before"): "used",
    keys.card("before"): "posted",
    keys.notice("before"): "heard",
    **{keys.port("worker101", number): "held" for number in range(20000, 20250)},
}
OF_THE_LAPTOP = {
    keys.operation("ran"): operation("ran", "running", RefreshMeshes(nodes=())),
    keys.operation("failed"): operation("failed", "failed", HandOver(nodes=("controller101",))),
    keys.approval("ran"): "waiting",
    keys.card("failed"): "posted",
    keys.LEADER: "laptop:1",
    keys.lock("machines"): "bootstrap",
    keys.intent("1"): "asked",
}


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Store]:
    """The cluster's etcd."""
    etcd = EmbeddedEtcd(tmp_path / "etcd")
    store = Store([etcd.start()])
    yield store
    store.close()
    etcd.stop()


def filled(store: Store, records: dict[str, str]) -> None:
    for key, value in records.items():
        store.put(key, value)


def test_all_that_is_known_with_its_history_and_a_greater_epoch(store: Store, target: Store) -> None:
    filled(store, {**KNOWN, **OF_THE_LAPTOP, keys.EPOCH: "2"})
    copy(store, target, 1000.0)
    assert target.prefix("") == {**KNOWN, keys.EPOCH: "3", keys.HANDED_OVER: "1000"}


def test_one_that_broke_off_is_made_up_for(store: Store, target: Store) -> None:
    filled(store, KNOWN)
    filled(target, {keys.CLUSTER: "an older one", keys.host("controller109"): "not ours any more"})
    filled(target, {keys.alive("controller101"): "its own word"})
    copy(store, target, 1000.0)
    assert target.prefix("") == {
        **KNOWN, keys.alive("controller101"): "its own word", keys.EPOCH: "1", keys.HANDED_OVER: "1000"
    }  # fmt: skip


def test_a_long_history_goes_with_it(store: Store, target: Store) -> None:
    """More than etcd takes in one request, though not more keys than it takes."""
    ended = operation("before", "done", RefreshMeshes(nodes=()))
    history = {keys.operation(f"{number:03}"): ended.ljust(20_000) for number in range(80)}
    store.write_many(history)
    copy(store, target, 1000.0)
    assert target.prefix(keys.OPERATIONS) == history


def test_the_epoch_grows_with_each_hand_over(store: Store, target: Store) -> None:
    filled(target, {keys.EPOCH: "7"})
    copy(store, target, 1000.0)
    assert target.get(keys.EPOCH) == "8"


def test_who_is_waited_for(store: Store) -> None:
    nodes = ("controller101", "controller102")
    assert missing_of(nodes, store) == ["controller101", "controller102", "leader"]
    store.put(keys.controller("controller102"), ControllerRecord(node=nodes[1], version="", since=1.0).to_json())
    store.put(keys.LEADER, "controller102")
    assert missing_of(nodes, store) == ["controller101"]


NODES = ("controller101", "controller102")


class Obeying(ScriptedRemote):
    """Controllers of which the first leads as soon as it runs: then both obey nobody from before."""

    def __init__(self, target: Store) -> None:
        super().__init__(lambda _node, script: "machine x86_64 3.11 2.36\n" if "getconf" in script else "")
        self._target = target
        self.obeys = 0

    def run(self, node: str, script: str, fence: HostFence, *rest: object, **more: object) -> str:
        if fence.leader < self.obeys:
            raise Fenced("this machine already obeys a newer controller")
        said = super().run(node, script, fence)
        if "start_at_boot" in script:
            record = ControllerRecord(node=node, version="", since=1.0)
            self._target.put(keys.controller(node), record.to_json())
            self._target.put_new(keys.LEADER, node)
            self.obeys = standing(self._target).token
        return said


@pytest.fixture
def laptop(store: Store) -> StepContext:
    """What a laptop knows that has founded etcd on two controllers."""
    for number, node in enumerate(NODES, 1):
        host = HostRecord(node=node, host_key="ssh-ed25519 key", ip=f"192.0.2.{number}", server_id=number)
        store.put(keys.host(node), host.to_json())
        member = EtcdMember(node=node, address=f"10.110.0.{number}", member_id="a")
        store.put(keys.etcd_member(node), member.to_json())
    return StepContext("op", Registry(store), HostFence(7), lambda _: None, lambda _: None)


def handing_over(remote: Obeying, laptop: StepContext, target: Store, folder: Path) -> HandingOver:
    (folder / "ssh").write_text("an SSH key\n")
    (folder / "age").write_text("an identity\n")
    given = Given({}, {}, folder / "ssh", folder / "age")
    signer = signer_of(laptop.registry.store, key_safe(IDENTITIES), "small")
    archive = Archive(folder / "0123456789abcdef.tar.gz", "0123456789abcdef")
    controllers = Controllers(remote, lambda _: archive, given, lambda _: signer, runs=False)
    return HandingOver(controllers, Access(folder / "control"), lambda _known, _tls: Store(target._endpoints))


def test_one_that_leads_at_once_keeps_nobody_from_being_started(
    laptop: StepContext, target: Store, tmp_path: Path
) -> None:
    remote = Obeying(target)
    handing_over(remote, laptop, target, tmp_path).hand_over(HandOver(nodes=NODES), laptop)
    assert remote.nodes("start_at_boot") == list(NODES)


def test_a_laptop_that_was_killed_once_the_first_one_led_starts_the_others(
    laptop: StepContext, target: Store, tmp_path: Path
) -> None:
    remote = Obeying(target)
    filled(target, {keys.HANDED_OVER: "1000", keys.EPOCH: "1", keys.LEADER: NODES[0]})
    remote.obeys = standing(target).token
    handing_over(remote, laptop, target, tmp_path).hand_over(HandOver(nodes=NODES), laptop)
    assert remote.nodes("start_at_boot") == list(NODES)


def test_from_the_mark_on_the_laptop_knows_whom_to_ask(laptop: StepContext, target: Store, tmp_path: Path) -> None:
    class Dying(Obeying):
        def run(self, node: str, script: str, fence: HostFence, *rest: object, **more: object) -> str:
            if "start_at_boot" in script:
                raise KeyboardInterrupt
            return super().run(node, script, fence)

    with pytest.raises(KeyboardInterrupt):
        handing_over(Dying(target), laptop, target, tmp_path).hand_over(HandOver(nodes=NODES), laptop)
    assert [known.node for known in Access(tmp_path / "control").controllers()] == list(NODES)
    assert laptop.registry.store.get(keys.HANDED_OVER) is not None
