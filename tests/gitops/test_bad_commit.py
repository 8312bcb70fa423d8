"""A bad commit harms nobody: what the worker does of a release that fails, with executors that only register."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from model import keys
from model.errors import ReleaseFailed, StepFailed
from model.operation import Operation
from model.registered import Quarantine
from model.steps import StartInstance, WatchInstances
from tests.gitops.flstr import REVIEWER, Flstr
from tests.gitops.pretend import fail_at
from tests.gitops.scene import app_yaml

SENTENCE = "influencer did not answer 200"


def failing(
    commit: str, kind: str = "instance.start", number: int = 1, seen: list[str] | None = None
) -> Callable[[Any], None]:
    """Has the nth step of a kind and those after it fail for a commit, by the release's own fault."""
    seen = [] if seen is None else seen

    def before(step: Any) -> None:
        if step.kind == kind and step.app.commit == commit:
            seen.append(step.kind)
            if len(seen) >= number:
                raise ReleaseFailed(SENTENCE, "the last line")

    return before


def commits(flstr: Flstr) -> list[str]:
    """What serves."""
    return [record.commit for record in flstr.registry.read().apps["backend", "influencer"].instances.values()]


def statuses(operations: list[Operation]) -> list[str]:
    return [operation.status for operation in operations]


def quarantine(flstr: Flstr) -> list[Quarantine]:
    return [Quarantine.model_validate_json(value) for value in flstr.store.prefix(keys.QUARANTINE).values()]


@pytest.mark.parametrize("kind", ["release.build", "instance.start", "instance.watch"])
def test_the_old_release_serves_on_and_git_says_so(flstr: Flstr, kind: str) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second, kind)
    flstr.ask(f"deploy influencer@{second[:7]}")
    operations = flstr.settle()
    assert statuses(operations[:2]) == ["done", "failed"]
    assert f"influencer goes back to {first[:8]}" in operations[1].sentence
    assert commits(flstr) == [first, first]
    assert len(flstr.registry.read().ports) == 2
    (bad,) = quarantine(flstr)
    assert (bad.commit, bad.reason, bad.operation) == (second, SENTENCE, operations[1].id)
    assert f'commit: "{first}"' in flstr.cluster.file("apps/influencer.yaml")
    assert flstr.cluster.subject().startswith(f"Revert influencer to {first[:12]} ({second[:12]} failed)")
    assert "changes nothing" in flstr.ask("plan")
    told = [notice for notice in flstr.notices() if "quarantine" in notice]
    assert len(told) == 1
    assert SENTENCE in told[0]


def test_a_rollout_that_fails_at_its_second_instance_goes_back_as_a_whole(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second, number=2)
    flstr.ask(f"deploy influencer@{second[:7]}")
    operations = flstr.settle()
    assert statuses(operations) == ["done", "failed", "done"]
    assert operations[2].plan.title == f"revert influencer to {first[:8]}"
    assert operations[2].origin.display == "flstr"
    assert commits(flstr) == [first, first]


def test_what_failed_is_not_tried_again_by_a_merge(flstr: Flstr) -> None:
    repo, first, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    started = flstr.pretend.done.count("instance.start")
    flstr.cluster.pull()
    flstr.cluster.push({"apps/influencer.yaml": app_yaml(repo.url, second)})
    flstr.settle()
    assert flstr.pretend.done.count("instance.start") == started
    assert f'commit: "{first}"' in flstr.cluster.file("apps/influencer.yaml")


def test_somebody_may_have_it_tried_again(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.answer(f"deploy influencer@{second[:7]}")
    flstr.settle()
    refused = flstr.ask(f"deploy influencer@{second[:7]}")
    assert refused.startswith(f"influencer@{second[:8]} failed before ({SENTENCE}) and is in quarantine")
    assert f"`deploy influencer@{second[:7]} --anyway`" in refused
    flstr.pretend.before = lambda _: None
    assert "committed as" in flstr.ask(f"deploy influencer@{second[:7]} --anyway")
    assert flstr.settle()[-1].status == "done"
    assert commits(flstr) == [second, second]
    assert quarantine(flstr) == []


def test_a_newer_commit_is_tried_at_once(flstr: Flstr) -> None:
    repo, _, second = flstr.app
    third = repo.push({"run.sh": "three"}, "third")
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    flstr.ask(f"deploy influencer@{third[:7]}")
    assert flstr.settle()[-1].status == "done"
    assert commits(flstr) == [third, third]


def test_a_setting_that_fails_is_taken_back_with_the_rest_of_the_file_as_it_was(flstr: Flstr) -> None:
    _, first, _ = flstr.app
    flstr.settle()
    flstr.ask("scale influencer 3")
    flstr.settle()
    before = flstr.cluster.file("apps/influencer.yaml")

    def no_such_path(step: Any) -> None:
        if isinstance(step, StartInstance) and step.app.health.path == "/nowhere":
            raise ReleaseFailed(SENTENCE)

    flstr.pretend.before = no_such_path
    flstr.cluster.pull()
    flstr.cluster.push({"apps/influencer.yaml": before.replace("path: /health", "path: /nowhere")})
    flstr.settle()
    assert flstr.cluster.file("apps/influencer.yaml") == before
    assert commits(flstr) == [first] * 3


def test_without_auto_revert_everything_stays_where_it_stopped(flstr: Flstr) -> None:
    repo, first, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second, number=2)
    flstr.cluster.push(
        {"apps/influencer.yaml": app_yaml(repo.url, second).replace("update:", "update:\n  auto_revert: false")}
    )
    operations = flstr.settle()
    assert statuses(operations) == ["done", "failed"]
    assert sorted(commits(flstr)) == sorted([first, second])
    assert f'commit: "{second}"' in flstr.cluster.file("apps/influencer.yaml")
    flstr.ask("sync")
    assert len(flstr.settle()) == 2


