"""What of a snapshot lives on, and what does not."""

from gitops.backups.reviving import GIVEN_UP, next_epoch, revive
from model import keys
from model.operation import Approval, Operation, OperationStatus, Origin, StepState
from model.steps import Plan, PlannedStep, RefreshMeshes

NOW = 5000.0


def operation(name: str, status: OperationStatus) -> Operation:
    steps = (PlannedStep(id="a", title="a", step=RefreshMeshes(nodes=())),)
    return Operation(
        id=name, revision="r", plan=Plan(title=name, steps=steps), origin=Origin(), status=status,
        steps={"a": StepState(status="running", started=1.0)}, created=1.0,
    )  # fmt: skip


def approval(name: str, status: str) -> Approval:
    record = Approval(id=name, operation=name, digest="d", needed=1, asked=1.0, expires=9.0)
    return Approval.model_validate(record.model_dump() | {"status": status})


def test_what_was_under_way_ends_as_given_up_and_what_has_ended_stays() -> None:
    statuses: dict[str, OperationStatus] = {"one": "running", "two": "awaiting_approval", "three": "done"}
    found = {keys.operation(name): operation(name, status).to_json() for name, status in statuses.items()}
    ended = {key: Operation.model_validate_json(text) for key, text in revive(found, NOW).puts.items()}
    assert ended.keys() == {keys.operation("one"), keys.operation("two")}
    for one in ended.values():
        assert (one.status, one.sentence, one.ended) == ("cancelled", GIVEN_UP, NOW)
        assert one.steps["a"].status == "skipped"


def test_nobody_is_asked_any_more_for_what_was_given_up() -> None:
    found = {keys.approval(name): approval(name, name).to_json() for name in ("waiting", "approved", "denied")}
    puts = revive(found, NOW).puts
    assert {Approval.model_validate_json(text).status for text in puts.values()} == {"void"}
    assert puts.keys() == {keys.approval("waiting"), keys.approval("approved")}


def test_who_led_what_was_locked_and_what_was_asked_is_dropped_and_all_else_stays() -> None:
    dropped = {
        keys.LEADER, keys.lock("machines"), keys.controller("controller001"), keys.alive("worker101"),
        keys.intent("1"), keys.dead("worker101"), keys.attempt("machines"), keys.etcd_member("controller001"),
        keys.enrolled("worker101"), keys.installed("controller001"), keys.AUTHORITY, keys.HANDED_OVER,
    }  # fmt: skip
    kept = {keys.SYNC, keys.CLUSTER, keys.node("worker101"), keys.card("x"), keys.AUDIT_HEAD}
    revival = revive(dict.fromkeys(dropped | kept, ""), NOW)
    assert set(revival.deletes) == dropped
    assert revival.puts == {}


def test_an_epoch_is_greater_than_the_snapshots_and_than_any_that_a_machine_has_seen() -> None:
    assert next_epoch(None, 0) == 1
    assert next_epoch("7", 5 << 40 | 3) == 8
    assert next_epoch("2", 5 << 40 | 3) == 6
    assert next_epoch(None, 123_456) == 1
