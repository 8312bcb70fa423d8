"""What is copied at a hand-over: all that is known, nothing of whoever works, and the mark that it is whole at last."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from executors.control.hand_over import copy, missing_of
from gitops.etcd_server import EmbeddedEtcd
from gitops.store import Store
from model import keys
from model.operation import Operation, OperationStatus, Origin, StepState
from model.registered import ControllerRecord
from model.steps import HandOver, Plan, PlannedStep, RefreshMeshes, Step


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
