"""Services from commits to machines: installed, changed, moved, restored and removed, with a real etcd and Git."""

from typing import Any

import pytest

from gitops import lint_playbooks
from model import service_keys
from model.errors import StepFailed
from model.operation import Operation
from tests.gitops.flstr import REVIEWER, Flstr
from tests.gitops.pretend import fail_at
from tests.gitops.service_scene import BACKUP, ONE, TWO, cache_yaml, cluster_yaml

OPTIONS = {"redis_memory": {"type": "str"}}
CACHE = "services/cache.yaml"


@pytest.fixture(autouse=True)
def options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint_playbooks, "options_of", lambda _: OPTIONS)


def push(flstr: Flstr, service: str | None = None, **more: str) -> list[Operation]:
    flstr.cluster.push({"cluster.yaml": cluster_yaml(), **({} if service is None else {CACHE: service}), **more})
    return flstr.settle()


def take_away(flstr: Flstr) -> Operation:
    flstr.cluster.push({CACHE: None})
    return flstr.settle()[-1]


def titles(operations: list[Operation]) -> list[str]:
    return [f"{operation.plan.title}: {operation.status}" for operation in operations]


def needing(flstr: Flstr) -> str:
    text = flstr.cluster.file("apps/influencer.yaml")
    return f"{text}needs: [cache]\n"


def test_machines_come_first_then_the_service_then_the_app_that_needs_it(flstr: Flstr) -> None:
    operations = push(flstr, cache_yaml((ONE, TWO)), **{"apps/influencer.yaml": needing(flstr)})
    done = [operation.plan.title for operation in operations]
    assert [operation.status for operation in operations] == ["done"] * len(done)
    install, deploy = done.index("install cache"), next(n for n, title in enumerate(done) if "deploy" in title)
    assert done[0].startswith("add controller001")
    assert 0 < install < deploy
    assert flstr.registry.read().services["cache"].meta_data is not None
    before = flstr.store.revision()
    assert not flstr.look()
    assert flstr.store.revision() == before


def test_a_plan_that_fails_is_tried_again_with_the_next_revision_alone(flstr: Flstr) -> None:
    flstr.pretend.before = fail_at("service.apply")
    assert titles(push(flstr, cache_yaml()))[-1] == "install cache: failed"
    flstr.worker.following.unsettle()
    assert titles(flstr.settle()).count("install cache: failed") == 1
    flstr.pretend.before = lambda _: None
    assert "install cache: done" in titles(push(flstr, cache_yaml(more="variables: {redis_memory: 64mb}\n")))


def test_a_failed_service_holds_up_no_app_but_those_that_need_it(flstr: Flstr) -> None:
    flstr.pretend.before = fail_at("service.apply")
    operations = push(flstr, cache_yaml())
    assert any("deploy influencer" in operation.plan.title and operation.status == "done" for operation in operations)
    assert len(flstr.registry.read().apps["backend", "influencer"].instances) == 2


def test_a_service_that_moves_is_left_with_one_machine(flstr: Flstr) -> None:
    push(flstr, cache_yaml())
    operations = push(flstr, cache_yaml((TWO,)))
    assert titles(operations)[-1] == "move cache from service101 to service102: done"
    found = flstr.registry.read().services["cache"]
    assert found.record is not None
    assert (found.record.nodes, found.record.leader, [*found.instances]) == ((TWO,), TWO, [TWO])


def test_a_service_goes_with_leave_after_its_last_backup(flstr: Flstr) -> None:
    push(flstr, cache_yaml())
    waiting = take_away(flstr)
    assert (waiting.status, waiting.plan.title) == ("awaiting_approval", "remove service cache")
    approval = flstr.operations.approvals()[-1]
    assert ("Services", "cache on service101") in [(fact.title, fact.text) for fact in approval.facts]
    flstr.approve(waiting, REVIEWER)
    assert titles(flstr.settle())[-1] == "remove service cache: done"
    assert "cache" not in flstr.registry.read().services
    assert flstr.pretend.done.index("service.back_up") < flstr.pretend.done.index("service.remove")


def test_without_the_last_backup_nothing_of_it_goes(flstr: Flstr) -> None:
    push(flstr, cache_yaml())
    waiting = take_away(flstr)
    flstr.pretend.before = fail_at("service.back_up")
    flstr.approve(waiting, REVIEWER)
    assert "remove service cache: failed" in titles(flstr.settle())
    assert flstr.registry.read().services["cache"].meta_data is not None
    assert "service.remove" not in flstr.pretend.done


def test_one_that_is_wanted_again_is_not_taken_off_any_more(flstr: Flstr) -> None:
    push(flstr, cache_yaml())
    waiting = take_away(flstr)

    def again(step: Any) -> None:
        if step.kind == "service.back_up":
            flstr.cluster.push({CACHE: cache_yaml()})
            flstr.worker.following.follow(())

    flstr.pretend.before = again
    flstr.approve(waiting, REVIEWER)
    flstr.settle()
    ended = flstr.operations.get(waiting.id)
    assert ended is not None
    assert "service cache is not to be removed any more" in ended.sentence
    assert flstr.registry.read().services["cache"].record is not None


def test_data_is_put_back_with_leave(flstr: Flstr) -> None:
    push(flstr, cache_yaml())
    waiting = push(flstr, cache_yaml(more=f"restored: {BACKUP}\n"))[-1]
    assert (waiting.status, waiting.plan.title) == ("awaiting_approval", f"restore cache from {BACKUP}")
    flstr.approve(waiting, REVIEWER)
    assert titles(flstr.settle())[-1] == f"restore cache from {BACKUP}: done"
    record = flstr.registry.read().services["cache"].record
    assert record is not None
    assert record.restored == BACKUP


def test_what_is_to_be_set_up_otherwise_by_now_is_given_up(flstr: Flstr) -> None:
    push(flstr, cache_yaml())
    changed = [False]

    def change(step: Any) -> None:
        if step.kind == "service.apply" and not changed[0]:
            changed[0] = True
            flstr.cluster.push({CACHE: cache_yaml(more="variables: {redis_memory: 32mb}\n")})
            raise StepFailed("this takes too long")

    flstr.pretend.before = change
    push(flstr, cache_yaml(more="variables: {redis_memory: 64mb}\n"))
    record = flstr.registry.read().services["cache"].record
    assert record is not None
    assert record.service.variables == {"redis_memory": "32mb"}


def test_a_lock_of_an_app_leaves_services_as_they_are(flstr: Flstr) -> None:
    push(flstr, cache_yaml())
    flstr.ask("lock influencer 1h it moves")
    operations = push(flstr, cache_yaml((ONE, TWO)))
    assert titles(operations)[-1] == "add a replica of cache on service102: done"
    assert not any(operation.status == "awaiting_approval" for operation in operations)


def test_status_and_services_say_what_was_installed(flstr: Flstr) -> None:
    push(flstr, cache_yaml((ONE, TWO)))
    for answer in (flstr.ask("services"), flstr.ask("status")):
        assert "led by service101, installed by redis" in answer
    flstr.store.delete(service_keys.installed("cache"))
    assert "installed by" not in flstr.ask("services")


def test_a_plan_says_what_would_become_of_services(flstr: Flstr) -> None:
    push(flstr, cache_yaml())
    flstr.cluster.push({CACHE: None})
    said = flstr.ask("plan")
    assert "After an approval: remove service cache" in said
    assert ":wastebasket: service cache with its data, after a last backup" in said