def test_a_first_release_that_fails_has_nothing_to_go_back_to(flstr: Flstr) -> None:
    _, first, second = flstr.app
    tries, both = list[str](), threading.Barrier(2)

    def fail_together(step: Any) -> None:
        """Neither fails before the other one has begun, for then that would not begin at all."""
        if isinstance(step, StartInstance) and step.app.commit == first:
            tries.append(step.node)
            if len(tries) <= 2:
                both.wait(60)
            raise ReleaseFailed(SENTENCE, "the last line")

    flstr.pretend.before = fail_together
    operations = flstr.settle()
    assert operations[0].status == "failed"
    assert commits(flstr) == []
    assert len(tries) == 2
    flstr.ask("sync")
    flstr.settle()
    assert len(tries) == 2
    flstr.ask(f"deploy influencer@{second[:7]}")
    assert flstr.settle()[-1].status == "done"
    assert commits(flstr) == [second, second]


def test_what_failed_goes_even_where_nothing_is_known_to_have_served_as_a_whole(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    # As it is for an app that an older flstr deployed.
    flstr.store.delete(keys.stable("backend", "influencer"))
    flstr.pretend.before = failing(second, "instance.watch")
    flstr.ask(f"deploy influencer@{second[:7]}")
    operations = flstr.settle()
    assert operations[-1].plan.title == f"take back influencer@{second[:8]}"
    assert set(commits(flstr)) == {first}


def test_an_app_that_nobody_has_watched_yet_is_watched(flstr: Flstr) -> None:
    flstr.pretend.before = fail_at("instance.watch", "ingress016: no answer")
    flstr.settle()
    assert flstr.store.prefix(keys.STABLE) == {}
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert flstr.settle()[-1].plan.title == "watch influencer"
    assert len(flstr.store.prefix(keys.STABLE)) == 1
    assert "changes nothing" in flstr.ask("plan")


def test_a_release_that_serves_is_gone_back_to_though_an_old_instance_could_not_be_stopped(flstr: Flstr) -> None:
    repo, _, second = flstr.app
    third = repo.push({"run.sh": "three"}, "third")
    flstr.settle()
    flstr.pretend.before = fail_at("instance.stop", "the connection broke")
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    flstr.settle()
    assert commits(flstr) == [second, second]
    flstr.pretend.before = failing(third)
    flstr.ask(f"deploy influencer@{third[:7]}")
    flstr.settle()
    assert commits(flstr) == [second, second]
    assert flstr.cluster.subject().startswith(f"Revert influencer to {second[:12]}")


def test_a_revert_that_would_not_fit_the_other_apps_is_not_pushed(flstr: Flstr) -> None:
    repo, first, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second)
    moved = app_yaml(repo.url, second).replace("5001", "5009")
    taken = app_yaml(repo.url, first).partition("ingress:")[0].replace("app: influencer", "app: creator")
    flstr.cluster.push({"apps/influencer.yaml": moved, "apps/creator.yaml": taken.replace("INFLUENCER", "CREATOR")})
    flstr.settle()
    assert f'commit: "{second}"' in flstr.cluster.file("apps/influencer.yaml")
    assert set(commits(flstr)) == {first}
    ports = [app.meta_data.publish.port for app in flstr.registry.read().apps.values() if app.meta_data]
    assert sorted(ports) == [5001, 5009]


def test_a_machine_that_fails_is_no_fault_of_the_release(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()

    def unreachable(step: Any) -> None:
        if isinstance(step, WatchInstances):
            raise StepFailed("worker101: no answer")

    flstr.pretend.before = unreachable
    flstr.ask(f"deploy influencer@{second[:7]}")
    assert flstr.settle()[-1].status == "failed"
    assert quarantine(flstr) == []
    # What was not watched to the end takes nobody's place.
    assert commits(flstr).count(first) == 2
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert flstr.settle()[-1].status == "done"
    assert commits(flstr) == [second, second]


def test_a_release_that_served_is_not_quarantined_for_failing_on_another_machine(flstr: Flstr) -> None:
    _, first, _ = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(first)
    flstr.ask("scale influencer 3")
    assert flstr.settle()[-1].status == "failed"
    assert quarantine(flstr) == []
    assert commits(flstr) == [first, first]


def test_a_commit_that_cannot_be_pushed_is_told_and_the_old_release_serves_all_the_same(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.cluster.refuse_pushes()
    flstr.settle()
    assert commits(flstr) == [first, first]
    told = [notice for notice in flstr.notices() if "Git still says otherwise" in notice]
    assert len(told) == 1


def test_removing_an_app_forgets_what_failed_of_it(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    flstr.ask("remove influencer")
    flstr.approve(flstr.settle()[-1], REVIEWER)
    flstr.settle()
    assert flstr.store.prefix(keys.QUARANTINE) == flstr.store.prefix(keys.STABLE) == {}
