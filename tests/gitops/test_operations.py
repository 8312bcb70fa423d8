"""Operations in a real etcd."""

import json
from pathlib import Path

from gitops.etcd_server import EmbeddedEtcd
from gitops.operations import Operations
from gitops.store import Store
from model.operation import Operation, Origin
from model.steps import Plan, PlannedStep, WriteKeys

PLAN = Plan(title="register", steps=(PlannedStep(id="a", title="register", step=WriteKeys(put={"k": "v"})),))


def create(operations: Operations) -> Operation:
    return operations.create(PLAN, "1" * 40, Origin())


def test_unended_operations_are_told_oldest_first(store: Store) -> None:
    operations = Operations(store)
    first, second, third = (create(operations) for _ in range(3))
    operations.end(second, "done", "done in 1 s")
    assert operations.unended() == [first, third]


def test_what_changed_since_the_last_question_is_told(store: Store) -> None:
    operations, elsewhere = Operations(store), Operations(store)
    first = create(operations)
    assert operations.unended() == [first]
    second = create(elsewhere)
    running = first.model_copy(update={"status": "running"})
    elsewhere.save(running)
    assert operations.unended() == [running, second]
    elsewhere.end(running, "failed", "no")
    assert operations.unended() == [second]
    assert operations.unended() == [second]


def test_an_etcd_from_a_backup_is_read_from_its_beginning(tmp_path: Path) -> None:
    etcd = EmbeddedEtcd(tmp_path / "new")
    endpoint = etcd.start()
    store = Store([endpoint])
    operations = Operations(store)
    create(operations)
    lost = create(operations)
    operations.save(lost.model_copy(update={"status": "running"}))
    assert len(operations.unended()) == 2
    etcd.stop()
    other = EmbeddedEtcd(tmp_path / "backup")
    other.start(endpoint)
    try:
        kept = create(Operations(Store([endpoint])))
        assert operations.unended() == [kept]
    finally:
        store.close()
        other.stop()


def test_a_record_is_the_whole_operation_though_its_plan_is_written_out_once(store: Store) -> None:
    put = WriteKeys(put={"backend/influencer/meta_data": '{"a":"}"}'})
    plan = Plan(title='register "influencer"', steps=(PlannedStep(id="register", title="register", step=put),))
    operation = Operations(store).create(plan, "r", Origin())
    for changed in (operation, operation.model_copy(update={"status": "done", "ended": 2.0, "sentence": 'done "}"'})):
        assert Operation.model_validate_json(changed.to_json()) == changed
        assert json.loads(changed.to_json()) == json.loads(changed.model_dump_json(by_alias=True))
