"""rollback, restart, stop and remove: each a commit under the person's name, and what comes of it."""

import pytest

from tests.gitops.flstr import DEVELOPER, REVIEWER, Flstr
from tests.gitops.test_bad_commit import commits, failing


def test_rollback_goes_to_the_commit_before_and_there_again(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    answer = flstr.answer("rollback influencer")
    assert f'\ninfluencer {second[:8]} → {first[:8]} "first": committed as' in answer
    flstr.settle()
    assert commits(flstr) == [first, first]
    assert flstr.cluster.subject() == f"Roll back influencer@{first[:12]} (was {second[:12]})"
    flstr.ask("rollback influencer")
    flstr.settle()
    assert commits(flstr) == [second, second]


def test_rollback_while_a_rollout_hangs_goes_back_to_what_served(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.ask(f"deploy influencer@{second[:7]}")
    assert f"{second[:8]} → {first[:8]}" in flstr.ask("rollback influencer")


def test_rollback_twice_is_one_rollback_while_the_first_is_under_way(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    flstr.answer("rollback influencer")
    assert flstr.answer("rollback influencer", DEVELOPER) == f"influencer is being rolled back to {first[:8]} already."
    flstr.settle()
    assert commits(flstr) == [first, first]


def test_rollback_to_what_is_in_quarantine_is_refused(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    assert "is in quarantine" in flstr.ask(f"rollback influencer {second[:7]}")


def test_rollback_to_a_named_commit(flstr: Flstr) -> None:
    repo, first, second = flstr.app
    third = repo.push({"run.sh": "three"}, "third")
    flstr.settle()
    for commit in (second, third):
        flstr.ask(f"deploy influencer@{commit[:7]}")
        flstr.settle()
    flstr.ask(f"rollback influencer {first[:7]}")
    flstr.settle()
    assert commits(flstr) == [first, first]


def test_rollback_of_what_has_no_past_is_refused(flstr: Flstr) -> None:
    flstr.settle()
    assert flstr.ask("rollback influencer") == (
        "flstr knows of no commit that influencer ran before; name one, such as `rollback influencer a1b2c3`."
    )


def test_restart_replaces_every_instance_by_one_of_the_same_commit(flstr: Flstr) -> None:
    _, first, _ = flstr.app
    flstr.settle()
    before = set(flstr.registry.read().apps["backend", "influencer"].instances)
    assert "gets new instances, in turn" in flstr.ask("restart influencer", DEVELOPER)
    assert flstr.settle()[-1].plan.title == "restart influencer with its new settings"
    after = set(flstr.registry.read().apps["backend", "influencer"].instances)
    assert not before & after
    assert commits(flstr) == [first, first]


def test_an_app_is_stopped_and_started_with_as_many_instances(flstr: Flstr) -> None:
    _, first, _ = flstr.app
    flstr.settle()
    assert "is to run nowhere" in flstr.ask("stop influencer --yes")
    assert flstr.settle()[-1].plan.title == "stop influencer"
    assert commits(flstr) == []
    assert flstr.ask("stop influencer") == "influencer is stopped already; `restart influencer` starts it."
    assert "It is stopped; `restart influencer` starts it." in flstr.ask("scale influencer 3")
    flstr.settle()
    assert commits(flstr) == []
    assert "starts again, with 3 of its instances" in flstr.ask("restart influencer")
    flstr.settle()
    assert commits(flstr) == [first] * 3


def test_remove_waits_for_an_approval(flstr: Flstr) -> None:
    flstr.settle()
    assert "it serves on until somebody approves" in flstr.ask("remove influencer")
    waiting = flstr.settle()[-1]
    assert (waiting.status, waiting.plan.title) == ("awaiting_approval", "remove influencer")
    assert len(commits(flstr)) == 2
    flstr.approve(waiting, REVIEWER)
    assert flstr.settle()[-1].status == "done"
    registered = flstr.registry.read()
    assert (registered.apps, registered.ingress, registered.ports) == ({}, {}, {})


def test_an_app_that_another_needs_is_not_removed(flstr: Flstr) -> None:
    flstr.settle()
    text = flstr.cluster.file("apps/influencer.yaml").partition("ingress:")[0]
    creator = text.replace("app: influencer", "app: creator").replace("5001", "5002").replace("INFLUENCER", "CREATOR")
    flstr.cluster.push({"apps/creator.yaml": creator + "needs: [influencer]\n"})
    assert flstr.ask("remove influencer") == "creator needs influencer; take it out of `needs` first."


@pytest.mark.parametrize("words", ["rollback inflencer", "restart inflencer", "stop inflencer", "remove inflencer"])
def test_a_slip_in_the_name_is_told(flstr: Flstr, words: str) -> None:
    flstr.settle()
    assert flstr.ask(words) == "There is no app called inflencer; did you mean influencer?"


@pytest.mark.parametrize("words", ["rollback influencer", "restart influencer", "stop influencer", "remove influencer"])
def test_who_may_not_deploy_changes_nothing(flstr: Flstr, words: str) -> None:
    flstr.settle()
    head = flstr.cluster.subject()
    assert flstr.ask(words, REVIEWER).startswith(f"You may not {words.split(maxsplit=1)[0]}")
    assert flstr.cluster.subject() == head


def test_a_rollback_after_a_failure_is_what_already_is(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    assert commits(flstr) == [first, first]
    assert "flstr knows of no commit that influencer ran before" in flstr.ask("rollback influencer")
